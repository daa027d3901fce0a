"""Alarms that can never do what they are for are found when the definition is loaded."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from penstock.errors import UsageError
from penstock.model.alarms import Alarm, CompositeAlarm, MissingData
from penstock.model.findings import Finding
from penstock.model.pipeline import Definition
from penstock.watch import composite
from penstock.watch.evaluate import EXTRA_PERIODS
from penstock.watch.windows import check_statistic, check_window


def check(definition: Definition, published: Collection[Any], cadences: Mapping[Any, float]) -> list[Finding]:
    """Returns a finding for each alarm that cannot fire or that nobody would hear.

    Args:
        published: the keys of the metrics that something publishes.
        cadences: how often they are published, in seconds, where a schedule decides it.
    """
    findings: list[Finding] = []
    for alarm in definition.alarms.values():
        if not alarm.derived:
            findings += _shape(alarm)
            findings += _reach(alarm, published, cadences)
        findings += _topics(alarm, definition)
    for combined in definition.composite_alarms.values():
        findings += _rule(combined, definition)
        findings += _topics(combined, definition)
    return findings


def _shape(alarm: Alarm) -> Iterator[Finding]:
    for mistake in (check_statistic(alarm.statistic), check_window(alarm.period_seconds, alarm.evaluation_periods)):
        if mistake:
            yield Finding(
                alarm.place, "alarm-window", f"alarm {alarm.name!r}: {mistake}", "see PutMetricAlarm's limits"
            )
    if not 1 <= alarm.datapoints_to_alarm <= alarm.evaluation_periods:
        message = f"alarm {alarm.name!r} needs {alarm.datapoints_to_alarm} of {alarm.evaluation_periods} datapoints"
        yield Finding(alarm.place, "alarm-datapoints", message, "datapoints= is 1 to for_periods=")
    if not math.isfinite(alarm.threshold):
        yield Finding(alarm.place, "alarm-threshold", f"alarm {alarm.name!r} has the threshold {alarm.threshold}",
                      "give a finite number")  # fmt: skip


def _reach(alarm: Alarm, published: Collection[Any], cadences: Mapping[Any, float]) -> Iterator[Finding]:
    key = alarm.metric.key
    if key not in published:
        message = f"alarm {alarm.name!r} watches {alarm.metric.label!r}, which nobody publishes"
        hint = "give a task may=[metric.publish], or watch a metric that is published"
        yield Finding(alarm.place, "alarm-metric", message, hint)
        return
    cadence = cadences.get(key)
    if cadence is None or alarm.missing is MissingData.BREACHING:
        return
    # So many datapoints at the most lie in the evaluation range; the rest of it is missing for ever.
    span = (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period_seconds
    possible = math.ceil(span / max(cadence, alarm.period_seconds))
    if possible < alarm.datapoints_to_alarm or (alarm.period_seconds < cadence and alarm.evaluation_periods > 1):
        message = (
            f"alarm {alarm.name!r} needs {alarm.datapoints_to_alarm} datapoints of {alarm.period_seconds} s, "
            f"but {alarm.metric.label!r} is published every {cadence:.0f} s"
        )
        yield Finding(alarm.place, "alarm-period", message, f"make period= at least {_said(cadence)}")


def _said(seconds: float) -> str:
    return f"hours({seconds / 3600:g})" if seconds % 3600 == 0 else f"seconds({seconds:g})"


def _topics(alarm: Alarm | CompositeAlarm, definition: Definition) -> Iterator[Finding]:
    for name in dict.fromkeys((*alarm.on_alarm, *alarm.on_ok, *alarm.on_insufficient_data)):
        topic = definition.topics.get(name)
        if topic is None:
            message = f"alarm {alarm.name!r} tells topic {name!r}, which is not declared"
            yield Finding(alarm.place, "alarm-topic", message, "declare it in this pipeline")
        elif not topic.subscriptions:
            message = f"topic {name!r} has no subscription: alarm {alarm.name!r} tells nobody"
            hint = 'subscribe somebody: pipeline.topic("…", "mailto:you@example.com")'
            yield Finding(topic.place, "alarm-topic", message, hint)


def _rule(combined: CompositeAlarm, definition: Definition) -> Iterator[Finding]:
    known = {*definition.alarms, *definition.composite_alarms}
    where, who = combined.place, f"composite alarm {combined.name!r}"
    try:
        names = composite.parse(combined.rule).alarms()
    except UsageError as error:
        yield Finding(where, "alarm-rule", f"{who}: {error.message}", error.hint)
        return
    named = names | ({combined.suppressor} if combined.suppressor else set())
    for name in sorted(named - known):
        message = f"{who} speaks of {name!r}, which is no alarm"
        yield Finding(where, "alarm-rule", message, "name alarms of this pipeline")
    if _leads_to(combined.name, names, definition, set()):
        yield Finding(where, "alarm-cycle", f"{who} depends on itself", "break the circle")


def _leads_to(target: str, names: Collection[str], definition: Definition, seen: set[str]) -> bool:
    for name in names:
        if name == target:
            return True
        if name in seen or name not in definition.composite_alarms:
            continue
        seen.add(name)
        try:
            inner = composite.parse(definition.composite_alarms[name].rule).alarms()
        except UsageError:
            continue
        if _leads_to(target, inner, definition, seen):
            return True
    return False
