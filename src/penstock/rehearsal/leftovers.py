"""What is still in an account that should be empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from penstock.adapters.aws.session import calling, client

# Service, operation, where the names are in its answer, and what it has to be asked with.
LISTED: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("s3", "list_buckets", "Buckets", "Name", {}),
    ("lambda", "list_functions", "Functions", "FunctionName", {}),
    ("lambda", "list_layers", "Layers", "LayerName", {}),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID", {}),
    ("dynamodb", "list_tables", "TableNames", "", {}),
    ("stepfunctions", "list_state_machines", "stateMachines", "name", {}),
    ("scheduler", "list_schedules", "Schedules", "Name", {}),
    ("scheduler", "list_schedule_groups", "ScheduleGroups", "Name", {}),
    ("events", "list_rules", "Rules", "Name", {}),
    ("events", "list_event_buses", "EventBuses", "Name", {}),
    ("sns", "list_topics", "Topics", "TopicArn", {}),
    ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn", {}),
    ("sqs", "list_queues", "QueueUrls", "", {}),
    ("logs", "describe_log_groups", "logGroups", "logGroupName", {}),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", {"AlarmTypes": ["MetricAlarm"]}),
    ("cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName", {"AlarmTypes": ["CompositeAlarm"]}),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName", {}),
    ("iam", "list_roles", "Roles", "RoleName", {}),
    ("iam", "list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    ("glue", "get_databases", "DatabaseList", "Name", {}),
    ("glue", "get_crawlers", "Crawlers", "Name", {}),
    ("athena", "list_work_groups", "WorkGroups", "Name", {}),
    ("cloudtrail", "list_trails", "Trails", "Name", {}),
    ("kms", "list_aliases", "Aliases", "AliasName", {}),
)
# AWS has these itself.
OWN: dict[str, Callable[[str], bool]] = {
    "events": lambda name: name == "default",
    "athena": lambda name: name == "primary",
    "glue": lambda name: name == "default",
    "iam": lambda name: name.startswith("AWSServiceRole"),
    # Glue makes the groups of all jobs' logs, and keeps them.
    "logs": lambda name: name.startswith("/aws-glue/"),
    "kms": lambda name: name.startswith("alias/aws/"),
    "scheduler": lambda name: name == "default",
}


def _never(name: str) -> bool:
    return False


def leftovers() -> list[str]:
    """Returns what there is, as ``service: name``: all pages of every list."""
    found = []
    for service, operation, field, attribute, asked in LISTED:
        is_own = OWN.get(service, _never)
        with calling(f"see what is left by {operation} of {service}"):
            names = [str(one[attribute] if attribute else one) for one in _pages(service, operation, field, asked)]
        found += [f"{service}: {name}" for name in names if not is_own(name)]
    return found


def _pages(service: str, operation: str, field: str, asked: dict[str, Any]) -> Iterator[Any]:
    asking = client(service)
    if not asking.can_paginate(operation):
        yield from getattr(asking, operation)(**asked).get(field, ())
        return
    for page in asking.get_paginator(operation).paginate(**asked):
        yield from page.get(field, ())
