"""The tables of "Configuring how CloudWatch alarms treat missing data", row by row.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import pytest

from penstock.model.alarms import Alarm, AlarmState, Comparison, MissingData
from penstock.model.metrics import Metric
from penstock.watch.evaluate import AlarmRecord, evaluate, window

NOW = 1_771_574_220.0
BREACHING, GOOD = 90.0, 10.0
KEPT = "Retain current state"
TREATMENTS = (MissingData.MISSING, MissingData.IGNORE, MissingData.BREACHING, MissingData.NOT_BREACHING)

# Evaluation periods 3, datapoints to alarm 3. Columns: missing, ignore, breaching, notBreaching.
THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "- - - - 0": ("OK", "OK", "OK", "OK"),
    "- - - - -": ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", KEPT, "ALARM", "OK"),
}
# Evaluation periods 3, datapoints to alarm 2.
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", KEPT, "ALARM", "OK"),
}
ROWS = [
    pytest.param(row, datapoints, missing, expected, id=f"{row} | {datapoints} of 3 | {missing.value}")
    for datapoints, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for row, states in table.items()
    for missing, expected in zip(TREATMENTS, states, strict=True)
]


def alarm(**fields: object) -> Alarm:
    return Alarm(name="a", metric=Metric("N", "M"), threshold=80.0, period_seconds=300, **fields)  # type: ignore[arg-type]


def points_of(row: str, watched: Alarm) -> dict[float, float]:
    marks = row.split()
    end = window(watched, NOW)[1]
    start = end - len(marks) * watched.period_seconds
    return {
        start + number * watched.period_seconds: BREACHING if mark == "X" else GOOD
        for number, mark in enumerate(marks)
        if mark != "-"
    }


@pytest.mark.parametrize("current", [AlarmState.OK, AlarmState.ALARM])
@pytest.mark.parametrize(("row", "datapoints", "missing", "expected"), ROWS)
def test_missing_data(row: str, datapoints: int, missing: MissingData, expected: str, current: AlarmState) -> None:
    watched = alarm(evaluation_periods=3, datapoints_to_alarm=datapoints, missing=missing)
    known = AlarmRecord(current, "", NOW - 900, NOW - 86_400)
    found = evaluate(watched, known, points_of(row, watched), NOW)
    assert found.state == (current if expected == KEPT else AlarmState(expected))
    assert found.changed is (found.state is not current)


def test_the_evaluation_range_has_the_five_datapoints_of_the_tables() -> None:
    start, end = window(alarm(evaluation_periods=3, datapoints_to_alarm=3), NOW)
    assert (end - start) / 300 == 5


@pytest.mark.parametrize(
    ("comparison", "value", "breaches"),
    [
        (Comparison.GREATER, 80.0, False),
        (Comparison.GREATER, 80.1, True),
        (Comparison.GREATER_OR_EQUAL, 80.0, True),
        (Comparison.GREATER_OR_EQUAL, 79.9, False),
        (Comparison.LESS, 80.0, False),
        (Comparison.LESS, 79.9, True),
        (Comparison.LESS_OR_EQUAL, 80.0, True),
        (Comparison.LESS_OR_EQUAL, 80.1, False),
    ],
)
def test_comparisons(comparison: Comparison, value: float, breaches: bool) -> None:
    watched = alarm(comparison=comparison)
    end = window(watched, NOW)[1]
    found = evaluate(watched, None, {end - 300: value}, NOW)
    assert found.state is (AlarmState.ALARM if breaches else AlarmState.OK)


def test_a_new_alarm_has_insufficient_data_and_says_so() -> None:
    found = evaluate(alarm(), None, {}, NOW)
    assert (found.state, found.changed) == (AlarmState.INSUFFICIENT_DATA, False)
    assert found.record.reason == "Insufficient Data: 1 datapoint was unknown."


def test_the_reason_is_worded_as_cloudwatch_words_it() -> None:
    watched = alarm(evaluation_periods=2, datapoints_to_alarm=2)
    end = window(watched, NOW)[1]
    found = evaluate(watched, None, {end - 600: 82.1, end - 300: 85.3}, NOW)
    assert found.reason == (
        "Threshold Crossed: 2 out of the last 2 datapoints [85.3 (20/02/26 07:52:00), 82.1 (20/02/26 07:47:00)] "
        "were greater than the threshold (80.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )


def test_topics_are_told_of_changes_only() -> None:
    watched = alarm(on_alarm=("people",), on_ok=("relief",))
    end = window(watched, NOW)[1]
    first = evaluate(watched, None, {end - 300: 90.0}, NOW)
    assert first.notify == ("people",)
    again = evaluate(watched, first.record, {end - 240: 91.0}, NOW + 60)
    assert (again.notify, again.changed) == ((), False)
    better = evaluate(watched, again.record, {end - 180: 10.0}, NOW + 120)
    assert better.notify == ("relief",)
