"""What people are told of an alarm: the JSON that CloudWatch sends through SNS, a subject, and a text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from penstock.model.alarms import Alarm, CompositeAlarm
from penstock.watch.evaluate import Evaluation

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
SUBJECT_LIMIT = 100
ACCOUNT = "000000000000"
# As CloudWatch writes them in messages, though not in its API.
SHOUTED = {
    "Average": "AVERAGE",
    "Sum": "SUM",
    "Minimum": "MINIMUM",
    "Maximum": "MAXIMUM",
    "SampleCount": "SAMPLE_COUNT",
}


def notification(
    alarm: Alarm | CompositeAlarm, evaluation: Evaluation, at: float, region: str, account: str = ACCOUNT
) -> dict[str, Any]:
    """Returns the notification that CloudWatch would publish, and ``Severity``, as plain data.

    Args:
        at: when the state changed.
    """
    told: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account,
        "NewStateValue": evaluation.state.value,
        "NewStateReason": evaluation.reason,
        "StateChangeTime": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "Region": region,
        "AlarmArn": f"arn:aws:cloudwatch:{region}:{account}:alarm:{alarm.name}",
        "OldStateValue": evaluation.previous.value,
        "Severity": alarm.severity,
    }
    if isinstance(alarm, CompositeAlarm):
        return {**told, "AlarmRule": alarm.rule}
    return {**told, "Trigger": _trigger(alarm)}


def _trigger(alarm: Alarm) -> dict[str, Any]:
    metric = alarm.metric
    kind, statistic = "Statistic", SHOUTED.get(alarm.statistic)
    if statistic is None:
        kind, statistic = "ExtendedStatistic", alarm.statistic
    return {
        "MetricName": metric.name,
        "Namespace": metric.namespace,
        "StatisticType": kind,
        kind: statistic,
        "Unit": None if metric.unit == "None" else metric.unit,
        "Dimensions": [{"name": name, "value": value} for name, value in metric.dimensions],
        "Period": alarm.period_seconds,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "ComparisonOperator": alarm.comparison.value,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.missing.value,
        "EvaluateLowSampleCountPercentile": "",
    }


def subject(alarm: Alarm | CompositeAlarm, evaluation: Evaluation, region: str) -> str:
    """Returns one line of at most 100 ASCII characters, as CloudWatch writes it."""
    line = f'{evaluation.state}: "{alarm.name}" in {region}'
    line = "".join(character if 32 <= ord(character) < 127 else "?" for character in line)
    return line if len(line) <= SUBJECT_LIMIT else f"{line[: SUBJECT_LIMIT - 3]}..."


def text(alarm: Alarm | CompositeAlarm, evaluation: Evaluation, at: float, region: str) -> str:
    """Returns a few lines for people."""
    moment = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    lines = [
        f"{alarm.name} ({alarm.severity}) went from {evaluation.previous} to {evaluation.state} at {moment}, {region}.",
        alarm.description,
        evaluation.reason,
    ]
    if isinstance(alarm, Alarm):
        lines.append(f"Metric: {alarm.metric.namespace} / {alarm.metric.label}, {alarm.statistic}")
    return "\n".join(line for line in lines if line)
