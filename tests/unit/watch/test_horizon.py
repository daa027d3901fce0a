"""An alarm that is looked at only when the horizon says so changes when one does that is looked at each minute."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from penstock.model.alarms import Alarm, MissingData
from penstock.model.metrics import Metric
from penstock.watch import windows
from penstock.watch.evaluate import AlarmRecord, evaluate, first_record, window
from penstock.watch.horizon import next_look

BEGAN = 1_771_545_600.0  # 2026-02-20T00:00:00Z
METRIC = Metric("Test", "Value")
MINUTES = 240

Changes = list[tuple[float, str]]


def look(alarm: Alarm, values: list[tuple[float, float]], known: AlarmRecord | None, until: float) -> AlarmRecord:
    start, end = window(alarm, until)
    points = windows.series(
        [(at, value, 1.0) for at, value in values], alarm.statistic, alarm.period_seconds, start, end
    )
    return evaluate(alarm, known or first_record(BEGAN), points, until).record


def every_minute(alarm: Alarm, values: list[tuple[float, float]]) -> Changes:
    record, changes = None, []
    for minute in range(1, MINUTES + 1):
        until = BEGAN + 60 * minute
        found = look(alarm, values, record, until)
        if record is None or found.state is not record.state:
            changes.append((until, found.state.value))
        record = found
    return changes


def when_due(alarm: Alarm, values: list[tuple[float, float]]) -> Changes:
    record, changes = None, []
    until: float | None = BEGAN + 60
    while until is not None and until <= BEGAN + 60 * MINUTES:
        found = look(alarm, values, record, until)
        if record is None or found.state is not record.state:
            changes.append((until, found.state.value))
        record = found
        until = next_look(alarm, record, [at for at, _ in values], until)
    return changes


@settings(max_examples=100, deadline=None)
@given(
    times=some.lists(some.integers(0, MINUTES * 60 - 1), max_size=12),
    breaching=some.lists(some.booleans(), min_size=12, max_size=12),
    period=some.sampled_from([60, 300, 900, 3600]),
    periods=some.integers(1, 4),
    missing=some.sampled_from(list(MissingData)),
    warm_up=some.sampled_from([0, 90, 1800]),
    statistic=some.sampled_from(["Average", "Sum", "Maximum"]),
    data=some.data(),
)
def test_a_look_when_it_is_due_misses_nothing(
    times: list[int], breaching: list[bool], period: int, periods: int, missing: MissingData, warm_up: int,
    statistic: str, data: some.DataObject,
) -> None:  # fmt: skip
    alarm = Alarm(
        name="a",
        metric=METRIC,
        threshold=10.0,
        statistic=statistic,
        period_seconds=period,
        evaluation_periods=periods,
        datapoints_to_alarm=data.draw(some.integers(1, periods)),
        missing=missing,
        warm_up_seconds=warm_up,
    )
    values = [(BEGAN + at, 20.0 if breaches else 1.0) for at, breaches in zip(sorted(times), breaching, strict=False)]
    assert when_due(alarm, values) == every_minute(alarm, values)


def test_a_beat_is_looked_at_when_it_comes_and_when_it_has_left() -> None:
    # One beat at 00:00:30; three periods of 300 s and the two that CloudWatch looks back: it is in the window from
    # 00:01 until 25 minutes later.
    alarm = Alarm(
        name="beat", metric=METRIC, threshold=1.0, period_seconds=300, evaluation_periods=3, datapoints_to_alarm=3,
        missing=MissingData.BREACHING,
    )  # fmt: skip
    record = first_record(BEGAN)
    assert next_look(alarm, record, [BEGAN + 30], BEGAN) == BEGAN + 60
    assert next_look(alarm, record, [BEGAN + 30], BEGAN + 60) == BEGAN + 60 + 1500
    assert next_look(alarm, record, [BEGAN + 30], BEGAN + 60 + 1500) is None


def test_without_data_only_the_warm_up_matters() -> None:
    alarm = Alarm(name="quiet", metric=METRIC, threshold=1.0, missing=MissingData.BREACHING, warm_up_seconds=100)
    assert next_look(alarm, first_record(BEGAN), [], BEGAN) == BEGAN + 120


@pytest.mark.parametrize("name", ["Average", "Sum", "Minimum", "Maximum", "SampleCount"])
def test_statistics_of_parts_are_those_of_the_whole(name: str) -> None:
    values = [(0.0, 5.0, 1.0), (30.0, 2.0, 3.0), (70.0, 11.0, 1.0), (200.0, 1.0, 1.0)]
    parts = [
        windows.Statistics(0.0, 4.0, 11.0, 2.0, 5.0),
        windows.Statistics(60.0, 1.0, 11.0, 11.0, 11.0),
        windows.Statistics(180.0, 1.0, 1.0, 1.0, 1.0),
    ]
    assert windows.series_of_parts(parts, name, 120, 0.0, 240.0) == windows.series(values, name, 120, 0.0, 240.0)
