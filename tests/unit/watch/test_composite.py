import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import UsageError
from penstock.model.alarms import AlarmState, CompositeAlarm
from penstock.watch.composite import evaluate, in_order, parse

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


@pytest.mark.parametrize(("before", "after"), [("(", ")"), ("NOT ", ""), ("NOT(", ")")])
def test_nesting_has_an_end(before: str, after: str) -> None:
    assert parse(before * 20 + "TRUE" + after * 20).holds({})
    with pytest.raises(UsageError) as refused:
        parse(before * 2000 + "TRUE" + after * 2000)
    assert "less nesting" in refused.value.hint


def composite(**fields: object) -> CompositeAlarm:
    return CompositeAlarm(name="c", rule='ALARM("a")', on_alarm=("people",), **fields)  # type: ignore[arg-type]


def test_a_change_is_told_once() -> None:
    first = evaluate(composite(), {"a": ALARM}, None, 0.0)
    assert (first.state, first.notify) == (ALARM, ("people",))
    assert evaluate(composite(), {"a": ALARM}, first.record, 60.0).notify == ()


def test_the_reason_names_the_states() -> None:
    found = evaluate(composite(), {"a": ALARM}, None, 0.0)
    assert found.reason == 'ALARM("a") is true: a is in ALARM.'
    assert found.reason_data == {"triggeringAlarms": [{"name": "a", "state": {"value": "ALARM"}}]}


def test_each_comes_after_what_it_depends_on() -> None:
    alarms = {
        "top": CompositeAlarm(name="top", rule='ALARM("middle")'),
        "middle": CompositeAlarm(name="middle", rule='ALARM("metric")', suppressor="quiet"),
        "quiet": CompositeAlarm(name="quiet", rule='OK("metric")'),
    }
    assert [alarm.name for alarm in in_order(alarms)] == ["quiet", "middle", "top"]


def test_of_a_circle_each_comes_once() -> None:
    alarms = {name: CompositeAlarm(name=name, rule=f'ALARM("{other}")') for name, other in ("ab", "ba", "cc")}
    assert sorted(alarm.name for alarm in in_order(alarms)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("rule", "noun"),
    [
        (" OR ".join(f"ALARM(a{n})" for n in range(101)), "alarms"),
        (" OR ".join(["TRUE"] * 501), "parts"),
        ("TRUE" + " " * 10_240, "characters"),
    ],
)
def test_what_cloudwatch_has_no_room_for_is_refused(rule: str, noun: str) -> None:
    with pytest.raises(UsageError, match=noun):
        parse(rule)


def test_what_cloudwatch_has_just_room_for_is_taken() -> None:
    assert len(parse(" OR ".join(f"ALARM(a{n})" for n in range(100))).alarms()) == 100
    assert parse(" AND ".join(["(TRUE)"] * 250)).holds({})


NAMES = st.sampled_from(["a", "b", "c"])
RULES: st.SearchStrategy[tuple[str, object]] = st.recursive(
    st.one_of(
        st.builds(lambda n, s: (f'{s}("{n}")', ("is", n, s)), NAMES, st.sampled_from(AlarmState)),
        st.sampled_from([("TRUE", True), ("FALSE", False)]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda x: (f"NOT ({x[0]})", ("not", x[1])), inner),
        st.builds(lambda x, y: (f"({x[0]}) AND ({y[0]})", ("and", x[1], y[1])), inner, inner),
        st.builds(lambda x, y: (f"({x[0]}) OR ({y[0]})", ("or", x[1], y[1])), inner, inner),
    ),
    max_leaves=8,
)


def truth(tree: object, states: dict[str, AlarmState]) -> bool:
    match tree:
        case ("is", str(name), state):
            return states[name] == state
        case ("not", inner):
            return not truth(inner, states)
        case ("and", left, right):
            return truth(left, states) and truth(right, states)
        case ("or", left, right):
            return truth(left, states) or truth(right, states)
    return tree is True


@settings(max_examples=80)
@given(RULES, st.fixed_dictionaries({name: st.sampled_from(AlarmState) for name in "abc"}))
def test_a_rule_means_what_it_says(rule: tuple[str, object], states: dict[str, AlarmState]) -> None:
    text, tree = rule
    assert parse(text).holds(states) is truth(tree, states)
