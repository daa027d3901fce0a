"""Executions at the edges: very long, at once, redriven, with numbers past what floats hold."""

import json
from typing import Any

from penstock.states import (
    CancelTimer,
    ExecutionContext,
    Finish,
    InvokeTask,
    Machine,
    Redriven,
    StartTimer,
    Step,
    TaskFailed,
    TaskHeartbeat,
    TaskSucceeded,
    TimerFired,
    parse,
    pending,
    start,
    step,
)

CONTEXT = ExecutionContext("e", "e", 0.0, "m", "m")
TASK = {"Type": "Task", "Resource": "r"}


def machine(states: dict[str, Any]) -> Machine:
    return parse(json.dumps({"StartAt": next(iter(states)), "States": states}))


def begin(states: dict[str, Any], value: Any = None) -> Step:
    return start(machine(states), {} if value is None else value, CONTEXT, at=0.0, seed="e")


def feed(before: Step, event: Any) -> Step:
    return step(before.state.machine, before.state, event)


def tasks(step: Step) -> list[InvokeTask]:
    return [command for command in step.commands if isinstance(command, InvokeTask)]


def branch(name: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: {**TASK, "End": True, **fields}}}


def test_a_thousand_parallels_in_a_row_take_no_stack() -> None:
    states: dict[str, Any] = {}
    for number in range(1000):
        inner = {"StartAt": f"B{number}", "States": {f"B{number}": {"Type": "Pass", "Result": 1, "End": True}}}
        onward = {"Next": f"P{number + 1}"} if number < 999 else {"End": True}
        states[f"P{number}"] = {
            "Type": "Parallel",
            "Branches": [
                inner,
            ],
            "ResultPath": "$.x",
            **onward,
        }
    assert begin(states).commands == [Finish(status="SUCCEEDED", output={"x": [1]})]


def test_a_payload_that_nests_deeper_and_deeper_fails_the_execution() -> None:
    states = {"A": {"Type": "Pass", "Parameters": {"x.$": "$"}, "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}
    ended = begin(states)
    assert (ended.state.status, ended.state.error) == ("FAILED", "States.DataLimitExceeded")


def test_a_pause_has_an_end_however_often_it_was_doubled() -> None:
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 99_999_999, "BackoffRate": 1000, "MaxAttempts": 400}]
    current = begin({"S": {**TASK, "Retry": retry, "End": True}})
    for _ in range(400):
        current = feed(current, TaskFailed(token=tasks(current)[0].token, error="E", at=0.0))
        (timer,) = current.commands
        assert isinstance(timer, StartTimer)
        assert timer.due_at == 99_999_999
        current = feed(current, TimerFired(token=timer.token, at=0.0))
    ended = feed(current, TaskFailed(token=tasks(current)[0].token, error="E", at=0.0))
    assert ended.commands == [Finish(status="FAILED", error="E")]


def test_heartbeats_of_one_moment_have_timers_of_their_own() -> None:
    current = begin({"S": {**TASK, "HeartbeatSeconds": 5, "End": True}})
    token = tasks(current)[0].token
    used = {command.token for command in current.commands if isinstance(command, StartTimer)}
    for count in range(2, 5):
        current = feed(current, TaskHeartbeat(token=token, at=1.0))
        stopped, started = current.commands
        assert isinstance(stopped, CancelTimer)
        assert isinstance(started, StartTimer)
        used.add(started.token)
        assert len(used) == count


def test_retries_of_a_state_count_anew_when_it_is_entered_again() -> None:
    states = {
        "S": {**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}], "Next": "C"},
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.again", "BooleanEquals": True, "Next": "S"}],
            "Default": "D",
        },
        "D": {"Type": "Succeed"},
    }
    current = begin(states)
    keys = []
    for is_again in (True, False):
        keys.append(tasks(current)[0].key)
        current = feed(current, TaskFailed(token=tasks(current)[0].token, error="E", at=0.0))
        (timer,) = current.commands
        assert isinstance(timer, StartTimer)
        assert timer.due_at == 1.0
        current = feed(current, TimerFired(token=timer.token, at=1.0))
        assert (tasks(current)[0].key, tasks(current)[0].attempt) == (keys[-1], 1)
        current = feed(current, TaskSucceeded(token=tasks(current)[0].token, output={"again": is_again}, at=0.0))
    assert current.state.status == "SUCCEEDED"
    assert len(set(keys)) == 2


def test_a_redrive_begins_branches_that_never_began_with_their_input() -> None:
    failing = {"StartAt": "f", "States": {"f": {"Type": "Pass", "Parameters": {"x.$": "$.late"}, "End": True}}}
    inner = {
        "Type": "Parallel",
        "Parameters": {"n.$": "$.n"},
        "Branches": [branch("a"), failing, branch("b")],
        "End": True,
    }
    began = begin({"P": inner}, {"n": 1})
    assert began.state.error == "States.Runtime"
    again = feed(began, Redriven(at=1.0))
    assert [task.state_name for task in tasks(again)] == ["a"], "it fails again before the last branch"

    timed = {**branch("f"), "StartAt": "f"}
    states = {"P": {"Type": "Parallel", "Parameters": {"n.$": "$.n"}, "Branches": [timed, branch("b")], "End": True}}
    began = begin(states, {"n": 1})
    failed = feed(began, TaskFailed(token=tasks(began)[0].token, error="E", at=1.0))
    again = feed(failed, Redriven(at=2.0))
    assert [(task.state_name, task.input) for task in tasks(again)] == [("f", {"n": 1}), ("b", {"n": 1})]
    assert {task.token for task in tasks(again)}.isdisjoint(task.token for task in tasks(began))
    assert {task.key for task in tasks(again)} == {task.key for task in tasks(began)}


def test_a_redriven_execution_has_its_whole_time_again() -> None:
    document = {"StartAt": "S", "TimeoutSeconds": 30, "States": {"S": {**TASK, "End": True}}}
    began = start(parse(json.dumps(document)), {}, CONTEXT, at=0.0, seed="e")
    first = next(command for command in began.commands if isinstance(command, StartTimer))
    ended = feed(began, TimerFired(token=first.token, at=30.0))
    assert isinstance(ended.commands[-1], Finish)
    assert ended.commands[-1].status == "TIMED_OUT"
    again = feed(ended, Redriven(at=100.0))
    second = next(command for command in again.commands if isinstance(command, StartTimer))
    assert second.due_at == 130.0
    assert second.token != first.token
    assert feed(again, TimerFired(token=first.token, at=130.0)).commands == []
    assert pending(again.state) == again.commands


def test_what_is_in_hand_is_told_of() -> None:
    began = begin({
        "P": {"Type": "Parallel", "End": True, "Branches": [
            branch("a", Retry=[{"ErrorEquals": ["E"]}]), branch("b"),
            {"StartAt": "w", "States": {"w": {"Type": "Wait", "Seconds": 5, "End": True}}},
        ]},
    })  # fmt: skip
    assert began.state.active() == [("a", "RUNNING", 0), ("b", "RUNNING", 0), ("w", "WAITING", 0)]
    later = feed(began, TaskFailed(token=tasks(began)[0].token, error="E", at=1.0))
    assert sorted(later.state.active()) == [("a", "RETRYING", 1), ("b", "RUNNING", 0), ("w", "WAITING", 0)]


def test_jsonpath_is_not_loaded_for_reference_paths() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from penstock.states import parse; "
        'parse(\'{"StartAt":"S","States":{"S":{"Type":"Pass","InputPath":"$.a[0].b","End":true}}}\'); '
        "assert 'jsonpath' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
