"""Alarms: CloudWatch's model of a threshold that is watched over time."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from penstock.model.metrics import Metric


class AlarmState(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Comparison(StrEnum):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""

    GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    GREATER = "GreaterThanThreshold"
    LESS = "LessThanThreshold"
    LESS_OR_EQUAL = "LessThanOrEqualToThreshold"


class MissingData(StrEnum):
    """What an alarm makes of periods without data (``TreatMissingData``)."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


Severity = Literal["INFO", "WARNING", "HIGH", "CRITICAL"]


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A metric alarm.

    Attributes:
        statistic: ``Average``, ``Sum``, ``Minimum``, ``Maximum``, ``SampleCount`` or a percentile
            such as ``p99`` or ``p99.9``.
        period_seconds: the width of one datapoint.
        evaluation_periods: how many of the most recent datapoints are looked at (N).
        datapoints_to_alarm: how many of them must breach (M).
        on_alarm, on_ok, on_insufficient_data: names of the topics that are told of each change.
        severity: how urgent it is; carried in the notification.
        derived: the alarm was added by Penstock itself (a dead-man alarm).
        warm_up_seconds: a derived alarm stays out of ALARM until it has been watched for so long.
    """

    name: str
    metric: Metric
    threshold: float
    comparison: Comparison = Comparison.GREATER
    statistic: str = "Average"
    period_seconds: int = 60
    evaluation_periods: int = 1
    datapoints_to_alarm: int = 1
    missing: MissingData = MissingData.MISSING
    severity: Severity = "WARNING"
    description: str = ""
    on_alarm: tuple[str, ...] = ()
    on_ok: tuple[str, ...] = ()
    on_insufficient_data: tuple[str, ...] = ()
    derived: bool = False
    warm_up_seconds: int = 0
    place: str = ""


class CompositeAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm over the states of other alarms.

    Attributes:
        rule: CloudWatch's alarm rule, such as ``ALARM("a") AND NOT OK("b")``.
        suppressor: while this alarm is in ALARM, actions of the composite are held back.
        suppressor_wait_seconds, suppressor_extension_seconds: as in CloudWatch's action suppression.
    """

    name: str
    rule: str
    severity: Severity = "WARNING"
    description: str = ""
    on_alarm: tuple[str, ...] = ()
    on_ok: tuple[str, ...] = ()
    on_insufficient_data: tuple[str, ...] = ()
    suppressor: str | None = None
    suppressor_wait_seconds: int = 0
    suppressor_extension_seconds: int = 0
    place: str = ""
