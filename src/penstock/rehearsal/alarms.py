"""What an emulator's alarms can be held against, and what not.

MiniStack looks at one window that ends now and is as long as all periods together, at all values of a metric's name
whatever their dimensions, and has no rules for missing data. Where CloudWatch's rules say the same, states are
compared; elsewhere a difference would be the emulator's.
"""

from __future__ import annotations

from collections.abc import Iterable

from penstock.model.alarms import Alarm, MissingData
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition

NO_DATA = "INSUFFICIENT_DATA"
# What a pipeline's own machine has no part in.
SERVICES = "AWS/"


def incomparable(definition: Definition) -> dict[str, str]:
    """Returns the alarms whose states the emulator cannot tell, each with the reason."""
    found = {name: reason for name, alarm in definition.alarms.items() if (reason := _reason(definition, alarm))}
    for name, composite in definition.composite_alarms.items():
        if any(other in composite.rule for other in found):
            found[name] = "it speaks of such an alarm"
    return found


def state_there(definition: Definition, name: str, state: str, points: Iterable[Datapoint], now: float) -> str:
    """Returns an alarm's state in the emulator; that it missed values of its metric is a state of its own.

    Args:
        points: what the deployed functions published, under the names of the definition.
    """
    alarm = definition.alarms.get(name)
    if state != NO_DATA or alarm is None:
        return state
    since = now - alarm.period_seconds * alarm.evaluation_periods
    missed = sum(point.metric.key == alarm.metric.key and since < point.at <= now for point in points)
    return f"{state}, though its metric has {missed} values" if missed else state


def _reason(definition: Definition, alarm: Alarm) -> str:
    if alarm.metric.namespace.startswith(SERVICES):
        return "its metric is one of AWS's services"
    others = [one for one in _metrics(definition) if one[:2] == alarm.metric.key[:2] and one != alarm.metric.key]
    if others:
        return "its metric's name has other dimensions too, which the emulator mixes"
    if alarm.evaluation_periods > 1 and alarm.missing != MissingData.MISSING:
        return "it looks at several periods, of which the emulator makes one"
    return ""


def _metrics(definition: Definition) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
    tasks = [metric for task in definition.tasks.values() for metric in (task.errors, task.duration) if metric]
    watched = [alarm.metric for alarm in definition.alarms.values()]
    return {metric.key for metric in (*definition.metrics.values(), *tasks, *watched)}
