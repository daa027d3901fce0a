import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.model.alarms import AlarmState
from penstock.model.metrics import Metric
from penstock.watch.dead_man import derive
from penstock.watch.evaluate import AlarmRecord, evaluate, window
from penstock.watch.windows import check_window, series

BEAT = Metric("Penstock", "Successes", (("Task", "collect"),), "Count")


def changes(cadence: float, beats: list[float], until: float) -> list[tuple[float, AlarmState, tuple[str, ...]]]:
    """Evaluates each minute and returns every change."""
    alarm = derive("dead-man", BEAT, cadence, ("people",))
    known: AlarmRecord | None = None
    found = []
    for minute in range(int(until // 60) + 1):
        now = minute * 60.0
        start, end = window(alarm, now)
        points = series([(at, 1.0, 1.0) for at in beats if at < now], alarm.statistic, alarm.period_seconds, start, end)
        evaluation = evaluate(alarm, known, points, now)
        known = evaluation.record
        if evaluation.changed:
            found.append((now, evaluation.state, evaluation.notify))
    return found


def test_it_fires_once_and_resolves_once() -> None:
    hour = 3600.0
    beats = [n * hour for n in range(1, 11)] + [n * hour for n in range(20, 25)]
    told = [change for change in changes(hour, beats, 24 * hour) if change[2]]
    assert [(state, topics) for _, state, topics in told] == [
        (AlarmState.ALARM, ("people",)),
        (AlarmState.OK, ("people",)),
    ]
    fired, resolved = told[0][0], told[1][0]
    assert 12 * hour <= fired <= 12.5 * hour
    assert 20 * hour < resolved <= 20 * hour + 120


@pytest.mark.parametrize("cadence", [60.0, 300.0, 3600.0, 10_800.0])
def test_a_steady_beat_never_fires(cadence: float) -> None:
    beats = [n * cadence + (n % 3) * cadence * 0.1 for n in range(1, 12)]
    assert not [change for change in changes(cadence, beats, 11 * cadence) if change[1] is AlarmState.ALARM]


def test_nothing_is_said_before_it_was_watched_for_two_cadences() -> None:
    fired = [at for at, state, _ in changes(3600.0, [], 4 * 3600.0) if state is AlarmState.ALARM]
    assert fired == [7200.0]


def test_days_of_23_and_25_hours_are_no_silence() -> None:
    hour = 3600.0
    lengths = [24, 24, 23, 24, 25, 24]
    beats = [0.0]
    for length in lengths:
        beats.append(beats[-1] + length * hour)
    cadence = max(lengths) * hour
    assert [state for _, state, _ in changes(cadence, beats, beats[-1])] == [AlarmState.OK]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([60.0, 90.0, 600.0, 1234.0]), st.lists(st.floats(0, 0.95), min_size=4, max_size=10))
def test_jitter_of_nearly_a_cadence_never_fires(cadence: float, jitters: list[float]) -> None:
    beats = [(number + jitter) * cadence for number, jitter in enumerate(jitters)]
    assert not [state for _, state, _ in changes(cadence, beats, beats[-1]) if state is AlarmState.ALARM]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([60.0, 90.0, 600.0, 1234.0]), st.integers(3, 6), st.integers(4, 9))
def test_silence_fires_once_in_time_and_resolves_once(cadence: float, before: int, silent: int) -> None:
    beats = [number * cadence for number in range(before)]
    last, again = beats[-1], (before + silent) * cadence
    period = derive("dead-man", BEAT, cadence, ()).period_seconds
    told = [change for change in changes(cadence, [*beats, again], again + 120) if change[2]]
    if again - last > 2 * cadence + 3 * period + 60:
        assert [state for _, state, _ in told] == [AlarmState.ALARM, AlarmState.OK]
        assert 2 * cadence < told[0][0] - last <= 2 * cadence + 3 * period + 60
        assert again < told[1][0] <= again + 60
    else:
        assert [state for _, state, _ in told] in ([], [AlarmState.ALARM, AlarmState.OK])


@given(st.floats(1, 302_400))
def test_cloudwatch_would_take_it(cadence: float) -> None:
    alarm = derive("dead-man", BEAT, cadence, ())
    assert check_window(alarm.period_seconds, alarm.evaluation_periods) is None
    assert alarm.period_seconds * alarm.evaluation_periods >= 2 * cadence


def test_cloudwatch_cannot_look_back_over_two_weeks() -> None:
    weekly = derive("dead-man", BEAT, 604_800.0, ())
    assert check_window(weekly.period_seconds, weekly.evaluation_periods) is not None


def test_it_is_urgent_and_tells_of_both_changes() -> None:
    alarm = derive("dead-man", BEAT, 10_800.0, ("people",))
    assert (alarm.severity, alarm.derived, alarm.warm_up_seconds) == ("HIGH", True, 21_600)
    assert (alarm.on_alarm, alarm.on_ok, alarm.on_insufficient_data) == (("people",), ("people",), ())
    assert "collect" in alarm.description
    assert derive("dead-man", Metric("N", "Beats"), 60.0, ()).description == "No success of Beats in two cadences"
