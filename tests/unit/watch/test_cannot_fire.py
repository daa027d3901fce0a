import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import Finding
from penstock.model.alarms import Alarm, CompositeAlarm, MissingData
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.model.topics import Subscription, Topic
from penstock.watch.cannot_fire import check
from penstock.watch.dead_man import derive

METRIC = Metric("N", "M")
HOUR = 3600
PEOPLE = Topic(name="people", subscriptions=(Subscription("console:"),), place="p.py:1")
GOOD = Alarm(name="good", metric=METRIC, threshold=1.0, place="p.py:2", on_alarm=("people",))
COMPOSITE = CompositeAlarm(name="all", rule='ALARM("good")', place="p.py:3", on_alarm=("people",))


def found(*things: Any, every: float | None = None, published: bool = True) -> list[Finding]:
    definition = Definition(
        name="p",
        namespace="N",
        topics={thing.name: thing for thing in things if isinstance(thing, Topic)},
        alarms={thing.name: thing for thing in things if isinstance(thing, Alarm)},
        composite_alarms={thing.name: thing for thing in things if isinstance(thing, CompositeAlarm)},
    )
    cadences = {} if every is None else {METRIC.key: every}
    return check(definition, {METRIC.key} if published else set(), cadences)


def changed(thing: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(thing, **fields)


def codes(*things: Any, **options: Any) -> list[str]:
    findings = found(*things, **options)
    assert all(one.where and one.message and one.hint for one in findings)
    return [one.code for one in findings]


def test_what_can_fire_and_is_heard_is_in_order() -> None:
    assert found(PEOPLE, GOOD, COMPOSITE, every=60.0) == []


def test_an_alarm_without_any_action_is_fine() -> None:
    assert found(changed(GOOD, on_alarm=())) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"period_seconds": 90}, "alarm-window"),
        ({"period_seconds": 0}, "alarm-window"),
        ({"statistic": "Median"}, "alarm-window"),
        ({"evaluation_periods": 1441}, "alarm-window"),
        ({"evaluation_periods": 57, "period_seconds": 3 * HOUR}, "alarm-window"),
        ({"evaluation_periods": 2, "datapoints_to_alarm": 3}, "alarm-datapoints"),
        ({"datapoints_to_alarm": 0}, "alarm-datapoints"),
        ({"threshold": math.nan}, "alarm-threshold"),
        ({"threshold": -math.inf}, "alarm-threshold"),
    ],
)
def test_shapes_that_cloudwatch_refuses(fields: dict[str, Any], code: str) -> None:
    assert codes(PEOPLE, changed(GOOD, **fields), every=60.0) == [code]


def test_all_mistakes_of_one_alarm_come_at_once() -> None:
    bad = changed(GOOD, period_seconds=90, threshold=math.nan, on_alarm=("nobody",))
    assert codes(PEOPLE, bad, published=False) == ["alarm-window", "alarm-threshold", "alarm-metric", "alarm-topic"]


def test_a_metric_that_nobody_publishes() -> None:
    (finding,) = found(PEOPLE, GOOD, published=False)
    assert (finding.where, finding.code) == ("p.py:2", "alarm-metric")
    assert "'M'" in finding.message


@pytest.mark.parametrize(
    ("period", "needed", "periods", "missing", "cadence", "can_fire"),
    [
        # Two datapoints that lie three hours apart are never among four minutes.
        (60, 2, 2, "missing", 3 * HOUR, False),
        (60, 2, 2, "ignore", 3 * HOUR, False),
        (60, 2, 2, "notBreaching", 3 * HOUR, False),
        # What is missing breaches too: this one fires all the time, but it fires.
        (60, 2, 2, "breaching", 3 * HOUR, True),
        # One datapoint is enough, however short the period and however many periods are looked at.
        (60, 1, 1, "notBreaching", 3 * HOUR, True),
        (300, 1, 3, "missing", 3 * HOUR, True),
        # Twelve hours hold four; the evaluation range reaches two periods past the three.
        (2 * HOUR, 2, 3, "notBreaching", 3 * HOUR, True),
        (HOUR, 2, 6, "notBreaching", 3 * HOUR, True),
        (HOUR, 3, 3, "notBreaching", 3 * HOUR, False),
        # As many as there are periods, when several are published in each.
        (3 * HOUR, 2, 2, "missing", 3 * HOUR, True),
        (3 * HOUR, 3, 3, "missing", 60, True),
    ],
)
def test_a_period_shorter_than_the_cadence(
    period: int, needed: int, periods: int, missing: str, cadence: float, can_fire: bool
) -> None:
    alarm = changed(
        GOOD,
        period_seconds=period,
        datapoints_to_alarm=needed,
        evaluation_periods=periods,
        missing=MissingData(missing),
    )
    assert codes(PEOPLE, alarm, every=cadence) == ([] if can_fire else ["alarm-period"])


@pytest.mark.parametrize(("cadence", "hint"), [(3.0 * HOUR, "hours(3)"), (90.0, "minutes(2)")])
def test_the_mend_is_a_period_that_cloudwatch_has(cadence: float, hint: str) -> None:
    alarm = changed(GOOD, period_seconds=10, evaluation_periods=3, datapoints_to_alarm=3)
    (finding,) = found(PEOPLE, alarm, every=cadence)
    assert hint in finding.hint


def test_a_topic_that_does_not_exist() -> None:
    assert codes(GOOD) == ["alarm-topic"]
    assert codes(PEOPLE, changed(GOOD, on_ok=("other",), on_insufficient_data=("other",))) == ["alarm-topic"]


def test_a_topic_without_a_subscription_is_told_of_once() -> None:
    deaf = changed(PEOPLE, subscriptions=())
    (finding,) = found(deaf, GOOD, COMPOSITE)
    assert (finding.where, finding.code) == ("p.py:1", "alarm-topic")
    assert "nobody is told of 'good', 'all'" in finding.message


def test_a_topic_without_a_subscription_that_no_alarm_tells_is_fine() -> None:
    assert found(changed(PEOPLE, subscriptions=()), changed(GOOD, on_alarm=())) == []


def test_derived_alarms_are_asked_for_their_topics_only() -> None:
    weekly = derive("dead-man", Metric("Penstock", "Successes"), 604_800.0, ("people",))
    assert found(changed(PEOPLE, subscriptions=()), weekly, published=False) == []
    assert [one.code for one in found(weekly, published=False)] == ["alarm-topic"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rule": 'ALARM("good") AND'}, ["alarm-rule"]),
        ({"rule": 'ALARM("none") OR OK("nil")'}, ["alarm-rule", "alarm-rule"]),
        ({"rule": 'ALARM("all")'}, ["alarm-cycle"]),
        ({"suppressor": "none"}, ["alarm-suppressor"]),
        ({"suppressor": "all"}, ["alarm-suppressor"]),
        ({"suppressor": "good", "suppressor_wait_seconds": -1}, ["alarm-suppressor"]),
        ({"suppressor": "good", "suppressor_wait_seconds": 60}, []),
        ({"name": "good", "rule": "TRUE"}, ["alarm-name"]),
    ],
)
def test_composite_alarms(fields: dict[str, Any], expected: list[str]) -> None:
    assert codes(PEOPLE, GOOD, changed(COMPOSITE, **fields)) == expected


def test_a_circle_is_found_from_each_of_its_alarms_and_from_no_other() -> None:
    rules = {"a": 'ALARM("b")', "b": 'NOT ALARM("c")', "c": 'ALARM("a")', "d": 'ALARM("a")'}
    alarms = [CompositeAlarm(name=name, rule=rule, place=name) for name, rule in rules.items()]
    assert [one.where for one in found(*alarms) if one.code == "alarm-cycle"] == ["a", "b", "c"]


@settings(max_examples=60)
@given(st.text(alphabet="ALRMOKNDTUEFSI_()\" '\\ab", max_size=40), st.text(max_size=5))
def test_any_rule_is_taken_or_found_fault_with(rule: str, suppressor: str) -> None:
    fuzzed = changed(COMPOSITE, rule=rule, suppressor=suppressor)
    assert all(one.code in {"alarm-rule", "alarm-cycle", "alarm-suppressor"} for one in found(PEOPLE, GOOD, fuzzed))
