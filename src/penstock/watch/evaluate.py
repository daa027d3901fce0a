"""The state machine of a metric alarm.

Each minute the alarm looks at windows that end with that minute. Of the evaluation range, which is longer than the
evaluation periods, it takes the newest datapoints that are there; only when those are fewer than the evaluation periods
does the treatment of missing data matter.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from penstock.model.alarms import Alarm, AlarmState, Comparison, CompositeAlarm, MissingData
from penstock.watch.reason import Point, reason, reason_data

# The documentation's examples look at five datapoints for three evaluation periods.
EXTRA_PERIODS = 2
COMPARE: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
}


class AlarmRecord(msgspec.Struct, frozen=True):
    """What is remembered of an alarm. Times are in seconds since the epoch.

    Attributes:
        since: when the state was entered.
        watched_since: when the alarm was first evaluated.
        held_from: the state before a change of a composite alarm whose actions are held back; None when none are.
        held_until: when they are carried out; None as long as the suppressor is in ALARM.
        suppressed: the suppressor was in ALARM at the last evaluation.
    """

    state: AlarmState
    reason: str
    since: float
    watched_since: float
    held_from: AlarmState | None = None
    held_until: float | None = None
    suppressed: bool = False


class Evaluation(msgspec.Struct, frozen=True):
    """What an evaluation found.

    Attributes:
        changed: the state changed in this evaluation.
        previous: the state before the change; of actions that were held back, before the change that they tell of.
        reason_data: the facts of a change; empty without one.
        notify: names of the topics to tell.
    """

    record: AlarmRecord
    changed: bool
    state: AlarmState
    previous: AlarmState
    reason: str
    reason_data: dict[str, Any] = {}
    notify: tuple[str, ...] = ()


_records = msgspec.json.Decoder(AlarmRecord)


def decode_record(raw: bytes) -> AlarmRecord:
    """Returns a record as it was kept."""
    return _records.decode(raw)


def first_record(now: float) -> AlarmRecord:
    """Returns the record of an alarm that nobody has looked at yet."""
    return AlarmRecord(AlarmState.INSUFFICIENT_DATA, "Unchecked: Initial alarm creation", now, now)


def window(alarm: Alarm, until: float) -> tuple[float, float]:
    """Returns the evaluation range that ends with the last whole minute before ``until``: from, to before.

    Periods are counted back from that minute, not from the clock's hours and days, as CloudWatch counts them: the
    period that goes on is never looked at, and a period has ended as soon as its last minute has.
    """
    unit = min(alarm.period_seconds, 60)
    end = until // unit * unit
    return end - (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period_seconds, end


def evaluate(
    alarm: Alarm,
    known: AlarmRecord | None,
    points: Mapping[float, float],
    until: float,
    now: float | None = None,
) -> Evaluation:
    """Returns an alarm's state after one evaluation.

    Args:
        known: what the last evaluation left; None before the first.
        points: period start → statistic, within ``window(alarm, until)``.
        now: when a change is said to have happened; ``until`` when absent.
    """
    now = until if now is None else now
    before = known or first_record(now)
    real = sorted(points.items(), reverse=True)[: alarm.evaluation_periods]
    breaching = [point for point in real if COMPARE[alarm.comparison](point[1], alarm.threshold)]
    state = _state(alarm, before.state, real, breaching, window(alarm, until)[1])
    if state is AlarmState.ALARM and now - before.watched_since < alarm.warm_up_seconds:
        state = before.state
    if state is before.state:
        why = reason(alarm, state, real, breaching) if known is None else before.reason
        record = msgspec.structs.replace(before, reason=why)
        return Evaluation(record=record, changed=False, state=state, previous=before.state, reason=why)
    why = reason(alarm, state, real, breaching)
    return Evaluation(
        record=msgspec.structs.replace(before, state=state, reason=why, since=now),
        changed=True,
        state=state,
        previous=before.state,
        reason=why,
        reason_data=reason_data(alarm, real, now),
        notify=() if _is_first_sign_of_life(alarm, before.state, state) else topics_for(alarm, state),
    )


def _is_first_sign_of_life(alarm: Alarm, previous: AlarmState, state: AlarmState) -> bool:
    """A dead-man alarm that nobody asked for says nothing before it has something to say."""
    return alarm.derived and previous is AlarmState.INSUFFICIENT_DATA and state is AlarmState.OK


def topics_for(alarm: Alarm | CompositeAlarm, state: AlarmState) -> tuple[str, ...]:
    """Returns the topics that are told of a state."""
    told: dict[AlarmState, tuple[str, ...]] = {
        AlarmState.ALARM: alarm.on_alarm,
        AlarmState.OK: alarm.on_ok,
        AlarmState.INSUFFICIENT_DATA: alarm.on_insufficient_data,
    }
    return told[state]


def _state(
    alarm: Alarm, current: AlarmState, real: Sequence[Point], breaching: Sequence[Point], end: float
) -> AlarmState:
    missing = alarm.evaluation_periods - len(real)
    filled = missing if alarm.missing is MissingData.BREACHING else 0
    if len(breaching) + filled >= alarm.datapoints_to_alarm:
        return AlarmState.ALARM
    if missing <= 0 or alarm.missing in {MissingData.BREACHING, MissingData.NOT_BREACHING}:
        return AlarmState.OK
    if len(breaching) < len(real):
        return AlarmState.OK
    # Nothing is there, or all that is there breaches but is too little.
    if alarm.missing is MissingData.IGNORE:
        return current
    if real and _is_old_enough(alarm, real[-1][0], end):
        return AlarmState.ALARM
    return AlarmState.INSUFFICIENT_DATA


def _is_old_enough(alarm: Alarm, oldest: float, end: float) -> bool:
    """Tells whether a breach that nothing has contradicted since is one ("Avoiding premature transitions")."""
    return (end - oldest) / alarm.period_seconds >= alarm.datapoints_to_alarm
