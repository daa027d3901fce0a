"""The state machine of a metric alarm.

Each minute the alarm looks at windows that end with that minute. Of the evaluation range, which is longer than the
evaluation periods, it takes the newest datapoints that are there; only when those are fewer than the evaluation periods
does the treatment of missing data matter.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.model.alarms import Alarm, AlarmState, Comparison, MissingData

# The documentation's examples look at five datapoints for three evaluation periods.
EXTRA_PERIODS = 2
COMPARE: dict[Comparison, tuple[Callable[[float, float], bool], str]] = {
    Comparison.GREATER: (operator.gt, "greater than"),
    Comparison.GREATER_OR_EQUAL: (operator.ge, "greater than or equal to"),
    Comparison.LESS: (operator.lt, "less than"),
    Comparison.LESS_OR_EQUAL: (operator.le, "less than or equal to"),
}
TREATED = {
    MissingData.MISSING: "Missing",
    MissingData.IGNORE: "Ignored",
    MissingData.BREACHING: "Breaching",
    MissingData.NOT_BREACHING: "NonBreaching",
}


class AlarmRecord(msgspec.Struct, frozen=True):
    """What is remembered of an alarm. Times are in seconds since the epoch.

    Attributes:
        since: when the state was entered.
        watched_since: when the alarm was first evaluated.
        held: a change whose actions a suppressor holds back, and until when it may.
    """

    state: AlarmState
    reason: str
    since: float
    watched_since: float
    held_until: float | None = None
    released_until: float | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """What an evaluation found. ``notify`` names the topics to tell."""

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


def window(alarm: Alarm, until: float) -> tuple[float, float]:
    """Returns the evaluation range that ends with the last whole minute before ``until``: from, to before."""
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
    before = known or AlarmRecord(AlarmState.INSUFFICIENT_DATA, "Unchecked: Initial alarm creation", now, now)
    newest_first = sorted(points.items(), reverse=True)
    chosen = newest_first[: alarm.evaluation_periods]
    breaching = [point for point in chosen if COMPARE[alarm.comparison][0](point[1], alarm.threshold)]
    state = _state(alarm, before.state, chosen, breaching, until)
    if state is AlarmState.ALARM and now - before.watched_since < alarm.warm_up_seconds:
        state = before.state
    missing = max(0, alarm.evaluation_periods - len(chosen))
    if state is before.state:
        reason = _reason(alarm, state, chosen, breaching, missing) if known is None else before.reason
        record = msgspec.structs.replace(before, reason=reason)
        return Evaluation(record=record, changed=False, state=state, previous=before.state, reason=reason)
    reason = _reason(alarm, state, chosen, breaching, missing)
    record = msgspec.structs.replace(before, state=state, reason=reason, since=now)
    data = _reason_data(alarm, chosen, now)
    return Evaluation(
        record=record,
        changed=True,
        state=state,
        previous=before.state,
        reason=reason,
        reason_data=data,
        notify=() if _is_first_sign_of_life(alarm, before.state, state) else topics_for(alarm, state),
    )


def _is_first_sign_of_life(alarm: Alarm, previous: AlarmState, state: AlarmState) -> bool:
    """A dead-man alarm that nobody asked for says nothing before it has something to say."""
    return alarm.derived and previous is AlarmState.INSUFFICIENT_DATA and state is AlarmState.OK


def topics_for(alarm: Any, state: AlarmState) -> tuple[str, ...]:
    """Returns the topics that are told of a state."""
    told: dict[AlarmState, tuple[str, ...]] = {
        AlarmState.ALARM: alarm.on_alarm,
        AlarmState.OK: alarm.on_ok,
        AlarmState.INSUFFICIENT_DATA: alarm.on_insufficient_data,
    }
    return told[state]


def _state(
    alarm: Alarm,
    current: AlarmState,
    chosen: list[tuple[float, float]],
    breaching: list[tuple[float, float]],
    until: float,
) -> AlarmState:
    missing = alarm.evaluation_periods - len(chosen)
    if missing > 0 and alarm.missing is MissingData.BREACHING:
        is_alarm = len(breaching) + missing >= alarm.datapoints_to_alarm
        return AlarmState.ALARM if is_alarm else AlarmState.OK
    if len(breaching) >= alarm.datapoints_to_alarm:
        return AlarmState.ALARM
    if missing <= 0 or alarm.missing is MissingData.NOT_BREACHING:
        return AlarmState.OK
    if not chosen:
        return current if alarm.missing is MissingData.IGNORE else AlarmState.INSUFFICIENT_DATA
    if len(breaching) < len(chosen):
        return AlarmState.OK
    # All that is there breaches, but there is too little of it.
    if alarm.missing is MissingData.IGNORE:
        return current
    oldest, _ = chosen[-1]
    age_periods = (window(alarm, until)[1] - oldest) / alarm.period_seconds
    return AlarmState.ALARM if age_periods >= alarm.datapoints_to_alarm else AlarmState.OK


def _reason(
    alarm: Alarm,
    state: AlarmState,
    chosen: list[tuple[float, float]],
    breaching: list[tuple[float, float]],
    missing: int,
) -> str:
    if state is AlarmState.INSUFFICIENT_DATA:
        unknown = alarm.evaluation_periods
        return f"Insufficient Data: {_count(unknown, 'datapoint')} {_were(unknown)} unknown."
    words = COMPARE[alarm.comparison][1]
    if not chosen:
        periods = _count(alarm.evaluation_periods, "period")
        return (
            f"Threshold Crossed: no datapoints were received for {periods} and "
            f"{_count(missing, 'missing datapoint')} {_were(missing)} treated as [{TREATED[alarm.missing]}]."
        )
    is_alarm = state is AlarmState.ALARM
    # Of a return to OK, the datapoints that no longer breach are the reason.
    shown = breaching if is_alarm else [point for point in chosen if point not in breaching] or chosen
    values = ", ".join(f"{_number(value)} ({_stamp(at)})" for at, value in shown)
    need = alarm.datapoints_to_alarm if is_alarm else alarm.evaluation_periods - alarm.datapoints_to_alarm + 1
    arrow = "OK -> ALARM" if is_alarm else "ALARM -> OK"
    filled = f" and {_count(missing, 'missing datapoint')} {_were(missing)} treated as [{TREATED[alarm.missing]}]"
    return (
        f"Threshold Crossed: {len(shown)} out of the last {_count(alarm.evaluation_periods, 'datapoint')} [{values}] "
        f"{_were(len(shown))} {'' if is_alarm else 'not '}{words} the threshold ({_number(alarm.threshold)})"
        f"{filled if missing and alarm.missing is MissingData.BREACHING else ''} "
        f"(minimum {_count(need, 'datapoint')} for {arrow} transition)."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _number(value: float) -> str:
    return repr(round(float(value), 6))


def _stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S}"


def _reason_data(alarm: Alarm, chosen: list[tuple[float, float]], now: float) -> dict[str, Any]:
    """Returns the facts of a change as AWS's StateReasonData has them."""
    return {
        "version": "1.0",
        "queryDate": _iso(now),
        "startDate": _iso(chosen[-1][0]) if chosen else None,
        "statistic": alarm.statistic,
        "period": alarm.period_seconds,
        "recentDatapoints": [value for _, value in reversed(chosen)],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [{"timestamp": _iso(at), "value": value} for at, value in chosen],
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
