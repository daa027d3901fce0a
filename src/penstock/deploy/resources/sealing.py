"""Sealing by the clock: a schedule that starts the function, filters over its log, and alarms.

The function itself, its role and its log are made as those of a task.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

from __future__ import annotations

from typing import Any

from penstock.deploy.functions import sealing_task
from penstock.deploy.hcl import Block, Expression, Template, identifier, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, function_address, named, topic_address
from penstock.deploy.policy import Statement
from penstock.deploy.resources.schedule import starting_role, target
from penstock.errors import Finding
from penstock.model.deployment import SEALING_FUNCTION
from penstock.model.pipeline import Definition

NAMESPACE = "Penstock"
HOUR = 3600
# Nothing is lost while it stands still for some hours: a query reads raw objects of several days.
SILENT_HOURS = 6
NAME = identifier(SEALING_FUNCTION)
# By the name of the metric: which lines of the log count, and what each adds.
FILTERS = {
    "not-sealed": ('{ $.message = "not sealed" }', "1"),
    "quarantined": (
        '{ $.message = "partition" && $.is_new IS TRUE && $.counts.quarantined > 0 }',
        "$.counts.quarantined",
    ),
}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the schedule and its role, filters and alarms."""
    definition = site.definition
    if sealing_task(definition) is None:
        return {}
    watch = [_filter(definition, name, *chosen) for name, chosen in FILTERS.items()]
    return {
        "workflow": [_schedule(definition)],
        "access": _role(definition),
        "watch": [*watch, _failed(definition), _silent(definition)],
    }


def limits(definition: Definition) -> list[Finding]:
    """Returns the task that has the name of the function that seals."""
    task = definition.tasks.get(SEALING_FUNCTION)
    if task is None or sealing_task(definition) is None:
        return []
    message = f"task {task.name!r} has the name of the function that seals the lake"
    return [Finding(task.place, "task-name", message, "rename the task")]


def expression(definition: Definition) -> str:
    """Returns when partitions are sealed: once in their width, soon after the last of them has been closed."""
    tables = definition.lake_tables.values()
    minutes = max(-(-table.seal_after_seconds // 60) for table in tables) + 1
    if any(table.partition == "hour" for table in tables):
        return f"cron({minutes % 60} * * * ? *)"
    return f"cron({minutes % 60} {minutes // 60 % 24} * * ? *)"


def _schedule(definition: Definition) -> Block:
    return resource(
        "aws_scheduler_schedule",
        NAME,
        {
            "name": named(f"{definition.name}-{SEALING_FUNCTION}"),
            "schedule_expression": expression(definition),
            "state": Expression('var.sealing_enabled ? "ENABLED" : "DISABLED"'),
        },
        nested("flexible_time_window", {"mode": "OFF"}),
        target(NAME, function_address(SEALING_FUNCTION), "{}"),
        comment="Seals the partitions that have been closed since.",
    )


def _role(definition: Definition) -> list[Block]:
    start = Statement(
        sid="StartSealing",
        actions=("lambda:InvokeFunction",),
        resources=(Expression(f"{function_address(SEALING_FUNCTION)}.arn"),),
    )
    comment = "What the schedule of sealing may do: start its function."
    return starting_role(definition, SEALING_FUNCTION, start, comment)


def _filter(definition: Definition, name: str, pattern: str, value: str) -> Block:
    return resource(
        "aws_cloudwatch_log_metric_filter",
        identifier(name),
        {
            "name": named(f"{definition.name}-{name}"),
            "log_group_name": Expression(f"aws_cloudwatch_log_group.task_{NAME}.name"),
            "pattern": pattern,
        },
        nested(
            "metric_transformation",
            {"namespace": NAMESPACE, "name": _metric(definition, name), "value": value, "unit": "Count"},
        ),
    )


def _metric(definition: Definition, name: str) -> Template:
    return named(f"{definition.name}-{name}")


def _failed(definition: Definition) -> Block:
    return _alarm(
        definition,
        "not-sealed",
        "A partition of the lake could not be sealed; the log of the function tells why",
        {"namespace": NAMESPACE, "metric_name": _metric(definition, "not-sealed"), "period": HOUR},
        {"comparison_operator": "GreaterThanThreshold", "threshold": 0, "treat_missing_data": "notBreaching"},
    )


def _silent(definition: Definition) -> Block:
    is_hourly = any(table.partition == "hour" for table in definition.lake_tables.values())
    hours = SILENT_HOURS if is_hourly else 24
    body = {
        "namespace": "AWS/Lambda",
        "metric_name": "Invocations",
        "dimensions": {"FunctionName": Expression(f"{function_address(SEALING_FUNCTION)}.function_name")},
        "period": hours * HOUR,
    }
    return _alarm(
        definition,
        "no-sealing",
        f"Nobody has sealed the lake for {hours} hours; queries read raw objects of some days only",
        body,
        {"comparison_operator": "LessThanThreshold", "threshold": 1, "treat_missing_data": "breaching"},
    )


def _alarm(
    definition: Definition, name: str, description: str, metric: dict[str, Any], condition: dict[str, Any]
) -> Block:
    told = [Expression(f"{topic_address(topic)}.arn") for topic in definition.topics]
    return resource(
        "aws_cloudwatch_metric_alarm",
        identifier(name),
        {
            "alarm_name": named(f"{definition.name}-{name}"),
            "alarm_description": description,
            **metric,
            "statistic": "Sum",
            "evaluation_periods": 1,
            **condition,
            "alarm_actions": told or None,
            "tags": {"severity": "CRITICAL"},
        },
    )


CAPABILITY = Capability(
    name="sealing",
    purpose="Seals closed partitions by the clock, and tells when it could not",
    blocks=blocks,
    limits=limits,
)
