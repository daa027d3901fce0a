"""What the Amazon States Language specification says, case by case. https://states-language.net/spec.html"""

import json
from typing import Any

import pytest

from penstock.states import (
    CancelTask,
    ExecutionContext,
    Finish,
    InvokeTask,
    StartTimer,
    Step,
    TaskFailed,
    TaskHeartbeat,
    TaskSucceeded,
    TimerFired,
    parse,
    start,
    step,
)

CONTEXT = ExecutionContext("execution-1", "execution-1", 1_771_574_220.0, "machine", "name")


def begin(states: dict[str, Any], value: Any = None, **machine: Any) -> Step:
    document = {"StartAt": next(iter(states)), "States": states, **machine}
    return start(parse(json.dumps(document)), {} if value is None else value, CONTEXT, at=0.0, seed="s", history=True)


def outcome(states: dict[str, Any], value: Any = None) -> Finish:
    finish = begin(states, value).commands[-1]
    assert isinstance(finish, Finish)
    return finish


def output_of(state: dict[str, Any], value: Any) -> Any:
    finish = outcome({"S": {**state, "End": True}}, value)
    assert finish.status == "SUCCEEDED", finish
    return finish.output


def feed(before: Step, event: Any) -> Step:
    return step(before.state.machine, before.state, event, history=True)


def only_task(commands: list[Any]) -> InvokeTask:
    (task,) = [command for command in commands if isinstance(command, InvokeTask)]
    return task


# -- Input and output processing: section "Paths", "Payload Template", "ResultPath" -------------------------

PATHS = [
    ({}, {"a": 1}, {"a": 1}),
    ({"InputPath": "$.a"}, {"a": {"b": 2}}, {"b": 2}),
    ({"InputPath": None}, {"a": 1}, {}),
    ({"OutputPath": "$.a[1]"}, {"a": [1, 2]}, 2),
    ({"OutputPath": None}, {"a": 1}, {}),
    ({"OutputPath": "$['a b']['c.d']"}, {"a b": {"c.d": 3}}, 3),
    ({"Result": 7}, {"a": 1}, 7),
    ({"Result": 7, "ResultPath": "$.x"}, {"a": 1}, {"a": 1, "x": 7}),
    ({"Result": 7, "ResultPath": "$.x.y"}, {"a": 1}, {"a": 1, "x": {"y": 7}}),
    ({"Result": 7, "ResultPath": "$.a"}, {"a": 1}, {"a": 7}),
    ({"Result": 7, "ResultPath": None}, {"a": 1}, {"a": 1}),
    ({"Parameters": {"x.$": "$.a", "y": "$.a", "z": [{"w.$": "$.a"}]}}, {"a": 1},
     {"x": 1, "y": "$.a", "z": [{"w": 1}]}),
    ({"Parameters": {"id.$": "$$.Execution.Id", "at.$": "$$.Execution.StartTime"}}, {},
     {"id": "execution-1", "at": "2026-02-20T07:57:00.000Z"}),
    ({"Parameters": {"state.$": "$$.State.Name", "input.$": "$$.Execution.Input"}}, {"a": 1},
     {"state": "S", "input": {"a": 1}}),
    ({"InputPath": "$.a[*].b"}, {"a": [{"b": 1}, {"b": 2}]}, [1, 2]),
    ({"InputPath": "$..b"}, {"a": [{"b": 1}, {"b": 2}]}, [1, 2]),
    ({"InputPath": "$.a[0:2]"}, {"a": [1, 2, 3]}, [1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "value", "expected"), PATHS)
def test_input_and_output_processing(fields: dict[str, Any], value: Any, expected: Any) -> None:
    assert output_of({"Type": "Pass", **fields}, value) == expected


def test_the_input_is_not_changed_by_a_result_path() -> None:
    value = {"a": {"b": 1}}
    output_of({"Type": "Pass", "Result": 2, "ResultPath": "$.a.b"}, value)
    assert value == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"InputPath": "$.missing"}, "States.Runtime"),
        ({"OutputPath": "$.missing"}, "States.Runtime"),
        ({"Parameters": {"x.$": "$.missing"}}, "States.Runtime"),
        ({"Result": 1, "ResultPath": "$.text.x"}, "States.ReferencePathConflict"),
        ({"Result": 1, "ResultPath": "$.list[9]"}, "States.ReferencePathConflict"),
    ],
)
def test_paths_that_find_nothing(fields: dict[str, Any], error: str) -> None:
    finish = outcome({"S": {"Type": "Pass", **fields, "End": True}}, {"text": "t", "list": []})
    assert (finish.status, finish.error) == ("FAILED", error)


def test_a_result_selector_comes_before_the_result_path() -> None:
    began = begin({"S": {"Type": "Task", "Resource": "r", "ResultSelector": {"n.$": "$.count"}, "ResultPath": "$.r",
                         "OutputPath": "$.r", "End": True}}, {"a": 1})  # fmt: skip
    ended = feed(began, TaskSucceeded(token=only_task(began.commands).token, output={"count": 3, "rest": 4}, at=1.0))
    assert ended.commands == [Finish(status="SUCCEEDED", output={"n": 3})]


# -- Choice: section "Choice State", and the AWS page on it --------------------------------------------------

CHOICES = [
    ({"StringEquals": "x"}, "x", True), ({"StringEquals": "x"}, 1, False),
    ({"StringLessThan": "b"}, "a", True), ({"StringGreaterThanEquals": "b"}, "a", False),
    ({"StringMatches": "log-*.txt"}, "log-2026.txt", True), ({"StringMatches": "log-*.txt"}, "log-2026.csv", False),
    ({"StringMatches": "a\\*b"}, "a*b", True), ({"StringMatches": "a\\*b"}, "axb", False),
    ({"StringMatches": "*.*"}, "a.b", True), ({"StringMatches": "a.c"}, "abc", False),
    ({"NumericEquals": 1}, 1.0, True), ({"NumericEquals": 1}, "1", False), ({"NumericEquals": 1}, True, False),
    ({"NumericLessThanEquals": 5}, 5, True), ({"NumericGreaterThan": 5}, 5, False),
    ({"BooleanEquals": False}, False, True), ({"BooleanEquals": False}, 0, False),
    ({"TimestampEquals": "2026-02-20T07:57:00Z"}, "2026-02-20T08:57:00+01:00", True),
    ({"TimestampLessThan": "2026-02-20T07:57:00Z"}, "2026-02-20T07:56:59.999Z", True),
    ({"TimestampLessThan": "2026-02-20T07:57:00Z"}, "yesterday", False),
    ({"IsNull": True}, None, True), ({"IsNull": True}, 0, False), ({"IsNull": False}, 0, True),
    ({"IsString": True}, "x", True), ({"IsNumeric": True}, 1.5, True), ({"IsNumeric": True}, True, False),
    ({"IsBoolean": True}, True, True), ({"IsTimestamp": True}, "2026-02-20T07:57:00Z", True),
    ({"IsTimestamp": True}, "2026-02-20", False), ({"IsPresent": True}, None, True),
    ({"NumericEqualsPath": "$.other"}, 4, True), ({"StringEqualsPath": "$.other"}, "4", False),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value", "holds"), CHOICES)
def test_choice_operators(rule: dict[str, Any], value: Any, holds: bool) -> None:
    states = {
        "S": {"Type": "Choice", "Choices": [{"Variable": "$.v", **rule, "Next": "Yes"}], "Default": "No"},
        "Yes": {"Type": "Pass", "Result": "yes", "End": True},
        "No": {"Type": "Pass", "Result": "no", "End": True},
    }
    assert outcome(states, {"v": value, "other": 4}).output == ("yes" if holds else "no")


def test_choice_takes_the_first_rule_that_holds_and_combines_rules() -> None:
    present = {"Variable": "$.a", "IsPresent": True}
    states = {
        "S": {
            "Type": "Choice",
            "Choices": [
                {"Not": present, "Next": "One"},
                {"And": [present, {"Or": [{"Variable": "$.a", "NumericEquals": 1}, present]}], "Next": "Two"},
                {"Variable": "$.a", "IsPresent": True, "Next": "One"},
            ],
        },
        "One": {"Type": "Pass", "Result": 1, "End": True},
        "Two": {"Type": "Pass", "Result": 2, "End": True},
    }
    assert outcome(states, {"a": 1}).output == 2
    assert outcome(states, {}).output == 1


def test_a_choice_without_a_way_fails() -> None:
    rule = {"Variable": "$.a", "NumericEquals": 1, "Next": "E"}
    finish = outcome({"S": {"Type": "Choice", "Choices": [rule]}, "E": {"Type": "Succeed"}}, {"a": 2})
    assert (finish.status, finish.error) == ("FAILED", "States.Runtime")


# -- Wait, Succeed, Fail -----------------------------------------------------------------------------------

WAITS = [
    ({"Seconds": 10}, 10.0),
    ({"SecondsPath": "$.n"}, 5.0),
    ({"Timestamp": "1970-01-01T00:01:00Z"}, 60.0),
    ({"TimestampPath": "$.t"}, 3600.0),
]


@pytest.mark.parametrize(("fields", "due_at"), WAITS)
def test_wait(fields: dict[str, Any], due_at: float) -> None:
    value = {"n": 5, "t": "1970-01-01T01:00:00Z"}
    began = begin({"S": {"Type": "Wait", **fields, "End": True}}, value)
    (timer,) = began.commands
    assert isinstance(timer, StartTimer)
    assert timer.due_at == due_at
    assert feed(began, TimerFired(token=timer.token, at=due_at)).commands == [Finish(status="SUCCEEDED", output=value)]


def test_succeed_and_fail() -> None:
    assert outcome({"S": {"Type": "Succeed"}}, {"a": 1}) == Finish(status="SUCCEEDED", output={"a": 1})
    fail = {"Type": "Fail", "Error": "E", "Cause": "why"}
    assert outcome({"S": fail}) == Finish(status="FAILED", error="E", cause="why")
    by_path = {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$$.Execution.Id"}
    assert outcome({"S": by_path}, {"e": "X"}) == Finish(status="FAILED", error="X", cause="execution-1")


# -- Errors: section "Errors", "Retrying after error", "Fallback states" -----------------------------------

TASK = {"Type": "Task", "Resource": "r", "End": True}


def retried(retriers: list[dict[str, Any]], errors: list[str]) -> tuple[list[float], Step]:
    """Fails a task again and again; returns the pauses between its attempts."""
    now, pauses = 0.0, []
    current = begin({"S": {**TASK, "Retry": retriers}})
    for error in errors:
        token = only_task(current.commands).token
        current = feed(current, TaskFailed(token=token, error=error, at=now))
        timers = [command for command in current.commands if isinstance(command, StartTimer)]
        if not timers:
            break
        pauses.append(timers[0].due_at - now)
        now = timers[0].due_at
        current = feed(current, TimerFired(token=timers[0].token, at=now))
    return pauses, current


def test_retry_defaults() -> None:
    pauses, ended = retried([{"ErrorEquals": ["States.ALL"]}], ["E"] * 9)
    assert pauses == [1.0, 2.0, 4.0]
    assert ended.commands == [Finish(status="FAILED", error="E", cause="")]


def test_retry_fields() -> None:
    retrier = {"ErrorEquals": ["E"], "IntervalSeconds": 3, "MaxAttempts": 4, "BackoffRate": 1.5, "MaxDelaySeconds": 5}
    assert retried([retrier], ["E"] * 9)[0] == [3.0, 4.5, 5.0, 5.0]


def test_each_retrier_counts_for_itself() -> None:
    # The example of the specification: the second retrier's attempts are its own.
    first = {"ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2}
    second = {"ErrorEquals": ["C"], "IntervalSeconds": 5}
    assert retried([first, second], ["A", "C", "B", "A"])[0] == [1.0, 5.0, 2.0]


def test_no_attempts_at_all() -> None:
    assert retried([{"ErrorEquals": ["E"], "MaxAttempts": 0}], ["E"])[0] == []


def test_full_jitter_lies_below_the_pause_and_is_the_same_each_time() -> None:
    retrier = {"ErrorEquals": ["E"], "IntervalSeconds": 100, "JitterStrategy": "FULL"}
    pauses = retried([retrier], ["E"] * 3)[0]
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, (100, 200, 400), strict=True))
    assert retried([retrier], ["E"] * 3)[0] == pauses


NAMES = [
    (["States.ALL"], "Anything", True),
    (["States.ALL"], "States.DataLimitExceeded", False),
    (["States.TaskFailed"], "Anything", True),
    (["States.TaskFailed"], "States.Timeout", False),
    (["Other"], "Anything", False),
]


@pytest.mark.parametrize(("names", "error", "is_caught"), NAMES)
def test_error_names(names: list[str], error: str, is_caught: bool) -> None:
    states = {"S": {**TASK, "Catch": [{"ErrorEquals": names, "Next": "C"}]}, "C": {"Type": "Succeed"}}
    began = begin(states)
    ended = feed(began, TaskFailed(token=only_task(began.commands).token, error=error, cause="c", at=1.0))
    expected = (
        Finish(status="SUCCEEDED", output={"Error": error, "Cause": "c"})
        if is_caught
        else Finish(status="FAILED", error=error, cause="c")
    )
    assert ended.commands == [expected]


def test_catch_with_a_result_path_keeps_the_input() -> None:
    catcher = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "C"}
    began = begin({"S": {**TASK, "Catch": [catcher]}, "C": {"Type": "Succeed"}}, {"a": 1})
    ended = feed(began, TaskFailed(token=only_task(began.commands).token, error="E", cause="c", at=1.0))
    assert ended.commands == [Finish(status="SUCCEEDED", output={"a": 1, "error": {"Error": "E", "Cause": "c"}})]


def test_timeouts_and_heartbeats() -> None:
    began = begin({"S": {**TASK, "TimeoutSeconds": 60, "HeartbeatSeconds": 10}})
    task = only_task(began.commands)
    timers = {command.due_at: command for command in began.commands if isinstance(command, StartTimer)}
    assert set(timers) == {60.0, 10.0}
    beaten = feed(began, TaskHeartbeat(token=task.token, at=8.0))
    (renewed,) = [command for command in beaten.commands if isinstance(command, StartTimer)]
    assert renewed.due_at == 18.0
    assert feed(beaten, TimerFired(token=timers[10.0].token, at=10.0)).commands == []
    ended = feed(beaten, TimerFired(token=renewed.token, at=18.0))
    assert CancelTask(task.token) in ended.commands
    assert ended.commands[-1] == Finish(status="FAILED", error="States.Timeout", cause="")


def test_the_whole_machine_can_time_out() -> None:
    began = begin({"S": TASK}, TimeoutSeconds=30)
    (timer,) = [command for command in began.commands if isinstance(command, StartTimer)]
    ended = feed(began, TimerFired(token=timer.token, at=30.0))
    assert ended.commands[-1] == Finish(status="TIMED_OUT", error="States.Timeout", cause="")


# -- Parallel: section "Parallel State" --------------------------------------------------------------------


def branch(name: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: {"Type": "Task", "Resource": name, "End": True, **fields}}}


def test_parallel_gives_the_list_of_its_branches_outputs_in_order() -> None:
    began = begin({"P": {"Type": "Parallel", "Branches": [branch("a"), branch("b")], "End": True}}, {"x": 1})
    first, second = [command for command in began.commands if isinstance(command, InvokeTask)]
    assert first.input == second.input == {"x": 1}
    later = feed(began, TaskSucceeded(token=second.token, output="B", at=1.0))
    assert later.commands == []
    ended = feed(later, TaskSucceeded(token=first.token, output="A", at=2.0))
    assert ended.commands == [Finish(status="SUCCEEDED", output=["A", "B"])]


def test_a_failing_branch_stops_the_others() -> None:
    began = begin({"P": {"Type": "Parallel", "Branches": [branch("a"), branch("b")], "End": True}})
    first, second = [command for command in began.commands if isinstance(command, InvokeTask)]
    ended = feed(began, TaskFailed(token=first.token, error="E", at=1.0))
    assert ended.commands == [CancelTask(second.token), Finish(status="FAILED", error="E", cause="")]
    assert feed(ended, TaskSucceeded(token=second.token, output=1, at=2.0)).commands == []


def test_a_parallel_is_retried_as_a_whole() -> None:
    states = {"P": {"Type": "Parallel", "Branches": [branch("a"), branch("b")], "End": True,
                    "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]}}  # fmt: skip
    began = begin(states)
    first, second = [command for command in began.commands if isinstance(command, InvokeTask)]
    done = feed(began, TaskSucceeded(token=first.token, output=1, at=1.0))
    failed = feed(done, TaskFailed(token=second.token, error="E", at=1.0))
    (timer,) = [command for command in failed.commands if isinstance(command, StartTimer)]
    again = feed(failed, TimerFired(token=timer.token, at=2.0))
    resources = [command.resource for command in again.commands if isinstance(command, InvokeTask)]
    assert resources == ["a", "b"]
    assert {c.key for c in again.commands if isinstance(c, InvokeTask)}.isdisjoint({first.key, second.key})


def test_a_payload_past_256_kib_is_refused() -> None:
    began = begin({"S": TASK})
    large = "x" * (256 * 1024)
    ended = feed(began, TaskSucceeded(token=only_task(began.commands).token, output=large, at=1.0))
    assert isinstance(ended.commands[-1], Finish)
    assert ended.commands[-1].error == "States.DataLimitExceeded"
