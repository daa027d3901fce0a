"""What differs between any two runs is made neutral, and nothing else is."""

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from penstock import Parallel, Pipeline, days
from penstock.lake.compression import compress
from penstock.model.metrics import Datapoint, Metric
from penstock.rehearsal.observed import Neutral, Observed, Ran, raced, series, sort_messages

# 2026-03-01T10:59:50Z: a run that lasts past the end of the hour.
BEGAN, ENDED = 1772362790.0, 1772362830.0
LATER = 86_400.0 * 40 + 5 * 3600
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(max_size=20)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def neutral(names: Mapping[str, int] | None = None, later: float = 0.0) -> Neutral:
    return Neutral(names or {}, BEGAN + later, ENDED + later)


def iso(at: float, zone: str) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + zone


@given(
    document=DOCUMENTS, first=st.uuids().map(str),
    second=st.from_regex(r"pipe-20260301T[0-9]{6}-[0-9a-f]{6}", fullmatch=True),
    offset=st.floats(0, ENDED - BEGAN), zone=st.sampled_from(["Z", "+00:00", ""]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_runs_that_differ_in_ids_and_times_only_are_equal(
    document: Any, first: str, second: str, offset: float, zone: str
) -> None:
    def run(name: str, later: float) -> str:
        at = BEGAN + later + offset
        hour = datetime.fromtimestamp(at, UTC)
        told = {
            "given": document, "execution": name,
            "key": f"raw/t/{hour:year=%Y/month=%m/day=%d/hour=%H}/cpu-{name}.json",
            "text": f"{name} began at {iso(at, zone)}", "at": at, "milliseconds": round(at * 1000), name: True,
        }  # fmt: skip
        return neutral({name: 1}, later).document(told)

    # What is given may by chance be a time of one of the runs.
    assume(run_of(document, 0.0) == run_of(document, LATER))
    assert run(first, 0.0) == run(second, LATER)


def run_of(document: Any, later: float) -> str:
    return neutral({}, later).document(document)


def plain(value: Any) -> Any:
    """Returns a value in which two are equal exactly when a person would call the JSON equal."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", Decimal(repr(value)).normalize() if isinstance(value, float) else Decimal(value))
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {name: plain(one) for name, one in value.items()}


@given(one=DOCUMENTS, other=DOCUMENTS)
@settings(max_examples=100, deadline=None)
@example(one=2**53, other=2**53 + 1)
@example(one=0, other=False)
@example(one=1, other="1")
@example(one=[1, 2], other=[2, 1])
@example(one=None, other=0)
@example(one=0.1, other=0.1000000000000001)
@example(one={"at": "2026-03-01T05:00:00Z"}, other={"at": "2026-03-01T06:00:00Z"})
def test_a_real_difference_is_never_hidden(one: Any, other: Any) -> None:
    long_ago = Neutral({}, 1.0e9, 1.0e9 + 10)
    near = [value for value in leaves([one, other]) if isinstance(value, int | float) and 9.9e8 < abs(value) < 1.1e12]
    assume(not near)
    same = plain(one) == plain(other)
    assert (long_ago.document(one) == long_ago.document(other)) == same


def leaves(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one)]
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in leaves(one)]
    return [value]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T11:00:00Z", "{now}"),
        ("2026-03-01T11:00:00.123456+00:00", "{now}"),
        ("2026-03-01T12:00:00+01:00", "{now}"),
        ("at 2026-03-01T11:00:00 it was", "at {now} it was"),
        # Two hours before the run, as slots are.
        ("2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        # It looks like a time.
        ("2026-13-41T11:00:00Z", "2026-13-41T11:00:00Z"),
        ("year=2026/month=03/day=01/hour=10/x", "{partition}/x"),
        ("year=2026/month=03/day=01/hour=11/x", "{partition}/x"),
        ("year=2026/month=03/day=01/hour=12/x", "year=2026/month=03/day=01/hour=12/x"),
        ("year=2026/month=03/day=01/x", "{partition}/x"),
        ("year=2025/x", "year=2025/x"),
    ],
)
def test_times_of_the_run_are_replaced_and_others_are_not(text: str, expected: str) -> None:
    assert neutral().text(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1772362800, '"{now}"'),
        (1772362800123, '"{now}"'),
        (Decimal("1772362800.5"), '"{now}"'),
        (1772355600, "1772355600"),
        (Decimal("1.50"), "1.5"),
        (1.0, "1"),
        (Decimal("12345678901234567890.5"), '"12345678901234567890.5"'),
        (float("nan"), '"nan"'),
        (Decimal("Infinity"), '"Infinity"'),
        (10**400, str(10**400)),
        (b"\x00\xff", '{"bytes": "00ff"}'),
        ({"b", "a"}, '{"set": ["a", "b"]}'),
    ],
)
def test_values_of_hot_tables_and_of_json_are_written_alike(value: Any, expected: str) -> None:
    assert neutral().document(value) == expected


def test_an_id_within_an_id_and_the_visit_behind_it_are_replaced() -> None:
    of = neutral({"rehearsal-1": 1, "rehearsal-10": 2, "1f": 0})
    assert of.text("rehearsal-10 after rehearsal-1") == "{execution 2} after {execution 1}"
    assert of.text("cpu-rehearsal-1.0a1b2c.json") == "cpu-{execution 1}.json"
    batch = "cpu-rehearsal-1.0a1b2c.w1.000000101-0a1b2c3d4e5f.json.zst"
    assert of.text(batch) == "cpu-{execution 1}.w1.000000101.json.zst"
    assert of.text("cpu-rehearsal-1.decades.json") == "cpu-{execution 1}.decades.json"
    assert of.text("a rehearsal-2") == "a rehearsal-2"


def test_what_an_earlier_run_left_in_a_file_is_replaced_as_in_that_run() -> None:
    earlier = Neutral({"first": 1}, BEGAN, ENDED)
    later = Neutral({"second": 1}, BEGAN + LATER, ENDED + LATER, earlier)
    text = "raw/t/year=2026/month=03/day=01/hour=11/cpu-first.json of 2026-03-01T11:00:00Z"
    assert later.text(text) == earlier.text(text) == "raw/t/{partition}/cpu-{execution 1}.json of {now}"
    assert later.value([BEGAN, BEGAN + LATER, BEGAN + LATER / 2]) == ["{now}", "{now}", BEGAN + LATER / 2]
    assert later.text("second") == "{execution 1}"


def test_ids_are_text_and_no_patterns() -> None:
    assert neutral({"a.b": 1}).text("a.b axb") == "{execution 1} axb"


def test_records_are_compared_line_by_line_and_what_is_no_json_as_it_is() -> None:
    data = b'{"b": 1, "a": 1.0}\nno json \xff\n[1,\n'
    assert neutral().records(data).split("\n") == ['{"a": 1, "b": 1}', "no json �", "[1,"]
    assert neutral().records(compress(data)) == neutral().records(data)
    assert neutral().records(compress(data)[:-1]) != neutral().records(data)
    # The order of records is part of what was written.
    assert neutral().records(b"1\n2\n") != neutral().records(b"2\n1\n")


def test_objects_whose_keys_differ_by_chance_only_do_not_hide_each_other() -> None:
    of = neutral({"x": 0, "y": 0})
    both = of.objects([("raw/t/x.json", b"1\n"), ("raw/t/y.json", b"2\n")])
    assert list(both) == ["raw/t/{execution 0}.json"]
    assert both == of.objects([("raw/t/x.json", b"2\n"), ("raw/t/y.json", b"1\n")])
    assert both != of.objects([("raw/t/x.json", b"2\n"), ("raw/t/y.json", b"2\n")])
    assert both != of.objects([("raw/t/x.json", b"1\n")])


def test_an_items_end_of_life_counts_from_its_beginning() -> None:
    table = Pipeline("p").hot_table("T", key="id", ttl=days(7))
    week = 7 * 86_400

    def item(at: float, lives: int) -> dict[str, Any]:
        return {"id": "a", "expires_at": Decimal(int(at) + lives)}

    first, second = neutral().item(table, item(BEGAN, week)), neutral({}, LATER).item(table, item(BEGAN + LATER, week))
    assert first == second
    assert first != neutral().item(table, item(BEGAN, week - 3600))
    assert neutral().item(table, {"id": "a"}) == '{"id": "a"}'
    endless = Pipeline("q").hot_table("T", key="id")
    assert json.loads(neutral().item(endless, {"id": "a", "expires_at": 5})) == {"id": "a", "expires_at": 5}


def test_messages_of_tasks_and_of_alarms_are_told_apart() -> None:
    observed = Observed()
    messages = [
        ("t", 'ALARM: "Hot" in eu-west-1', "…"),
        ("t", 'OK: "Hot" in eu-west-1', "…"),
        ("t", 'ALARM: "Unheard of" in eu-west-1', "said by a task"),
        ("t", "Collected", "four"),
    ]
    sort_messages(messages, observed, {"Hot"})
    assert observed.notices == [("t", "Hot")]
    assert observed.messages == [
        ("t", 'ALARM: "Unheard of" in eu-west-1', "said by a task"),
        ("t", "Collected", "four"),
    ]


def test_series_keep_their_count_extremes_and_sum_and_of_times_the_count() -> None:
    celsius, took = Metric("weather", "Celsius"), Metric("weather", "Duration", (("Task", "a"),), "Milliseconds")
    points = [Datapoint(celsius, BEGAN, 10.0), Datapoint(celsius, ENDED, 20.5, 2), Datapoint(took, BEGAN, 31.7)]
    assert series(points) == {
        "weather/Celsius": "3 values from 10 to 20.5, sum 51",
        "weather/Duration{Task=a}": "1 values",
    }


def test_series_are_equal_whose_values_came_in_another_order() -> None:
    # 1089.005 when they are added in one order, a little less in another: two digits after the point, or none.
    celsius, values = Metric("weather", "Celsius"), [263.464, 277.4, 297.856, 250.285]
    lines = {str(series(Datapoint(celsius, BEGAN, one) for one in order)) for order in itertools.permutations(values)}
    assert len(lines) == 1


def of_parallel(*, then_fail: bool, caught: bool = True) -> tuple[Any, list[str]]:
    shop = Pipeline("shop")
    errors = {name: shop.metric(name) for name in ("left", "right", "alone")}

    @shop.task(errors=errors["left"])
    def left(event: Any, context: Any) -> None: ...

    @shop.task(errors=errors["right"])
    def right(event: Any, context: Any) -> None: ...

    @shop.task(errors=errors["alone"])
    def alone(event: Any, context: Any) -> None: ...

    @shop.task
    def sorry(event: Any, context: Any) -> None: ...

    both = Parallel(left, right, name="Both")
    shop.workflow("shop", (both.catch(sorry, then_fail=then_fail) if caught else both).then(alone))
    return shop.build(), ["shop/left", "shop/right"]


def test_only_parallel_tasks_of_an_execution_that_failed_are_chance() -> None:
    definition, raced_series = of_parallel(then_fail=True)
    good = Ran("shop", "SUCCEEDED", ("Both", "alone", "left", "right"), "null")
    bad = Ran("shop", "FAILED", ("Both", "left", "right", "sorry"), '"Oops"')
    assert raced(definition, [good]) == set()
    assert raced(definition, [good, bad]) == set(raced_series)


def test_a_failure_that_was_caught_is_one() -> None:
    definition, raced_series = of_parallel(then_fail=False)
    caught = Ran("shop", "SUCCEEDED", ("Both", "left", "right", "sorry"), "null")
    assert raced(definition, [caught]) == set(raced_series)


def test_a_failure_that_nobody_caught_is_one() -> None:
    definition, raced_series = of_parallel(then_fail=True, caught=False)
    assert raced(definition, [Ran("shop", "FAILED", ("Both", "left"), '"Oops"')]) == set(raced_series)
    assert raced(definition, [Ran("shop", "TIMED_OUT", ("Both", "left"), "null")]) == set(raced_series)


ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
METADATA = {"SdkHttpMetadata": {"HttpStatusCode": 200}, "SdkResponseMetadata": {"RequestId": ID}}


@pytest.mark.parametrize(
    ("here", "there"),
    [
        # What a state gets in AWS, https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html
        ({"MessageId": ID, **METADATA}, {"MessageId": ID.replace("0f", "1f")}),
        ([{"sent": {"MessageId": ID}}], [{"sent": {"MessageId": ID.replace("e", "f")}}]),
        ({"ExecutionArn": "shop-1", "Name": "a", "StateMachineArn": "settle", "Output": 1},
         {"ExecutionArn": f"arn:aws:states:us-east-1:000000000000:execution:shop-settle:{ID}", "Name": ID,
          "Input": "{}", "InputDetails": {"included": True}, "Output": 1,
          "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:settle"}),
        ("arn:aws:states:eu-west-1:111122223333:execution:m:run", "run"),
        # https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
        ({"JobName": "etl", "Id": "jr_1", "JobRunState": "SUCCEEDED", "Arguments": {"--key": "a"}, "Attempt": 0},
         {"JobName": "shop-etl", "Id": "jr_2", "JobRunState": "SUCCEEDED", "Arguments": {"--key": "a"},
          "ExecutionTime": 61, "GlueVersion": "5.0"}),
        ({"detail-type": "d", "detail": {}, "resources": ["run"], "time": "2026-01-01T00:00:00Z", "id": ID},
         {"detail-type": "d", "detail": {}, "resources": [], "time": "2026-01-02T00:00:00Z",
          "id": ID.replace("0f", "1f")}),
    ],
)  # fmt: skip
def test_what_services_answer_is_no_difference_in_an_output(here: Any, there: Any) -> None:
    assert neutral().outcome(here) == neutral().outcome(there)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"MessageId": ID, "n": 1}, {"MessageId": ID, "n": 2}),
        ({"ExecutionArn": "a", "Output": 1}, {"ExecutionArn": "a", "Output": 2}),
        ({"ExecutionArn": "a", "Status": "FAILED"}, {"ExecutionArn": "a", "Status": "SUCCEEDED"}),
        ({"Name": "a"}, {"Name": "b"}),
        (
            {"JobRunState": "SUCCEEDED", "Arguments": {"--key": "a"}},
            {"JobRunState": "SUCCEEDED", "Arguments": {"--key": "b"}},
        ),
        ({"JobRunState": "SUCCEEDED", "Id": "jr_1"}, {"JobRunState": "FAILED", "Id": "jr_1"}),
        ({"detail-type": "d", "detail": {"n": 1}}, {"detail-type": "d", "detail": {"n": 2}}),
        ({"resources": ["a"]}, {"resources": []}),
        (f"{ID}0", f"{ID}1"),
    ],
)
def test_anything_else_is(here: Any, there: Any) -> None:
    assert neutral().outcome(here) != neutral().outcome(there)


def test_a_message_in_json_is_compared_without_its_spaces() -> None:
    assert neutral().said('{"b": 1, "a": [2]}') == neutral().said('{"a":[2],"b":1}')
    assert neutral().said("4 ") != neutral().said("4")
    assert neutral().said("not { json") == "not { json"
