"""The six examples of "Suppressing composite alarm actions".

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html
"""

import msgspec
import pytest

from penstock.model.alarms import AlarmState, CompositeAlarm
from penstock.watch.composite import evaluate
from penstock.watch.evaluate import AlarmRecord, decode_record, first_record

OK, ALARM = AlarmState.OK, AlarmState.ALARM
UNIT = 60.0
LAST = 14
SUPPRESSED = CompositeAlarm(
    name="composite",
    rule='ALARM("child")',
    on_alarm=("alarm",),
    on_ok=("ok",),
    suppressor="suppressor",
    suppressor_wait_seconds=2 * 60,
    suppressor_extension_seconds=3 * 60,
)
NEVER: list[tuple[int, str]] = []


def state_at(moment: int, spans: list[tuple[int, int]]) -> AlarmState:
    return ALARM if any(start <= moment < end for start, end in spans) else OK


def told(child: list[tuple[int, int]], suppressor: list[tuple[int, int]]) -> list[tuple[int, str]]:
    """Returns when which topic was told, of an alarm and a suppressor that are in ALARM in some spans."""
    known = AlarmRecord(OK, "", 0.0, 0.0)
    found = []
    for moment in range(1, LAST):
        states = {"child": state_at(moment, child), "suppressor": state_at(moment, suppressor)}
        evaluation = evaluate(SUPPRESSED, states, known, moment * UNIT)
        known = evaluation.record
        found += [(moment, topic) for topic in evaluation.notify]
    return found


@pytest.mark.parametrize(
    ("child", "suppressor", "expected"),
    [
        pytest.param([(2, LAST)], [], [(4, "alarm")], id="1 not suppressed after the wait period"),
        pytest.param([(2, LAST)], [(3, LAST)], NEVER, id="2 suppressed before the wait period expires"),
        pytest.param([(2, 3)], [], [(5, "ok")], id="3 a change during the wait period begins a new one"),
        pytest.param([(2, LAST)], [(0, LAST)], NEVER, id="4 suppressed from the beginning"),
        pytest.param([(2, LAST)], [(3, 6)], [(9, "alarm")], id="5 not suppressed after the extension period"),
        pytest.param([(2, 7)], [(3, 6)], [(9, "ok")], id="6 a change during the extension period begins a wait period"),
    ],
)
def test_the_examples(
    child: list[tuple[int, int]], suppressor: list[tuple[int, int]], expected: list[tuple[int, str]]
) -> None:
    assert told(child, suppressor) == expected


def test_a_suppressor_that_comes_and_goes_releases_nothing_that_was_not_held() -> None:
    assert told([], [(2, 4), (6, 8)]) == NEVER


def test_a_change_just_as_the_suppressor_leaves_alarm_begins_a_wait_period() -> None:
    assert told([(2, 6)], [(3, 6)]) == [(8, "ok")]


def test_late_actions_tell_of_the_change_that_they_belong_to() -> None:
    first = evaluate(SUPPRESSED, {"child": ALARM}, AlarmRecord(OK, "", 0.0, 0.0), 60.0)
    assert (first.changed, first.notify, first.previous) == (True, (), OK)
    late = evaluate(SUPPRESSED, {"child": ALARM}, first.record, 180.0)
    assert (late.changed, late.notify, late.previous, late.state) == (False, ("alarm",), OK, ALARM)
    assert late.reason == first.reason
    after = evaluate(SUPPRESSED, {"child": ALARM}, late.record, 240.0)
    assert (after.changed, after.notify, after.previous) == (False, (), ALARM)


def test_what_waits_survives_a_restart() -> None:
    first = evaluate(SUPPRESSED, {"child": ALARM}, first_record(0.0), 60.0)
    kept = decode_record(msgspec.json.encode(first.record))
    assert evaluate(SUPPRESSED, {"child": ALARM}, kept, 180.0).notify == ("alarm",)
