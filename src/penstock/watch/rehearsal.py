"""What alarms would have done over a recorded time: the same evaluations that a watcher makes, without a watcher.

A datapoint counts from the minute of its time on: when it was published is not recorded.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Mapping, Sequence

import msgspec

from penstock.model.alarms import Alarm, AlarmState, CompositeAlarm
from penstock.model.metrics import Metric
from penstock.watch import composite, windows
from penstock.watch.evaluate import AlarmRecord, Evaluation, evaluate, first_record, window
from penstock.watch.horizon import MINUTE_SECONDS, next_look
from penstock.watch.windows import Value

Values = Callable[[Metric], Sequence[Value]]


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A change that an alarm would have made.

    Attributes:
        at: in seconds since the epoch.
        notified: the topics that would have been told.
    """

    alarm: str
    at: float
    previous: AlarmState
    state: AlarmState
    reason: str
    notified: tuple[str, ...] = ()


def transitions(
    alarms: Sequence[Alarm], composites: Mapping[str, CompositeAlarm], values: Values, start: float, end: float
) -> list[Transition]:
    """Returns the changes that alarms would have made, in the order of time.

    Args:
        values: (time, value, count) of a metric's datapoints from the start to the end, oldest first.
        start: when they are first looked at, in seconds since the epoch; they know nothing of before.
    """
    found = [change for alarm in alarms for change in _of_metric(alarm, values(alarm.metric), start, end)]
    found.sort(key=lambda change: change.at)
    if not composites:
        return found
    return sorted([*found, *_of_composites(composites, found, start, end)], key=lambda change: change.at)


def _of_metric(alarm: Alarm, values: Sequence[Value], start: float, end: float) -> list[Transition]:
    times = [at for at, _, _ in values]
    record: AlarmRecord | None = None
    until: float | None = (start // MINUTE_SECONDS + 1) * MINUTE_SECONDS
    found: list[Transition] = []
    while until is not None and until <= end:
        first, last = window(alarm, until)
        low, high = bisect.bisect_left(times, first), bisect.bisect_left(times, last)
        points = windows.series(values[low:high], alarm.statistic, alarm.period_seconds, first, last)
        evaluation = evaluate(alarm, record or first_record(start), points, until)
        found += _transition(alarm.name, evaluation, until)
        record = evaluation.record
        # What is yet to come matters as far as its first datapoint.
        until = next_look(alarm, record, times[low : high + 1], until)
    return found


def _of_composites(
    composites: Mapping[str, CompositeAlarm], changes: Sequence[Transition], start: float, end: float
) -> list[Transition]:
    states: dict[str, AlarmState] = {}
    records: dict[str, AlarmRecord] = {}
    found: list[Transition] = []
    moments = [start, *(change.at for change in changes)]
    heapq.heapify(moments)
    coming = iter(changes)
    following = next(coming, None)
    in_order = list(composite.in_order(composites))
    while moments and moments[0] <= end:
        moment = heapq.heappop(moments)
        while moments and moments[0] == moment:
            heapq.heappop(moments)
        while following is not None and following.at <= moment:
            states[following.alarm] = following.state
            following = next(coming, None)
        for alarm in in_order:
            evaluation = composite.evaluate(alarm, states, records.get(alarm.name), moment)
            records[alarm.name], states[alarm.name] = evaluation.record, evaluation.state
            found += _transition(alarm.name, evaluation, moment)
            held_until = evaluation.record.held_until
            if held_until is not None and held_until > moment:
                heapq.heappush(moments, held_until)
    return found


def _transition(name: str, evaluation: Evaluation, at: float) -> list[Transition]:
    if not evaluation.changed and not evaluation.notify:
        return []
    return [
        Transition(
            alarm=name,
            at=at,
            previous=evaluation.previous,
            state=evaluation.state,
            reason=evaluation.reason,
            notified=evaluation.notify,
        )
    ]
