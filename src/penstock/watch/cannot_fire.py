"""Alarms that can never do what they are for are found when the definition is loaded."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from penstock.errors import Finding, UsageError
from penstock.model.alarms import Alarm, CompositeAlarm, MissingData
from penstock.model.pipeline import Definition
from penstock.watch import composite
from penstock.watch.evaluate import EXTRA_PERIODS
from penstock.watch.windows import check_statistic, check_window


def check(definition: Definition, published: Collection[Any], cadences: Mapping[Any, float]) -> list[Finding]:
    """Returns a finding for each alarm that cannot fire or that nobody would hear.

    Derived alarms are only asked whether their topics exist.

    Args:
        published: the keys of the metrics that something publishes.
        cadences: how often they are published, in seconds, where a schedule decides it.
    """
    findings: list[Finding] = []
    for alarm in definition.alarms.values():
        if not alarm.derived:
            findings += [*_shape(alarm), *_reach(alarm, published, cadences)]
    for combined in definition.composite_alarms.values():
        findings += _rule(combined, definition)
    return [*findings, *_unknown_topics(definition), *_deaf_topics(definition)]


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
    # Missing datapoints that breach count as datapoints, so that such an alarm always has enough of them.
    if cadence is None or alarm.missing is MissingData.BREACHING or alarm.period_seconds <= 0:
        return
    span = (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period_seconds
    possible = math.ceil(span / max(cadence, alarm.period_seconds))
    if possible < alarm.datapoints_to_alarm:
        message = (
            f"alarm {alarm.name!r} needs {alarm.datapoints_to_alarm} datapoints of {alarm.period_seconds} s, "
            f"but {alarm.metric.label!r} is published every {cadence:.0f} s"
        )
        yield Finding(alarm.place, "alarm-period", message, f"make period= at least {_said(cadence)}")


def _said(seconds: float) -> str:
    return f"hours({seconds / 3600:g})" if seconds % 3600 == 0 else f"minutes({math.ceil(seconds / 60)})"


def _unknown_topics(definition: Definition) -> Iterator[Finding]:
    for alarm in _alarms(definition):
        for name in _told(alarm):
            if name not in definition.topics:
                message = f"alarm {alarm.name!r} tells topic {name!r}, which is not declared"
                yield Finding(alarm.place, "alarm-topic", message, "declare it in this pipeline")


def _deaf_topics(definition: Definition) -> Iterator[Finding]:
    for topic in definition.topics.values():
        if topic.subscriptions:
            continue
        alarms = [a for a in _alarms(definition) if topic.name in _told(a) and not (isinstance(a, Alarm) and a.derived)]
        if alarms:
            names = ", ".join(repr(alarm.name) for alarm in alarms)
            message = f"topic {topic.name!r} has no subscription: nobody is told of {names}"
            hint = f'subscribe somebody: pipeline.topic("{topic.name}", "mailto:you@example.com")'
            yield Finding(topic.place or alarms[0].place, "alarm-topic", message, hint)


def _alarms(definition: Definition) -> list[Alarm | CompositeAlarm]:
    return [*definition.alarms.values(), *definition.composite_alarms.values()]


def _told(alarm: Alarm | CompositeAlarm) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*alarm.on_alarm, *alarm.on_ok, *alarm.on_insufficient_data)))


def _rule(combined: CompositeAlarm, definition: Definition) -> Iterator[Finding]:
    known = {*definition.alarms, *definition.composite_alarms}
    where, who = combined.place, f"composite alarm {combined.name!r}"
    if combined.name in definition.alarms:
        yield Finding(where, "alarm-name", f"{who} has the name of a metric alarm", "give one of them another name")
    if combined.suppressor is not None and combined.suppressor not in known:
        message = f"{who} is suppressed by {combined.suppressor!r}, which is no alarm"
        yield Finding(where, "alarm-suppressor", message, "name an alarm of this pipeline")
    if combined.suppressor == combined.name:
        yield Finding(where, "alarm-suppressor", f"{who} suppresses itself", "name another alarm")
    if min(combined.suppressor_wait_seconds, combined.suppressor_extension_seconds) < 0:
        yield Finding(where, "alarm-suppressor", f"{who} waits for less than no time", "give seconds(0) or more")
    try:
        names = composite.parse(combined.rule).alarms()
    except UsageError as error:
        yield Finding(where, "alarm-rule", f"{who}: {error.message}", error.hint)
        return
    for name in sorted(names - known):
        message = f"{who} speaks of {name!r}, which is no alarm"
        yield Finding(where, "alarm-rule", message, "name alarms of this pipeline")
    if _leads_to(combined.name, names, definition):
        yield Finding(where, "alarm-cycle", f"{who} depends on itself", "break the circle")


def _leads_to(target: str, names: Collection[str], definition: Definition) -> bool:
    """Tells whether a composite alarm can be come to from some alarms, along the rules."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name == target:
            return True
        if name in seen or name not in definition.composite_alarms:
            continue
        seen.add(name)
        try:
            waiting += composite.parse(definition.composite_alarms[name].rule).alarms()
        except UsageError:
            continue
    return False
