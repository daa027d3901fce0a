"""Alarms: CloudWatch's, from metrics that tasks write into their logs, and from logs of tasks that were killed.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from penstock.deploy.functions import functions
from penstock.deploy.hcl import Block, Expression, Template, identifier, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, named, topic_address
from penstock.errors import Finding
from penstock.model.alarms import Alarm, CompositeAlarm
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.watch.composite import TOKEN, in_order, parse
from penstock.watch.windows import check_window

NAMESPACE = "Penstock"
STATISTICS = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}
# What Lambda writes into the log of a function that could not speak for itself any more.
# https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
KILLED = '?"Task timed out after" ?"Runtime.ExitError" ?"Runtime.OutOfMemory" ?"Runtime.ImportModuleError"'


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns alarms, composite alarms, and the metric filters that count killed tasks."""
    definition = site.definition
    made = [_filter(definition, task) for task in functions(definition).values()]
    made += [_alarm(alarm) for alarm in definition.alarms.values() if not _refused(alarm)]
    there = deployed(definition)
    made += [_composite(definition, alarm) for name, alarm in definition.composite_alarms.items() if name in there]
    made += [_killed_alarm(definition), _dead_letters(definition)]
    return {"watch": made}


def limits(definition: Definition) -> list[Finding]:
    """Returns the alarms that CloudWatch cannot watch, and those that speak of them; they are left out."""
    found = [
        Finding(
            alarm.place, "alarm-window", f"alarm {alarm.name!r} is left out in AWS: {mistake}", "shorten its window"
        )
        for alarm in definition.alarms.values()
        if (mistake := _refused(alarm))
    ]
    there = deployed(definition)
    for alarm in definition.composite_alarms.values():
        missing = sorted(_named_in(alarm) - there)
        if missing:
            message = f"composite alarm {alarm.name!r} is left out in AWS, as {', '.join(missing)} is not there"
            found.append(Finding(alarm.place, "alarm-window", message, "shorten the windows of those"))
        if any(mark in name for name in _named_in(alarm) for mark in '"\\'):
            message = f"composite alarm {alarm.name!r} speaks of an alarm with a quotation mark or a backslash"
            found.append(Finding(alarm.place, "alarm-name", message, "rename that alarm"))
    return found


def deployed(definition: Definition) -> frozenset[str]:
    """Returns the names of the alarms, metric and composite, that AWS can have."""
    there = {name for name, alarm in definition.alarms.items() if not _refused(alarm)}
    for alarm in in_order(definition.composite_alarms):
        if _named_in(alarm) <= there:
            there.add(alarm.name)
    return frozenset(there)


def alarm_address(definition: Definition, name: str) -> str:
    """Returns the Terraform address of an alarm."""
    kind = "aws_cloudwatch_composite_alarm" if name in definition.composite_alarms else "aws_cloudwatch_metric_alarm"
    return f"{kind}.{identifier(name)}"


def namespace(name: str) -> str | Template:
    """Returns a namespace as this deployment publishes into it; AWS's own are one for all."""
    return name if name.startswith("AWS/") else named(name)


def _refused(alarm: Alarm) -> str | None:
    return check_window(alarm.period_seconds, alarm.evaluation_periods)


def _alarm(alarm: Alarm) -> Block:
    is_plain = alarm.statistic in STATISTICS
    return resource(
        "aws_cloudwatch_metric_alarm",
        identifier(alarm.name),
        {
            "alarm_name": named(alarm.name),
            "alarm_description": alarm.description or None,
            "namespace": namespace(alarm.metric.namespace),
            "metric_name": alarm.metric.name,
            "dimensions": dict(alarm.metric.dimensions) or None,
            "statistic": alarm.statistic if is_plain else None,
            "extended_statistic": None if is_plain else alarm.statistic,
            "period": alarm.period_seconds,
            "evaluation_periods": alarm.evaluation_periods,
            "datapoints_to_alarm": alarm.datapoints_to_alarm,
            "comparison_operator": alarm.comparison.value,
            "threshold": alarm.threshold,
            "treat_missing_data": alarm.missing.value,
            **_actions(alarm),
            "tags": {"severity": alarm.severity},
        },
    )


def _actions(alarm: Alarm | CompositeAlarm) -> dict[str, Any]:
    return {
        "alarm_actions": _arns(alarm.on_alarm),
        "ok_actions": _arns(alarm.on_ok),
        "insufficient_data_actions": _arns(alarm.on_insufficient_data),
    }


def _arns(topics: Sequence[str]) -> list[Expression] | None:
    return [Expression(f"{topic_address(topic)}.arn") for topic in topics] or None


def _named_in(alarm: CompositeAlarm) -> frozenset[str]:
    return parse(alarm.rule).alarms() | ({alarm.suppressor} if alarm.suppressor else frozenset())


def _rule(definition: Definition, alarm: CompositeAlarm) -> Template:
    """Returns the rule with references for names, so that Terraform makes those alarms first."""

    def referring(found: re.Match[str]) -> str:
        if found["function"] is None:
            return found[0]
        name = found["quoted"] or found["single"] or found["bare"]
        blank = found[0][: len(found[0]) - len(found[0].lstrip())]
        return f'{blank}{found["function"]}("${{{alarm_address(definition, name)}.alarm_name}}")'

    return Template(re.sub(TOKEN, referring, alarm.rule))


def _composite(definition: Definition, alarm: CompositeAlarm) -> Block:
    suppressor = None
    if alarm.suppressor:
        suppressor = nested(
            "actions_suppressor",
            {
                "alarm": Expression(f"{alarm_address(definition, alarm.suppressor)}.alarm_name"),
                "extension_period": alarm.suppressor_extension_seconds,
                "wait_period": alarm.suppressor_wait_seconds,
            },
        )
    return resource(
        "aws_cloudwatch_composite_alarm",
        identifier(alarm.name),
        {
            "alarm_name": named(alarm.name),
            "alarm_description": alarm.description or None,
            "alarm_rule": _rule(definition, alarm),
            **_actions(alarm),
            "tags": {"severity": alarm.severity},
        },
        *([suppressor] if suppressor else []),
    )


def _filter(definition: Definition, task: Task) -> Block:
    return resource(
        "aws_cloudwatch_log_metric_filter",
        f"killed_{identifier(task.name)}",
        {
            "name": named(f"{definition.name}-{task.name}-killed"),
            "log_group_name": Expression(f"aws_cloudwatch_log_group.task_{identifier(task.name)}.name"),
            "pattern": KILLED,
        },
        nested(
            "metric_transformation",
            {"namespace": NAMESPACE, "name": _killed(definition), "value": "1", "unit": "Count"},
        ),
    )


def _killed(definition: Definition) -> Template:
    return named(f"{definition.name}-killed")


def _killed_alarm(definition: Definition) -> Block:
    return resource(
        "aws_cloudwatch_metric_alarm",
        "killed",
        {
            "alarm_name": named(f"{definition.name}-killed"),
            "alarm_description": "A task ran out of time or memory, or could not be started; its log says which",
            "namespace": NAMESPACE,
            "metric_name": _killed(definition),
            "statistic": "Sum",
            "period": 300,
            "evaluation_periods": 1,
            "comparison_operator": "GreaterThanThreshold",
            "threshold": 0,
            "treat_missing_data": "notBreaching",
            "alarm_actions": _arns(tuple(definition.topics)),
            "tags": {"severity": "CRITICAL"},
        },
        comment="A task that was killed cannot report itself; its log does.",
    )


def _dead_letters(definition: Definition) -> Block:
    return resource(
        "aws_cloudwatch_metric_alarm",
        "dead_letters",
        {
            "alarm_name": named(f"{definition.name}-dead-letters"),
            "alarm_description": "Something could not be delivered or done; `penstock status` shows what",
            "namespace": "AWS/SQS",
            "metric_name": "ApproximateNumberOfMessagesVisible",
            "dimensions": {"QueueName": Expression("aws_sqs_queue.dead_letters.name")},
            "statistic": "Maximum",
            "period": 300,
            "evaluation_periods": 1,
            "comparison_operator": "GreaterThanThreshold",
            "threshold": 0,
            "treat_missing_data": "notBreaching",
            "alarm_actions": _arns(tuple(definition.topics)),
            "tags": {"severity": "CRITICAL"},
        },
    )


CAPABILITY = Capability(
    name="alarm",
    purpose="Watches metrics of the data and of the pipeline, and tells the topics",
    blocks=blocks,
    limits=limits,
)
