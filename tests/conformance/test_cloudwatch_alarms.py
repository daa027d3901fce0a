"""The tables of "Configuring how CloudWatch alarms treat missing data", row by row, and its text.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

Rows marked "2018" are those of the page's earlier edition which the present tables no longer show, though its text
still speaks of them: doc_source/AlarmThatSendsEmail.md at 05fd32f of github.com/awsdocs/amazon-cloudwatch-user-guide.
"""

import pytest

from penstock.model.alarms import Alarm, AlarmState, Comparison, MissingData
from penstock.model.metrics import Metric
from penstock.watch.evaluate import AlarmRecord, Evaluation, evaluate, window

NOW = 1_771_574_220.0
BREACHING, GOOD = 90.0, 10.0
KEPT = "Retain current state"
TREATMENTS = (MissingData.MISSING, MissingData.IGNORE, MissingData.BREACHING, MissingData.NOT_BREACHING)

# The newest datapoint stands on the right. Columns: missing, ignore, breaching, notBreaching.
# Evaluation periods 3, datapoints to alarm 3.
THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "0 - - - -": ("OK", "OK", "OK", "OK"),
    "- - - - -": ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", KEPT, "ALARM", "OK"),
}
THREE_OF_THREE_2018 = {
    "- - - - X": ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK"),
    "X - - - -": ("ALARM", KEPT, "ALARM", "OK"),
}
# Evaluation periods 3, datapoints to alarm 2.
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", KEPT, "ALARM", "OK"),
}
TWO_OF_THREE_2018 = {"- - - - X": ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")}
TABLES = (
    (3, "", THREE_OF_THREE),
    (2, "", TWO_OF_THREE),
    (3, " 2018", THREE_OF_THREE_2018),
    (2, " 2018", TWO_OF_THREE_2018),
)
ROWS = [
    pytest.param(row, datapoints, missing, expected, id=f"{row} | {datapoints} of 3{edition} | {missing.value}")
    for datapoints, edition, table in TABLES
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


def evaluated(row: str, watched: Alarm, current: AlarmState) -> Evaluation:
    known = AlarmRecord(current, "", NOW - 900, NOW - 86_400)
    return evaluate(watched, known, points_of(row, watched), NOW)


@pytest.mark.parametrize("current", list(AlarmState))
@pytest.mark.parametrize(("row", "datapoints", "missing", "expected"), ROWS)
def test_missing_data(row: str, datapoints: int, missing: MissingData, expected: str, current: AlarmState) -> None:
    watched = alarm(evaluation_periods=3, datapoints_to_alarm=datapoints, missing=missing)
    found = evaluated(row, watched, current)
    assert found.state == (current if expected == KEPT else AlarmState(expected))
    assert found.changed is (found.state is not current)


@pytest.mark.parametrize("row", ["- - - - X", "- - - X -", "- - - X 0", "- - X - 0"])
def test_a_breach_that_may_yet_be_contradicted_is_no_alarm(row: str) -> None:
    watched = alarm(evaluation_periods=3, datapoints_to_alarm=3)
    assert evaluated(row, watched, AlarmState.OK).state is not AlarmState.ALARM


def test_of_a_stopped_metric_the_last_good_datapoint_leaves_the_range() -> None:
    """The text below the first table: "the next time … if the data is still missing it will go to ALARM"."""
    watched = alarm(evaluation_periods=3, datapoints_to_alarm=3, missing=MissingData.BREACHING)
    points = points_of("0 - - - -", watched)
    first = evaluate(watched, None, points, NOW)
    start, _ = window(watched, NOW + 300)
    left = {at: value for at, value in points.items() if at >= start}
    second = evaluate(watched, first.record, left, NOW + 300)
    assert (first.state, second.state) == (AlarmState.OK, AlarmState.ALARM)


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


# What CloudWatch writes, as its users have shown it; the dates are those of NOW: 07:57 on 20 February 2026.
REASONS = [
    (3, 3, MissingData.MISSING, "X X X", AlarmState.OK,
     "Threshold Crossed: 3 datapoints [90.0 (20/02/26 07:52:00), 90.0 (20/02/26 07:47:00), 90.0 (20/02/26 07:42:00)] "
     "were greater than the threshold (80.0)."),
    (1, 1, MissingData.MISSING, "0", AlarmState.ALARM,
     "Threshold Crossed: 1 datapoint [10.0 (20/02/26 07:52:00)] was not greater than the threshold (80.0)."),
    (4, 4, MissingData.BREACHING, "0", AlarmState.ALARM,
     "Threshold Crossed: 1 datapoint [10.0 (20/02/26 07:52:00)] was not greater than the threshold (80.0) "
     "and 3 missing datapoints were treated as [Breaching]."),
    (2, 2, MissingData.BREACHING, "X", AlarmState.OK,
     "Threshold Crossed: 1 datapoint [90.0 (20/02/26 07:52:00)] was greater than the threshold (80.0) "
     "and 1 missing datapoint was treated as [Breaching]."),
    (1, 20, MissingData.NOT_BREACHING, "X", AlarmState.OK,
     "Threshold Crossed: 1 out of the last 20 datapoints [90.0 (20/02/26 07:52:00)] was greater than the threshold "
     "(80.0) and 19 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> ALARM "
     "transition)."),
    (2, 3, MissingData.MISSING, "X 0 0", AlarmState.ALARM,
     "Threshold Crossed: 2 out of the last 3 datapoints [10.0 (20/02/26 07:52:00), 10.0 (20/02/26 07:47:00)] "
     "were not greater than the threshold (80.0) (minimum 2 datapoints for ALARM -> OK transition)."),
    (8, 8, MissingData.BREACHING, "-", AlarmState.OK,
     "Threshold Crossed: no datapoints were received for 8 periods and 8 missing datapoints were treated as "
     "[Breaching]."),
    (1, 1, MissingData.NOT_BREACHING, "-", AlarmState.ALARM,
     "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
     "[NonBreaching]."),
    (2, 3, MissingData.BREACHING, "0", AlarmState.OK,
     "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as "
     "[Breaching]."),
    (1, 1, MissingData.MISSING, "-", AlarmState.OK, "Insufficient Data: 1 datapoint was unknown."),
    (5, 5, MissingData.MISSING, "-", AlarmState.ALARM, "Insufficient Data: 5 datapoints were unknown."),
]  # fmt: skip


@pytest.mark.parametrize(("datapoints", "periods", "missing", "row", "current", "reason"), REASONS)
def test_the_reason_is_worded_as_cloudwatch_words_it(
    datapoints: int, periods: int, missing: MissingData, row: str, current: AlarmState, reason: str
) -> None:
    watched = alarm(evaluation_periods=periods, datapoints_to_alarm=datapoints, missing=missing)
    found = evaluated(row, watched, current)
    assert found.changed
    assert found.reason == reason
    assert found.record.reason == reason


def test_the_state_reason_data_is_cloudwatchs() -> None:
    watched = alarm(evaluation_periods=2, datapoints_to_alarm=2)
    end = window(watched, NOW)[1]
    assert evaluate(watched, None, {end - 900: 10.0, end - 600: 82.1, end - 300: 85.3}, NOW).reason_data == {
        "version": "1.0",
        "queryDate": "2026-02-20T07:57:00.000+0000",
        "startDate": "2026-02-20T07:47:00.000+0000",
        "statistic": "Average",
        "period": 300,
        "recentDatapoints": [82.1, 85.3],
        "threshold": 80.0,
        "evaluatedDatapoints": [
            {"timestamp": "2026-02-20T07:52:00.000+0000", "value": 85.3},
            {"timestamp": "2026-02-20T07:47:00.000+0000", "value": 82.1},
        ],
    }
    nothing = evaluated("- -", watched, AlarmState.OK).reason_data
    assert "startDate" not in nothing
    assert nothing["recentDatapoints"] == []
