"""Why an alarm changed, in CloudWatch's words (StateReason) and in its data (StateReasonData).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from penstock.model.alarms import Alarm, AlarmState, Comparison, MissingData

Point = tuple[float, float]

WORDS = {
    Comparison.GREATER: "greater than",
    Comparison.GREATER_OR_EQUAL: "greater than or equal to",
    Comparison.LESS: "less than",
    Comparison.LESS_OR_EQUAL: "less than or equal to",
}
# Missing datapoints that are ignored or stay missing are not told of.
TREATED = {MissingData.BREACHING: "Breaching", MissingData.NOT_BREACHING: "NonBreaching"}


def reason(alarm: Alarm, state: AlarmState, real: Sequence[Point], breaching: Sequence[Point]) -> str:
    """Returns why an alarm is in a state.

    Args:
        real: the datapoints that were evaluated, (period start, statistic), newest first.
        breaching: those of them that breach.
    """
    missing = max(0, alarm.evaluation_periods - len(real))
    if state is AlarmState.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_count(missing, 'datapoint')} {_were(missing)} unknown."
    # Of a return to OK, the datapoints that no longer breach are the reason.
    shown = breaching if state is AlarmState.ALARM else [point for point in real if point not in breaching]
    filled = ""
    if missing and alarm.missing in TREATED:
        treated = TREATED[alarm.missing]
        filled = f" and {_count(missing, 'missing datapoint')} {_were(missing)} treated as [{treated}]"
    if not shown:
        received = _count(len(real), "datapoint") if real else "no datapoints"
        were = _were(len(real) or 2)
        periods = _count(alarm.evaluation_periods, "period")
        return f"Threshold Crossed: {received} {were} received for {periods}{filled}."
    return f"Threshold Crossed: {_crossed(alarm, state, shown)}{filled}{_minimum(alarm, state)}."


def _crossed(alarm: Alarm, state: AlarmState, shown: Sequence[Point]) -> str:
    number = _count(len(shown), "datapoint")
    if _is_m_of_n(alarm):
        number = f"{len(shown)} out of the last {alarm.evaluation_periods} datapoints"
    values = ", ".join(f"{float(value)!r} ({_stamp(at)})" for at, value in shown)
    words = f"{_were(len(shown))} {'' if state is AlarmState.ALARM else 'not '}{WORDS[alarm.comparison]}"
    return f"{number} [{values}] {words} the threshold ({float(alarm.threshold)!r})"


def _minimum(alarm: Alarm, state: AlarmState) -> str:
    if not _is_m_of_n(alarm):
        return ""
    if state is AlarmState.ALARM:
        return f" (minimum {_count(alarm.datapoints_to_alarm, 'datapoint')} for OK -> ALARM transition)"
    need = alarm.evaluation_periods - alarm.datapoints_to_alarm + 1
    return f" (minimum {_count(need, 'datapoint')} for ALARM -> OK transition)"


def _is_m_of_n(alarm: Alarm) -> bool:
    return alarm.datapoints_to_alarm != alarm.evaluation_periods


def reason_data(alarm: Alarm, real: Sequence[Point], now: float) -> dict[str, Any]:
    """Returns the facts of a change as CloudWatch's StateReasonData has them."""
    data: dict[str, Any] = {"version": "1.0", "queryDate": iso(now)}
    if real:
        data["startDate"] = iso(real[-1][0])
    return {
        **data,
        "statistic": alarm.statistic,
        "period": alarm.period_seconds,
        "recentDatapoints": [value for _, value in reversed(real)],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [{"timestamp": iso(at), "value": value} for at, value in real],
    }


def iso(at: float) -> str:
    """Returns a time as StateReasonData has it: ``2026-02-20T07:57:00.000+0000``."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S}"
