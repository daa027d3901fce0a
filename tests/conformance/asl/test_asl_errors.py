"""Which error names Retry and Catch match, and where failures go.

SPEC: https://states-language.net/spec.html
AWS: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

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
    TaskSucceeded,
    TimerFired,
    parse,
    start,
    step,
)

CONTEXT = ExecutionContext("execution-1", "execution-1", 0.0, "machine", "name")
TASK = {"Type": "Task", "Resource": "r"}


def begin(states: dict[str, Any], value: Any = None) -> Step:
    document = {"StartAt": next(iter(states)), "States": states}
    return start(parse(json.dumps(document)), {} if value is None else value, CONTEXT, at=0.0, seed="s", history=True)


def feed(before: Step, event: Any) -> Step:
    return step(before.state.machine, before.state, event, history=True)


def tasks(step: Step) -> list[InvokeTask]:
    return [command for command in step.commands if isinstance(command, InvokeTask)]


def branch(name: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: {**TASK, "End": True, **fields}}}


CAUGHT = [
    # AWS: "States.ALL … a wildcard that matches any known error name"; "can't catch the States.DataLimitExceeded
    # terminal error or Runtime error types".
    ("States.ALL", "E", True), ("States.ALL", "States.Timeout", True), ("States.ALL", "States.HeartbeatTimeout", True),
    ("States.ALL", "States.DataLimitExceeded", False), ("States.ALL", "States.Runtime", False),
    # AWS: States.Runtime "will always cause the execution to fail".
    ("States.Runtime", "States.Runtime", False),
    # AWS: States.DataLimitExceeded cannot be caught by States.ALL; its own name catches it.
    ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
    # AWS: States.TaskFailed "matches any known error name except for States.Timeout".
    ("States.TaskFailed", "E", True), ("States.TaskFailed", "States.TaskFailed", True),
    ("States.TaskFailed", "States.Permissions", True), ("States.TaskFailed", "States.Timeout", False),
    # AWS and SPEC, States.Timeout: "or failed to send a heartbeat for a period longer than HeartbeatSeconds".
    ("States.Timeout", "States.HeartbeatTimeout", True), ("States.HeartbeatTimeout", "States.Timeout", False),
    # SPEC, "Error representation": case-sensitive strings.
    ("E", "E", True), ("E", "e", False), ("E", "EE", False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "error", "is_caught"), CAUGHT)
@pytest.mark.parametrize("kind", ["Task", "Parallel"])
def test_error_names(kind: str, name: str, error: str, is_caught: bool) -> None:
    body = TASK if kind == "Task" else {"Type": "Parallel", "Branches": [branch("b")]}
    states = {"S": {**body, "Catch": [{"ErrorEquals": [name], "Next": "C"}], "End": True}, "C": {"Type": "Succeed"}}
    began = begin(states)
    ended = feed(began, TaskFailed(token=tasks(began)[0].token, error=error, cause="c", at=1.0))
    finish = ended.commands[-1]
    assert isinstance(finish, Finish)
    assert finish.status == ("SUCCEEDED" if is_caught else "FAILED")
    assert finish.output == ({"Error": error, "Cause": "c"} if is_caught else None)


# SPEC, Appendix A: States.BranchFailed, "a branch of a Parallel State failed".
def test_branch_failed_means_the_failure_of_a_branch_alone() -> None:
    catch = [{"ErrorEquals": ["States.BranchFailed"], "Next": "C"}]
    states = {
        "P": {"Type": "Parallel", "Branches": [branch("b")], "Catch": catch, "Parameters": {"x.$": "$.x"}, "End": True},
        "C": {"Type": "Succeed"},
    }
    began = begin(states, {"x": 1})
    ended = feed(began, TaskFailed(token=tasks(began)[0].token, error="E", cause="", at=1.0))
    assert ended.state.status == "SUCCEEDED"
    assert (begin(states, {}).state.status, begin(states, {}).state.error) == ("FAILED", "States.Runtime")


# SPEC, "Fallback states": the first catcher in array order, after the retriers.
def test_retries_come_before_catchers_and_the_first_catcher_wins() -> None:
    state = {
        **TASK, "End": True, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["X"], "Next": "A"}, {"ErrorEquals": ["E"], "Next": "B"},
                  {"ErrorEquals": ["States.ALL"], "Next": "A"}],
    }  # fmt: skip
    ends = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("A", "B")}
    first = begin({"S": state, **ends})
    paused = feed(first, TaskFailed(token=tasks(first)[0].token, error="E", at=0.0))
    (timer,) = paused.commands
    assert isinstance(timer, StartTimer)
    again = feed(paused, TimerFired(token=timer.token, at=1.0))
    assert tasks(again)[0].attempt == 1
    ended = feed(again, TaskFailed(token=tasks(again)[0].token, error="E", at=1.0))
    assert ended.state.output == "B"


# SPEC, "Error output": a Catcher's ResultPath "works exactly like" a state's, and so fails like one.
def test_a_catchers_result_path_that_does_not_fit_fails_the_state() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "C"}]
    began = begin({"S": {**TASK, "Catch": catch, "End": True}, "C": {"Type": "Succeed"}}, "text")
    ended = feed(began, TaskFailed(token=tasks(began)[0].token, error="E", at=1.0))
    assert (ended.state.status, ended.state.error) == ("FAILED", "States.ReferencePathConflict")


# SPEC, "Parallel State": "by transitioning to a Fail State, the entire Parallel State is considered to have failed and
# all the branches are terminated"; nested, up to the one that handles it.
def test_a_fail_state_in_a_nested_branch_ends_all_branches_up_to_its_catcher() -> None:
    inner = {"Type": "Parallel", "Branches": [branch("a"), branch("b")], "End": True}
    outer = {"Type": "Parallel", "Branches": [{"StartAt": "I", "States": {"I": inner}}, branch("c")],
             "Catch": [{"ErrorEquals": ["Bad"], "Next": "C"}], "End": True}  # fmt: skip
    inner["Branches"].append({"StartAt": "w", "States": {  # type: ignore[attr-defined]
        "w": {**TASK, "Next": "f"}, "f": {"Type": "Fail", "Error": "Bad", "Cause": "why"}}})  # fmt: skip
    began = begin({"O": outer, "C": {**TASK, "End": True}})
    a, b, w, c = tasks(began)
    caught = feed(began, TaskSucceeded(token=w.token, output=1, at=1.0))
    assert caught.commands[:-1] == [CancelTask(a.token), CancelTask(b.token), CancelTask(c.token)]
    assert tasks(caught)[0].input == {"Error": "Bad", "Cause": "why"}
    for late in (a, b, c):
        assert feed(caught, TaskSucceeded(token=late.token, output=1, at=2.0)).commands == []
    ended = feed(caught, TaskSucceeded(token=tasks(caught)[0].token, output=2, at=2.0))
    assert ended.commands == [Finish(status="SUCCEEDED", output=2)]


# SPEC, "Parallel State": a branch that fails before the others have begun.
def test_a_branch_that_fails_at_once_keeps_the_later_ones_from_beginning() -> None:
    failing = {"StartAt": "f", "States": {"f": {"Type": "Fail", "Error": "E"}}}
    began = begin({"P": {"Type": "Parallel", "Branches": [branch("a"), failing, branch("b")], "End": True}})
    a = tasks(began)[0]
    assert began.commands == [began.commands[0], CancelTask(a.token), Finish(status="FAILED", error="E")]


# AWS, "Quotas": 25,000 entries of history, and what the execution then fails with.
def test_an_endless_loop_fails_at_the_history_limit() -> None:
    never = [{"Variable": "$", "IsString": True, "Next": "B"}]
    states = {"A": {"Type": "Choice", "Choices": never, "Default": "A"}, "B": {"Type": "Succeed"}}
    ended = begin(states)
    assert ended.commands == [
        Finish(
            status="FAILED",
            error="States.Runtime",
            cause="The execution reached the maximum number of history events (25000).",
        )
    ]
    assert [(entry.id, entry.previous_id) for entry in ended.history[-2:]] == [(24_999, 24_998), (25_000, 24_999)]
    assert ended.history[-1].type == "ExecutionFailed"


# AWS, States.DataLimitExceeded: "the output of a connector", "of a state", "the input of a state after Parameters".
def test_each_payload_is_limited() -> None:
    large = "x" * (256 * 1024)
    began = begin({"S": {**TASK, "ResultPath": None, "End": True}})
    ended = feed(began, TaskSucceeded(token=tasks(began)[0].token, output=large, at=1.0))
    assert ended.state.error == "States.DataLimitExceeded"
    half = {"a": "x" * (200 * 1024)}
    assert begin({"S": {**TASK, "Parameters": {"x.$": "$.a", "y.$": "$.a"}, "End": True}}, half).state.error == (
        "States.DataLimitExceeded"
    )
    assert begin(
        {"S": {"Type": "Pass", "Result": "x" * 70_000, "ResultPath": "$.b", "End": True}}, half
    ).state.error == ("States.DataLimitExceeded")
    assert begin({"S": {"Type": "Succeed"}}, large).state.error == "States.DataLimitExceeded"
    assert begin({"S": {"Type": "Succeed"}}, "x" * (256 * 1024 - 2)).state.status == "SUCCEEDED"


# AWS, "HistoryEvent": the names of the entries, in order.
def test_the_history_of_a_parallel_with_a_retry() -> None:
    states = {"P": {"Type": "Parallel", "Branches": [branch("a", Retry=[{"ErrorEquals": ["E"]}])], "End": True}}
    began = begin(states, {"n": 1})
    failed = feed(began, TaskFailed(token=tasks(began)[0].token, error="E", cause="c", at=1.0))
    timer = failed.commands[0]
    assert isinstance(timer, StartTimer)
    again = feed(failed, TimerFired(token=timer.token, at=2.0))
    ended = feed(again, TaskSucceeded(token=tasks(again)[0].token, output=7, at=3.0))
    entries = [entry for taken in (began, failed, again, ended) for entry in taken.history]
    assert [(entry.type, entry.at, entry.state_name) for entry in entries] == [
        ("ExecutionStarted", 0.0, ""), ("ParallelStateEntered", 0.0, "P"), ("ParallelStateStarted", 0.0, "P"),
        ("TaskStateEntered", 0.0, "a"), ("TaskScheduled", 0.0, "a"), ("TaskStarted", 0.0, "a"),
        ("TaskFailed", 1.0, "a"), ("TaskScheduled", 2.0, "a"), ("TaskStarted", 2.0, "a"),
        ("TaskSucceeded", 3.0, "a"), ("TaskStateExited", 3.0, "a"),
        ("ParallelStateSucceeded", 3.0, "P"), ("ParallelStateExited", 3.0, "P"), ("ExecutionSucceeded", 3.0, ""),
    ]  # fmt: skip
    assert [entry.id for entry in entries] == list(range(1, 15))
    # AWS: the first state follows from nothing; a branch begins at ParallelStateStarted; a second attempt follows from
    # the first one's failure; ParallelStateSucceeded is aside of the chain.
    assert [entry.previous_id for entry in entries] == [0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 13]
    assert entries[1].details == {"name": "P", "input": {"n": 1}}
    assert entries[-1].details == {"output": [7]}


# AWS, "HistoryEvent": TaskStateAborted, WaitStateAborted, ParallelStateAborted, ExecutionAborted.
def test_the_history_of_branches_that_are_stopped() -> None:
    waiting = {"StartAt": "w", "States": {"w": {"Type": "Wait", "Seconds": 9, "End": True}}}
    began = begin({"P": {"Type": "Parallel", "Branches": [branch("a"), waiting, branch("b")], "End": True}})
    ended = feed(began, TaskFailed(token=tasks(began)[0].token, error="E", at=1.0))
    assert [entry.type for entry in ended.history] == [
        "TaskFailed", "WaitStateAborted", "TaskStateAborted", "ParallelStateFailed", "ExecutionFailed",
    ]  # fmt: skip
