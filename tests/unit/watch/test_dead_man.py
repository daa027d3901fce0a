import pytest
from hypothesis import given
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


@given(st.floats(1, 3 * 86_400))
def test_cloudwatch_would_take_it(cadence: float) -> None:
    alarm = derive("dead-man", BEAT, cadence, ())
    assert check_window(alarm.period_seconds, alarm.evaluation_periods) is None
    assert alarm.period_seconds * alarm.evaluation_periods >= 2 * cadence
