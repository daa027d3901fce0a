from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.model.alarms import Alarm, AlarmState, Comparison, MissingData
from penstock.model.metrics import Metric
from penstock.watch.evaluate import AlarmRecord, decode_record, evaluate, window
from penstock.watch.windows import series

OK, ALARM, UNKNOWN = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
NOON = datetime(2026, 2, 20, 12, tzinfo=UTC).timestamp()


def alarm(**fields: object) -> Alarm:
    return Alarm(name="a", metric=Metric("N", "M"), threshold=80.0, **fields)  # type: ignore[arg-type]


def newest(watched: Alarm, *values: float, until: float = NOON) -> dict[float, float]:
    """Returns datapoints of the newest periods, the oldest first."""
    end = window(watched, until)[1]
    return {end - (len(values) - n) * watched.period_seconds: value for n, value in enumerate(values)}


def test_a_new_alarm_has_insufficient_data_and_tells_nobody() -> None:
    found = evaluate(alarm(on_insufficient_data=("people",)), None, {}, NOON)
    assert (found.state, found.previous, found.changed, found.notify) == (UNKNOWN, UNKNOWN, False, ())
    assert found.record == AlarmRecord(UNKNOWN, "Insufficient Data: 1 datapoint was unknown.", NOON, NOON)


def test_topics_are_told_of_changes_only_and_each_of_its_own() -> None:
    watched = alarm(on_alarm=("people", "pager"), on_ok=("relief",), on_insufficient_data=("curious",))
    known, told = None, []
    for minute, value in enumerate([90.0, 91.0, 92.0, 10.0, 11.0, None, None, None, 95.0]):
        until = NOON + 60 * minute
        points = {} if value is None else newest(watched, value, until=until)
        found = evaluate(watched, known, points, until)
        known = found.record
        told.append((found.changed, found.notify))
    nothing: tuple[bool, tuple[str, ...]] = (False, ())
    assert told == [
        (True, ("people", "pager")), nothing, nothing, (True, ("relief",)), nothing,
        (True, ("curious",)), nothing, nothing, (True, ("people", "pager")),
    ]  # fmt: skip


def test_the_state_keeps_its_beginning() -> None:
    watched = alarm()
    first = evaluate(watched, None, newest(watched, 90.0), NOON, NOON + 3)
    again = evaluate(watched, first.record, newest(watched, 95.0, until=NOON + 60), NOON + 60)
    assert (again.record.since, again.record.watched_since) == (NOON + 3, NOON + 3)
    assert "90.0" in again.reason


@pytest.mark.parametrize(("until", "end"), [(NOON, 0), (NOON + 59.9, 0), (NOON + 60, 60), (NOON + 61, 60)])
def test_the_minute_that_goes_on_is_not_looked_at(until: float, end: float) -> None:
    assert window(alarm(period_seconds=300), until)[1] == NOON + end


def test_an_alarm_of_seconds_looks_at_the_last_whole_period() -> None:
    assert window(alarm(period_seconds=10, evaluation_periods=3), NOON + 27) == (NOON - 30, NOON + 20)


def test_values_of_the_period_that_goes_on_do_not_count() -> None:
    watched = alarm(period_seconds=60)
    start, end = window(watched, NOON + 30)
    points = series([(NOON - 30, 10.0, 1.0), (NOON + 10, 99.0, 1.0)], "Maximum", 60, start, end)
    assert evaluate(watched, None, points, NOON + 30).state is OK


def test_an_alarm_that_warms_up_stays_out_of_alarm() -> None:
    watched = alarm(missing=MissingData.BREACHING, derived=True, warm_up_seconds=120, on_alarm=("people",))
    known, states = None, []
    for minute in range(4):
        found = evaluate(watched, known, {}, NOON + 60 * minute)
        known = found.record
        states.append((found.state, found.notify))
    assert states == [(UNKNOWN, ()), (UNKNOWN, ()), (ALARM, ("people",)), (ALARM, ())]


@pytest.mark.parametrize(("derived", "told"), [(True, ()), (False, ("people",))])
def test_a_derived_alarm_says_nothing_when_all_is_well_at_first(derived: bool, told: tuple[str, ...]) -> None:
    watched = alarm(derived=derived, on_ok=("people",))
    found = evaluate(watched, None, newest(watched, 10.0), NOON)
    assert (found.state, found.changed, found.notify) == (OK, True, told)


def test_a_record_comes_back_as_it_was_kept() -> None:
    record = AlarmRecord(ALARM, "why", 1.5, 0.5, held_from=OK, held_until=9.0, suppressed=True)
    assert decode_record(msgspec.json.encode(record)) == record


ALARMS = st.integers(1, 5).flatmap(
    lambda periods: st.builds(
        lambda needed, missing, comparison: alarm(
            evaluation_periods=periods, datapoints_to_alarm=needed, missing=missing, comparison=comparison,
            on_alarm=("alarm",), on_ok=("ok",), on_insufficient_data=("unknown",),
        ),
        st.integers(1, periods), st.sampled_from(MissingData), st.sampled_from(Comparison),
    )
)  # fmt: skip
VALUES = st.one_of(st.none(), st.sampled_from([10.0, 80.0, 90.0]))


@settings(max_examples=80)
@given(ALARMS, st.lists(st.lists(VALUES, min_size=7, max_size=7), min_size=1, max_size=8))
def test_whatever_happens_people_hear_of_each_change_once(watched: Alarm, rows: list[list[float | None]]) -> None:
    known: AlarmRecord | None = None
    told: list[AlarmState] = []
    topic = {OK: "ok", ALARM: "alarm", UNKNOWN: "unknown"}
    for minute, row in enumerate(rows):
        until = NOON + 60 * minute
        start = window(watched, until)[0]
        points = {
            start + 60 * n: value for n, value in enumerate(row[: watched.evaluation_periods + 2]) if value is not None
        }
        found = evaluate(watched, known, points, until)
        assert found == evaluate(watched, known, dict(reversed(points.items())), until)
        assert found.changed is (found.state is not found.previous)
        assert found.notify == ((topic[found.state],) if found.changed else ())
        assert found.reason.endswith(".")
        assert "[]" not in found.reason
        if found.changed:
            told.append(found.state)
        known = found.record
    assert all(before is not after for before, after in zip([UNKNOWN, *told], told, strict=False))


@settings(max_examples=80)
@given(ALARMS, st.lists(st.sampled_from([10.0, 80.0, 90.0]), min_size=5, max_size=7))
def test_without_gaps_it_is_m_of_the_newest_n(watched: Alarm, values: list[float]) -> None:
    breaches = {
        "GreaterThanThreshold": {90.0},
        "GreaterThanOrEqualToThreshold": {80.0, 90.0},
        "LessThanThreshold": {10.0},
        "LessThanOrEqualToThreshold": {10.0, 80.0},
    }[watched.comparison.value]
    count = sum(value in breaches for value in values[-watched.evaluation_periods :])
    expected = ALARM if count >= watched.datapoints_to_alarm else OK
    assert evaluate(watched, None, newest(watched, *values), NOON).state is expected
