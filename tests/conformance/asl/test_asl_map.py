"""Map states.

https://states-language.net/spec.html#map-state
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
"""

import json
from typing import Any

import pytest

from penstock.states import (
    CancelTask,
    ExecutionContext,
    Finish,
    InvokeTask,
    Redriven,
    StartTimer,
    Step,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
    lint,
    parse,
    start,
    step,
)

CONTEXT = ExecutionContext("execution-1", "execution-1", 1_771_574_220.0, "machine", "name")
PASS = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
TASK = {"StartAt": "Inner", "States": {"Inner": {"Type": "Task", "Resource": "r", "End": True}}}


def begin(state: dict[str, Any], value: Any, **more: Any) -> Step:
    states = {"M": {"Type": "Map", "End": True, **state}, **more}
    document = json.dumps({"StartAt": "M", "States": states})
    return start(parse(document), value, CONTEXT, at=0.0, seed="s", history=True)


def output(state: dict[str, Any], value: Any) -> Any:
    (finish,) = begin(state, value).commands
    assert isinstance(finish, Finish)
    assert finish.status == "SUCCEEDED", finish
    return finish.output


def tasks(made: Step) -> list[InvokeTask]:
    return [command for command in made.commands if isinstance(command, InvokeTask)]


def answer(made: Step, task: InvokeTask, result: Any, at: float = 1.0) -> Step:
    event = TaskSucceeded(token=task.token, output=result, at=at)
    return step(made.state.machine, made.state, event, history=True)


def fail(made: Step, task: InvokeTask, error: str = "Bad") -> Step:
    return step(made.state.machine, made.state, TaskFailed(token=task.token, error=error, at=1.0), history=True)


def told(made: Step) -> list[tuple[str, Any]]:
    return [(entry.type, entry.details.get("index")) for entry in made.history]


ITEMS = [
    ({}, [1, 2], [1, 2]),
    ({}, [], []),
    ({"ItemsPath": "$.a"}, {"a": ["x"]}, ["x"]),
    ({"InputPath": "$.a"}, {"a": ["x"]}, ["x"]),
    ({"ItemsPath": "$.a", "ResultPath": "$.b"}, {"a": [1]}, {"a": [1], "b": [1]}),
    ({"ItemsPath": "$.a", "ResultSelector": {"all.$": "$"}}, {"a": [1, 2]}, {"all": [1, 2]}),
    # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemspath.html: an object's pairs.
    ({"ItemsPath": "$.a"}, {"a": {"x": 1, "y": {}}}, [{"Key": "x", "Value": 1}, {"Key": "y", "Value": {}}]),
    (
        {"ItemsPath": "$.a", "ItemSelector": {"name.$": "$$.Map.Item.Key", "is.$": "$$.Map.Item.Value"}},
        {"a": {"x": 1}},
        [{"name": "x", "is": 1}],
    ),
    # The specification's example of ItemSelector.
    (
        {
            "ItemsPath": "$.shipped",
            "ItemSelector": {"parcel.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "who.$": "$.courier"},
        },
        {"courier": "UQS", "shipped": [{"prod": "R31"}, {"prod": "S39"}]},
        [
            {"parcel": {"prod": "R31"}, "index": 0, "who": "UQS"},
            {"parcel": {"prod": "S39"}, "index": 1, "who": "UQS"},
        ],
    ),
    # "Parameters" of a Map is the deprecated name of ItemSelector.
    ({"ItemsPath": "$.a", "Parameters": {"v.$": "$$.Map.Item.Value"}}, {"a": [1]}, [{"v": 1}]),
]


@pytest.mark.parametrize(("state", "value", "expected"), ITEMS)
@pytest.mark.parametrize("name", ["ItemProcessor", "Iterator"])
def test_items(name: str, state: dict[str, Any], value: Any, expected: Any) -> None:
    assert output({name: PASS, **state}, value) == expected


@pytest.mark.parametrize("value", [{"a": 1}, {"a": True}, {"a": "text"}, {"a": None}])
def test_items_are_an_array_or_an_object(value: Any) -> None:
    (finish,) = begin({"ItemProcessor": PASS, "ItemsPath": "$.a"}, value).commands
    assert isinstance(finish, Finish)
    assert (finish.status, finish.error) == ("FAILED", "States.Runtime")


@pytest.mark.parametrize(("limit", "at_once"), [(1, 1), (3, 3), (0, 40), (None, 40), (100, 50)])
def test_so_many_iterations_at_once(limit: int | None, at_once: int) -> None:
    chosen = {} if limit is None else {"MaxConcurrency": limit}
    made = begin({"ItemProcessor": TASK, **chosen}, list(range(50)))
    assert [task.input for task in tasks(made)] == list(range(at_once))
    waiting, done = tasks(made), 0
    while waiting:
        # Answered last first: the results keep the order of the items all the same.
        task = waiting.pop()
        made = answer(made, task, task.input * 10)
        done += 1
        waiting += tasks(made)
        assert len(waiting) <= at_once
    assert done == 50
    assert made.commands == [Finish(status="SUCCEEDED", output=[number * 10 for number in range(50)])]


def test_max_concurrency_path() -> None:
    state = {"ItemProcessor": TASK, "ItemsPath": "$.items", "MaxConcurrencyPath": "$.limit"}
    assert len(tasks(begin(state, {"items": [1, 2, 3], "limit": 2}))) == 2
    (finish,) = begin(state, {"items": [1], "limit": "2"}).commands
    assert isinstance(finish, Finish)
    assert finish.error == "States.Runtime"


def test_a_failed_iteration_fails_the_map_and_stops_the_others() -> None:
    made = begin({"ItemProcessor": TASK}, [1, 2, 3])
    first, second, third = tasks(made)
    made = fail(made, second)
    assert {command.token for command in made.commands if isinstance(command, CancelTask)} == {
        first.token, third.token,
    }  # fmt: skip
    assert made.commands[-1] == Finish(status="FAILED", error="Bad")


def test_a_map_is_retried_whole_and_caught() -> None:
    state = {"ItemProcessor": TASK, "Retry": [{"ErrorEquals": ["Bad"], "MaxAttempts": 1}],
             "Catch": [{"ErrorEquals": ["Bad"], "Next": "C", "ResultPath": "$[0]"}]}  # fmt: skip
    made = begin(state, [1, 2], C={"Type": "Pass", "End": True})
    made = fail(made, tasks(made)[0])
    (timer,) = [command for command in made.commands if isinstance(command, StartTimer)]
    made = step(made.state.machine, made.state, TimerFired(token=timer.token, at=2.0), history=True)
    assert [task.input for task in tasks(made)] == [1, 2]
    made = fail(made, tasks(made)[1])
    assert made.commands[-1] == Finish(status="SUCCEEDED", output=[{"Error": "Bad", "Cause": ""}, 2])


def test_an_iteration_retries_and_catches_for_itself() -> None:
    inner = {"StartAt": "Inner", "States": {
        "Inner": {"Type": "Task", "Resource": "r", "Next": "Done",
                  "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]},
        "Done": {"Type": "Pass", "End": True},
    }}  # fmt: skip
    made = begin({"ItemProcessor": inner}, [1, 2])
    one, two = tasks(made)
    made = fail(made, one)
    made = answer(made, two, "fine")
    assert made.commands == [Finish(status="SUCCEEDED", output=[{"Error": "Bad", "Cause": ""}, "fine"])]


def test_maps_and_parallels_inside_of_each_other() -> None:
    inner = {"StartAt": "N", "States": {"N": {
        "Type": "Map", "End": True, "ItemSelector": {"outer.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"},
        "ItemProcessor": {"StartAt": "P", "States": {"P": {
            "Type": "Parallel", "End": True,
            "Branches": [{"StartAt": "Q", "States": {"Q": {"Type": "Pass", "End": True,
                          "Parameters": {"i.$": "$$.Map.Item.Index", "v.$": "$.v"}}}}]}}},
    }}}  # fmt: skip
    assert output({"ItemProcessor": inner}, [["a", "b"], []]) == [
        [[{"i": 0, "v": "a"}], [{"i": 1, "v": "b"}]], [],
    ]  # fmt: skip


def test_history_has_the_events_of_aws_in_their_order() -> None:
    made = begin({"ItemProcessor": PASS, "MaxConcurrency": 1}, ["a", "b"])
    assert told(made) == [
        ("ExecutionStarted", None), ("MapStateEntered", None), ("MapStateStarted", None),
        ("MapIterationStarted", 0), ("PassStateEntered", None), ("PassStateExited", None), ("MapIterationSucceeded", 0),
        ("MapIterationStarted", 1), ("PassStateEntered", None), ("PassStateExited", None), ("MapIterationSucceeded", 1),
        ("MapStateSucceeded", None), ("MapStateExited", None), ("ExecutionSucceeded", None),
    ]  # fmt: skip
    made = begin({"ItemProcessor": TASK}, ["a", "b"])
    made = fail(made, tasks(made)[1])
    assert told(made) == [
        ("TaskFailed", None), ("MapIterationFailed", 1), ("TaskStateAborted", None), ("MapIterationAborted", 0),
        ("MapStateFailed", None), ("ExecutionFailed", None),
    ]  # fmt: skip


def test_a_redrive_goes_on_with_what_is_not_done() -> None:
    made = begin({"ItemProcessor": TASK, "MaxConcurrency": 2}, [1, 2, 3])
    one, two = tasks(made)
    made = answer(made, one, "one")
    (three,) = tasks(made)
    made = fail(made, two)
    made = step(made.state.machine, made.state, Redriven(at=5.0), history=True)
    again = tasks(made)
    assert sorted(task.input for task in again) == [2, 3]
    assert three.token not in {task.token for task in again}
    for task in again:
        made = answer(made, task, f"again {task.input}")
    assert made.commands[-1] == Finish(status="SUCCEEDED", output=["one", "again 2", "again 3"])


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({}, "required"), ({"ItemProcessor": PASS, "Iterator": PASS}, "required"),
        ({"ItemProcessor": {"StartAt": "No", "States": {"Yes": {"Type": "Succeed"}}}}, "dangling"),
        ({"ItemProcessor": PASS, "MaxConcurrency": -1}, "value"),
        ({"ItemProcessor": PASS, "MaxConcurrency": "1"}, "value"),
        ({"ItemProcessor": PASS, "MaxConcurrency": 1, "MaxConcurrencyPath": "$.a"}, "both"),
        ({"ItemProcessor": PASS, "ItemsPath": "$[*]"}, "path"),
        ({"ItemProcessor": PASS, "ItemSelector": {}, "Parameters": {}}, "both"),
        ({"ItemProcessor": PASS, "Branches": []}, "unknown-field"),
        ({"ItemProcessor": {**PASS, "ProcessorConfig": {"Mode": "MANY"}}}, "value"),
        ({"ItemProcessor": {**PASS, "ProcessorConfig": {"ExecutionType": "STANDARD"}}}, "unknown-field"),
    ],
)  # fmt: skip
def test_mistakes_are_found(state: dict[str, Any], code: str) -> None:
    document = {"StartAt": "M", "States": {"M": {"Type": "Map", "End": True, **state}}}
    assert code in {finding.code for finding in lint(json.dumps(document))}
