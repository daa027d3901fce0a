"""What an emulator's alarms can be held against, and what not.

MiniStack looks at one window that ends now and is as long as all periods together, at all values of a metric's name
whatever their dimensions, and has no rules for missing data. Where CloudWatch's rules say the same, states are
compared with this machine's; elsewhere with what the emulator's own rules make of the values that it was given, so that
a wrong metric, threshold or statistic in the deployed alarm is seen all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from penstock.model.alarms import Alarm
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.watch.evaluate import COMPARE

# What a pipeline's own machine has no part in.
SERVICES = "AWS/"
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
}
# So near to the beginning of the window it is chance whether a value is in it.
EDGE_SECONDS = 120.0
CONTRADICTED = ", though its "


def incomparable(definition: Definition) -> dict[str, str]:
    """Returns the alarms whose states the emulator cannot tell, each with the reason."""
    found = {name: reason for name, alarm in definition.alarms.items() if (reason := _reason(definition, alarm))}
    for name, composite in definition.composite_alarms.items():
        if any(other in composite.rule for other in found):
            found[name] = "it speaks of such an alarm"
    return found


def state_there(definition: Definition, name: str, state: str, points: Iterable[Datapoint], now: float) -> str:
    """Returns an alarm's state in the emulator; that it is not what its values make it is a state of its own.

    Args:
        points: what the deployed functions published, under the names of the definition.
    """
    alarm = definition.alarms.get(name)
    if alarm is None or alarm.statistic not in STATISTICS:
        return state
    ages = [(now - point.at, point) for point in points if point.metric.key[:2] == alarm.metric.key[:2]]
    length = alarm.period_seconds * alarm.evaluation_periods
    values = [point.value for age, point in ages if age < length for _ in range(int(point.count))]
    if not values or any(abs(age - length) < EDGE_SECONDS for age, _ in ages):
        return state
    is_breaching = COMPARE[alarm.comparison](STATISTICS[alarm.statistic](values), alarm.threshold)
    expected = "ALARM" if is_breaching else "OK"
    return state if state == expected else f"{state}{CONTRADICTED}{len(values)} values make it {expected}"


def _reason(definition: Definition, alarm: Alarm) -> str:
    if alarm.metric.namespace.startswith(SERVICES):
        return "its metric is one of AWS's services"
    others = [one for one in _metrics(definition) if one[:2] == alarm.metric.key[:2] and one != alarm.metric.key]
    if others:
        return "its metric's name has other dimensions too, which the emulator mixes"
    if alarm.evaluation_periods > 1:
        return "it looks at several periods, of which the emulator makes one"
    return ""


def _metrics(definition: Definition) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
    tasks = [metric for task in definition.tasks.values() for metric in (task.errors, task.duration) if metric]
    watched = [alarm.metric for alarm in definition.alarms.values()]
    return {metric.key for metric in (*definition.metrics.values(), *tasks, *watched)}
