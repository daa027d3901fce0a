"""Two runs are held against each other: all of both is counted, and every difference is told."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import Pipeline, hours
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.rehearsal.alarms import incomparable, state_there
from penstock.rehearsal.observed import Observed, Ran
from penstock.rehearsal.parity import Comparison, compare

NOW = 1_772_362_790.0


def observed() -> Observed:
    return Observed(
        executions=[Ran("m", "SUCCEEDED", ("a", "b"), "4"), Ran("m", "SUCCEEDED", ("a", "b"), "4")],
        objects={"raw/t/1.json": "[1]", "raw/t/2.json": "[2]"},
        items={"T": ["1", "2", "2"]},
        messages=[("people", "Collected", "four")],
        waiting=[("jobs", "one")],
        notices=[("people", "Hot")],
        metrics={"m/A": "3 values from 1 to 2, sum 4", "m/Duration": "3 values"},
        alarms={"Hot": "ALARM", "Cold": "OK"},
    )


def found(comparisons: list[Comparison]) -> dict[str, Comparison]:
    return {one.what.partition(":")[0]: one for one in comparisons}


def test_equal_runs_are_equal_and_counted() -> None:
    comparisons = found(compare(observed(), observed()))
    assert all(one.is_equal and not one.left_out for one in comparisons.values())
    assert {what: one.compared for what, one in comparisons.items()} == {
        "executions": 2, "objects in the lake": 2, "items of T": 3, "messages of tasks and workflows": 1,
        "messages in queues": 1, "messages of alarms": 1, "metrics": 2, "alarms": 2,
    }  # fmt: skip


def change(field: str, value: Any) -> Observed:
    made = observed()
    setattr(made, field, value)
    return made


CHANGES: list[tuple[str, str, Any]] = [
    ("executions", "executions", []),
    ("executions", "executions", [Ran("m", "SUCCEEDED", ("a", "b"), "4")]),
    ("executions", "executions", [Ran("m", "SUCCEEDED", ("a", "b"), "4"), Ran("m", "FAILED", ("a", "b"), "4")]),
    ("executions", "executions", [Ran("m", "SUCCEEDED", ("a", "b"), "4"), Ran("m", "SUCCEEDED", ("a",), "4")]),
    ("executions", "executions", [Ran("m", "SUCCEEDED", ("a", "b"), "4"), Ran("m", "SUCCEEDED", ("a", "b"), "5")]),
    ("executions", "executions", [Ran("m", "SUCCEEDED", ("a", "b"), "4"), Ran("n", "SUCCEEDED", ("a", "b"), "4")]),
    ("objects in the lake", "objects", {"raw/t/1.json": "[1]"}),
    ("objects in the lake", "objects", {"raw/t/1.json": "[1]", "raw/t/2.json": "[3]"}),
    ("objects in the lake", "objects", {"raw/t/1.json": "[1]", "raw/t/3.json": "[2]"}),
    ("items of T", "items", {"T": ["1", "2"]}),
    ("items of T", "items", {"T": ["1", "1", "2"]}),
    ("items of T", "items", {}),
    ("items of U", "items", {"T": ["1", "2", "2"], "U": ["1"]}),
    ("messages of tasks and workflows", "messages", [("people", "Collected", "five")]),
    ("messages of tasks and workflows", "messages", [("others", "Collected", "four")]),
    ("messages of tasks and workflows", "messages", [("people", "Collected", "four")] * 2),
    ("messages in queues", "waiting", []),
    ("messages in queues", "waiting", [("jobs", "two")]),
    ("messages in queues", "waiting", [("others", "one")]),
    ("messages of alarms", "notices", []),
    ("metrics", "metrics", {"m/A": "3 values from 1 to 2, sum 5", "m/Duration": "3 values"}),
    ("metrics", "metrics", {"m/A": "3 values from 1 to 2, sum 4"}),
    ("alarms", "alarms", {"Hot": "OK", "Cold": "OK"}),
    ("alarms", "alarms", {"Hot": "ALARM"}),
]


@pytest.mark.parametrize(("what", "field", "value"), CHANGES)
@pytest.mark.parametrize("there_is_other", [True, False])
def test_each_difference_is_told_once_and_by_the_side_that_has_it(
    what: str, field: str, value: Any, there_is_other: bool
) -> None:
    pair = (observed(), change(field, value))
    comparisons = found(compare(*pair if there_is_other else reversed(pair)))
    if field == "alarms" and "Cold" not in value and not there_is_other:
        # An alarm that only the account has is its own.
        assert comparisons["alarms"].left_out == ["Cold: it is of the account alone"]
        return
    assert [name for name, one in comparisons.items() if not one.is_equal] == [what]
    assert all("here" in text or "there" in text for text in comparisons[what].differences)


LEAVES = st.sampled_from(["a", "b", "c"])
OBSERVATIONS = st.builds(
    Observed,
    executions=st.lists(st.builds(Ran, LEAVES, LEAVES, st.tuples(LEAVES), LEAVES), max_size=3),
    objects=st.dictionaries(LEAVES, LEAVES),
    items=st.fixed_dictionaries({"T": st.lists(LEAVES, max_size=3)}),
    messages=st.lists(st.tuples(LEAVES, LEAVES, LEAVES), max_size=2),
    notices=st.lists(st.tuples(LEAVES, LEAVES), max_size=2),
    metrics=st.dictionaries(LEAVES, LEAVES),
)


def sorted_lists(one: Observed) -> dict[str, Any]:
    return {
        name: sorted(value) if isinstance(value, list) else {k: sorted(v) for k, v in value.items()} if name == "items"
        else value
        for name, value in msgspec.structs.asdict(one).items()
    }  # fmt: skip


@given(here=OBSERVATIONS, there=OBSERVATIONS)
@settings(max_examples=100, deadline=None)
def test_runs_are_equal_when_all_that_was_observed_is_and_only_then(here: Observed, there: Observed) -> None:
    is_equal = all(one.is_equal for one in compare(here, there))
    assert is_equal == (sorted_lists(here) == sorted_lists(there))
    assert all(one.is_equal for one in compare(here, copy.deepcopy(here)))


def test_what_either_home_has_alone_is_told() -> None:
    here, there = change("items", {"T": ["1", "2", "3"]}), change("items", {"T": ["1", "2", "4", "5"]})
    (differences,) = (one.differences for one in compare(here, there) if not one.is_equal)
    assert differences == ["here only: 3", "there only: 4", "there only: 5"]


def test_of_a_series_by_chance_the_presence_is_compared_and_the_rest_left_out_by_name() -> None:
    here, there = observed(), change("metrics", {"m/A": "9 values from 0 to 9, sum 9", "m/Duration": "3 values"})
    here.by_chance = {"m/A", "m/Never"}
    metrics = found(compare(here, there))["metrics"]
    assert metrics.is_equal
    assert [text.partition(":")[0] for text in metrics.left_out] == ["m/A"]
    there.metrics.pop("m/A")
    assert not found(compare(here, there))["metrics"].is_equal


def test_an_alarm_without_data_there_is_left_out_by_name_and_one_that_missed_its_data_is_not() -> None:
    here, there = observed(), change("alarms", {"Hot": "ALARM", "Cold": "INSUFFICIENT_DATA", "killed": "OK"})
    alarms = found(compare(here, there))["alarms"]
    assert alarms.is_equal
    assert alarms.compared == 1
    assert alarms.left_out == ["Cold: it has no values there", "killed: it is of the account alone"]
    for incomparable_too in ({}, {"Cold": "it looks at several periods"}):
        there.alarms["Cold"] = "INSUFFICIENT_DATA, though its 3 values make it OK"
        assert not found(compare(here, there, incomparable_too))["alarms"].is_equal


def test_an_incomparable_alarm_is_left_out_with_its_reason() -> None:
    here, there = observed(), change("alarms", {"Hot": "OK", "Cold": "OK"})
    there.notices = []
    reasons = {"Hot": "it looks at several periods"}
    comparisons = found(compare(here, there, reasons))
    assert comparisons["alarms"].is_equal
    assert comparisons["messages of alarms"].is_equal
    assert comparisons["alarms"].left_out == ["Hot: it looks at several periods"]
    assert comparisons["messages of alarms"].left_out == ["Hot: it looks at several periods"]


def test_a_difference_late_in_a_long_text_is_shown() -> None:
    here, there = observed(), observed()
    here.objects["raw/t/1.json"], there.objects["raw/t/1.json"] = "x" * 5000 + "HERE", "x" * 5000 + "THERE"
    (difference,) = found(compare(here, there))["objects in the lake"].differences
    here_text, _, there_text = difference.partition(", there ")
    assert here_text.endswith("xHERE")
    assert there_text.endswith("xTHERE")
    assert len(difference) < 800


def watching() -> Definition:
    shop = Pipeline("shop")
    plain = shop.metric("Plain")
    north, south = shop.metric("Late", Shop="north"), shop.metric("Late", Shop="south")
    shop.alarm("Plain", metric=plain, above=5, period=hours(1))
    shop.alarm("North", metric=north, above=5, period=hours(1))
    shop.alarm("Patient", metric=plain, above=5, period=hours(1), for_periods=3, missing="notBreaching")
    shop.alarm("Quiet", metric=plain, above=5, period=hours(1), missing="notBreaching")
    shop.alarm("Several", metric=plain, above=5, period=hours(1), for_periods=3)
    shop.composite_alarm("Both", 'ALARM("Plain") AND ALARM("North")')
    shop.composite_alarm("One", 'ALARM("Plain")')
    assert south
    return shop.declared()


def test_alarms_that_the_emulator_would_judge_by_other_rules_are_incomparable() -> None:
    reasons = incomparable(watching())
    assert set(reasons) == {"North", "Patient", "Several", "Both"}
    assert "dimensions" in reasons["North"]
    assert "periods" in reasons["Patient"]


@pytest.mark.parametrize(
    ("name", "state", "values", "expected"),
    [
        ("Plain", "OK", [(60, 5.0)], "OK"),
        ("Plain", "ALARM", [(60, 5.1)], "ALARM"),
        # The average of all values of the hour decides.
        ("Plain", "OK", [(60, 9.0), (600, 1.0)], "OK"),
        ("Plain", "ALARM", [(60, 9.0), (600, 1.0)], "ALARM, though its 2 values make it OK"),
        ("Plain", "OK", [(60, 9.0), (7200, 1.0)], "OK, though its 1 values make it ALARM"),
        ("Plain", "INSUFFICIENT_DATA", [(60, 5.0)], "INSUFFICIENT_DATA, though its 1 values make it OK"),
        # Nothing came in time, or it is chance whether it did.
        ("Plain", "INSUFFICIENT_DATA", [(3800, 9.0)], "INSUFFICIENT_DATA"),
        ("Plain", "INSUFFICIENT_DATA", [(3590, 9.0)], "INSUFFICIENT_DATA"),
        ("Plain", "OK", [], "OK"),
        # All periods together are one window.
        ("Several", "ALARM", [(10_000, 9.0)], "ALARM"),
        ("Several", "OK", [(10_000, 9.0)], "OK, though its 1 values make it ALARM"),
        ("killed", "INSUFFICIENT_DATA", [(60, 9.0)], "INSUFFICIENT_DATA"),
    ],
)
def test_an_alarm_that_is_not_what_its_values_make_it_says_so(
    name: str, state: str, values: list[tuple[float, float]], expected: str
) -> None:
    definition = watching()
    points = [Datapoint(definition.metrics["Plain"], NOW - age, value) for age, value in values]
    others = [Datapoint(definition.metrics["Late{Shop=north}"], NOW - 60, 1000.0)]
    assert state_there(definition, name, state, [*points, *others], NOW) == expected
