import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import UsageError
from penstock.model.alarms import AlarmState, CompositeAlarm
from penstock.watch.composite import evaluate, parse

OK, ALARM, UNKNOWN = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ('ALARM("a")', True),
        ("ALARM(a)", True),
        ("ALARM('b')", False),
        ('OK("b") AND ALARM("a")', True),
        ('NOT OK("b") OR ALARM("a")', True),
        ('NOT (OK("b") OR ALARM("a"))', False),
        ('ALARM("b") OR OK("b") AND ALARM("a")', True),
        ('INSUFFICIENT_DATA("never heard of")', True),
        ("TRUE AND NOT FALSE", True),
        ('ALARM("with \\"quotes\\"")', False),
    ],
)
def test_rules(rule: str, holds: bool) -> None:
    assert parse(rule).holds({"a": ALARM, "b": OK}) is holds


@pytest.mark.parametrize(
    "rule",
    ["", "ALARM", "ALARM()", 'ALARM("a"', 'ALARM("a") AND', "a", "NOT", "(TRUE", "TRUE)", "TRUE FALSE", "(" * 99],
)
def test_what_is_no_rule_is_refused_with_its_place(rule: str) -> None:
    with pytest.raises(UsageError, match="character"):
        parse(rule)


@given(st.text(alphabet="ALRMOKNDTUEFS()\" '\\ab_", max_size=60))
def test_any_text_is_a_rule_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text).holds({})


def composite(**fields: object) -> CompositeAlarm:
    return CompositeAlarm(name="c", rule='ALARM("a")', on_alarm=("people",), **fields)  # type: ignore[arg-type]


def test_a_change_is_told_once() -> None:
    first = evaluate(composite(), {"a": ALARM}, None, 0.0)
    assert (first.state, first.notify) == (ALARM, ("people",))
    assert evaluate(composite(), {"a": ALARM}, first.record, 60.0).notify == ()


def test_a_suppressor_holds_actions_back() -> None:
    suppressed = composite(suppressor="s", suppressor_wait_seconds=60, suppressor_extension_seconds=120)
    first = evaluate(suppressed, {"a": ALARM, "s": ALARM}, None, 0.0)
    assert (first.state, first.notify) == (ALARM, ())
    still = evaluate(suppressed, {"a": ALARM, "s": OK}, first.record, 60.0)
    assert still.notify == ()
    late = evaluate(suppressed, {"a": ALARM, "s": OK}, still.record, 120.0)
    assert late.notify == ("people",)


def test_without_the_suppressor_actions_follow_after_the_wait() -> None:
    suppressed = composite(suppressor="s", suppressor_wait_seconds=60)
    first = evaluate(suppressed, {"a": ALARM, "s": OK}, None, 0.0)
    assert first.notify == ()
    assert evaluate(suppressed, {"a": ALARM, "s": OK}, first.record, 60.0).notify == ("people",)
