"""What is still in an account that should be empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.adapters.aws.session import client

# Service, operation, where the names are in its answer.
LISTED: tuple[tuple[str, str, str, str], ...] = (
    ("s3", "list_buckets", "Buckets", "Name"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("lambda", "list_layers", "Layers", "LayerName"),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("events", "list_rules", "Rules", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", ""),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("glue", "get_databases", "DatabaseList", "Name"),
    ("athena", "list_work_groups", "WorkGroups", "Name"),
    ("cloudtrail", "list_trails", "Trails", "Name"),
)
# AWS has these itself.
OWN: dict[str, Callable[[str], bool]] = {
    "athena": lambda name: name == "primary",
    "iam": lambda name: name.startswith("AWSServiceRole"),
    "glue": lambda name: name == "default",
}


def _never(name: str) -> bool:
    return False


def leftovers() -> list[str]:
    """Returns what there is, as ``service: name``."""
    found = []
    for service, operation, field, attribute in LISTED:
        answer: dict[str, Any] = getattr(client(service), operation)()
        names = [str(one[attribute] if attribute else one) for one in answer.get(field, ())]
        is_own = OWN.get(service, _never)
        found += [f"{service}: {name}" for name in names if not is_own(name)]
    return found
