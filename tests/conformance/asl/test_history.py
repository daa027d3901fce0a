"""The history's events: types, order, ids and details.

API: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html and the pages of its details.
EXAMPLE: the response in https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
"""

import json
from typing import Any

import pytest

from penstock.states import (
    NEVER,
    ExecutionContext,
    HistoryEntry,
    InvokeTask,
    Ran,
    Redriven,
    Stopped,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    history_event,
    parse,
    run,
    start,
    step,
)

LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:f"
CONTEXT = ExecutionContext("e", "e", 0.0, "m", "m", role="arn:aws:iam::123456789012:role/r", region="eu-central-1")


def machine(states: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states, **fields})


def ran(states: dict[str, Any], value: Any = None, answer: Any = 1, **fields: Any) -> Ran:
    return run(machine(states, **fields), {} if value is None else value, lambda command: answer)


def chain(history: list[HistoryEntry]) -> list[tuple[int, int, str]]:
    return [(entry.id, entry.previous_id, entry.type) for entry in history]


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **fields}


def inside(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: state}}


# EXAMPLE: a Pass state: ids from 1, and the first state follows from 0.
def test_the_examples_history() -> None:
    history = ran({"HelloWorld": {"Type": "Pass", "Result": "Hello World!", "End": True}}).history
    assert [history_event(entry) for entry in history] == [
        {
            "timestamp": 0.0, "type": "ExecutionStarted", "id": 1, "previousEventId": 0,
            "executionStartedEventDetails": {"input": "{}", "inputDetails": {"truncated": False}, "roleArn": ""},
        },
        {
            "timestamp": 0.0, "type": "PassStateEntered", "id": 2, "previousEventId": 0,
            "stateEnteredEventDetails": {
                "name": "HelloWorld", "input": "{}", "inputDetails": {"truncated": False},
            },
        },
        {
            "timestamp": 0.0, "type": "PassStateExited", "id": 3, "previousEventId": 2,
            "stateExitedEventDetails": {
                "name": "HelloWorld", "output": '"Hello World!"', "outputDetails": {"truncated": False},
            },
        },
        {
            "timestamp": 0.0, "type": "ExecutionSucceeded", "id": 4, "previousEventId": 3,
            "executionSucceededEventDetails": {"output": '"Hello World!"', "outputDetails": {"truncated": False}},
        },
    ]  # fmt: skip


RESOURCES = [
    # API_LambdaFunctionScheduledEventDetails: a function's own ARN.
    (LAMBDA, "LambdaFunction", {"resource": LAMBDA, "input": '{"a":1}', "inputDetails": {"truncated": False}}),
    # API_ActivityScheduledEventDetails.
    (
        "arn:aws:states:eu-central-1:123456789012:activity:a", "Activity",
        {
            "resource": "arn:aws:states:eu-central-1:123456789012:activity:a", "input": '{"a":1}',
            "inputDetails": {"truncated": False},
        },
    ),
    # API_TaskScheduledEventDetails: "resourceType: the service", "resource: the action", "parameters: JSON data".
    (
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Task",
        {
            "resourceType": "sqs", "resource": "sendMessage.waitForTaskToken", "parameters": '{"a":1}',
            "region": "eu-central-1",
        },
    ),
    (
        "arn:aws:states:::states:startExecution.sync:2", "Task",
        {
            "resourceType": "states", "resource": "startExecution.sync:2", "parameters": '{"a":1}',
            "region": "eu-central-1",
        },
    ),
    (
        "arn:aws:states:::aws-sdk:dynamodb:getItem", "Task",
        {"resourceType": "aws-sdk:dynamodb", "resource": "getItem", "parameters": '{"a":1}', "region": "eu-central-1"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "words", "details"), RESOURCES)
def test_each_kind_of_task_has_its_events(resource: str, words: str, details: dict[str, Any]) -> None:
    document = machine({"T": task(resource, TimeoutSeconds=60, HeartbeatSeconds=9)})
    began = start(parse(document), {"a": 1}, CONTEXT, at=0.0, seed="s", history=True)
    token = next(command.token for command in began.commands if isinstance(command, InvokeTask))
    ended = step(began.state.machine, began.state, TaskFailed(token=token, error="E", cause="c", at=1.0), history=True)
    found = [entry.type for entry in (*began.history, *ended.history)]
    assert found == [
        "ExecutionStarted", "TaskStateEntered", f"{words}Scheduled", f"{words}Started", f"{words}Failed",
        "ExecutionFailed",
    ]  # fmt: skip
    scheduled = history_event(began.history[2])
    name = f"{words[0].lower()}{words[1:]}ScheduledEventDetails"
    assert scheduled[name] == {**details, "timeoutInSeconds": 60, "heartbeatInSeconds": 9}
    failed = history_event(ended.history[0])[f"{words[0].lower()}{words[1:]}FailedEventDetails"]
    assert failed == {
        **{field: details[field] for field in ("resourceType", "resource") if field in details and words == "Task"},
        "error": "E", "cause": "c",
    }  # fmt: skip


# API_TaskSubmittedEventDetails; "Wait for a Callback with Task Token": the request's end, then the task's own.
def test_a_request_that_is_done_is_told_before_the_tasks_end() -> None:
    resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    began = start(parse(machine({"T": task(resource)})), {}, CONTEXT, at=0.0, seed="s", history=True)
    token = next(command.token for command in began.commands if isinstance(command, InvokeTask))
    sent = step(
        began.state.machine, began.state, TaskSubmitted(token=token, output={"MessageId": "1"}, at=1.0), history=True
    )
    assert sent.state.status == "RUNNING"
    assert [history_event(entry) for entry in sent.history] == [
        {
            "timestamp": 1.0, "type": "TaskSubmitted", "id": 5, "previousEventId": 4,
            "taskSubmittedEventDetails": {
                "resourceType": "sqs", "resource": "sendMessage.waitForTaskToken", "output": '{"MessageId":"1"}',
                "outputDetails": {"truncated": False},
            },
        }
    ]  # fmt: skip
    ended = step(sent.state.machine, sent.state, TaskSucceeded(token=token, output=7, at=2.0), history=True)
    assert [entry.type for entry in ended.history] == ["TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]
    assert ended.state.output == 7


# API_StateExitedEventDetails: "assignedVariables: Map of variable name and value as a serialized JSON representation".
def test_assigned_variables_are_told_at_the_exit() -> None:
    history = ran({"P": {"Type": "Pass", "Assign": {"x": {"a": 1}, "y": "text"}, "End": True}}).history
    assert history_event(history[2])["stateExitedEventDetails"] == {
        "name": "P", "output": "{}", "outputDetails": {"truncated": False},
        "assignedVariables": {"x": '{"a":1}', "y": '"text"'}, "assignedVariablesDetails": {"truncated": False},
    }  # fmt: skip


# API_MapStateStartedEventDetails, API_MapIterationEventDetails.
def test_an_inline_map() -> None:
    states = {"M": {"Type": "Map", "ItemProcessor": inside("P", {"Type": "Pass", "End": True}), "End": True}}
    history = ran(states, ["a", "b"]).history
    assert chain(history) == [
        (1, 0, "ExecutionStarted"), (2, 0, "MapStateEntered"), (3, 2, "MapStateStarted"),
        (4, 3, "MapIterationStarted"), (5, 4, "PassStateEntered"), (6, 5, "PassStateExited"),
        (7, 6, "MapIterationSucceeded"),
        (8, 3, "MapIterationStarted"), (9, 8, "PassStateEntered"), (10, 9, "PassStateExited"),
        (11, 10, "MapIterationSucceeded"), (12, 11, "MapStateSucceeded"), (13, 11, "MapStateExited"),
        (14, 13, "ExecutionSucceeded"),
    ]  # fmt: skip
    assert history_event(history[2])["mapStateStartedEventDetails"] == {"length": 2}
    assert history_event(history[7])["mapIterationStartedEventDetails"] == {"name": "M", "index": 1}
    assert "mapStateSucceededEventDetails" not in history_event(history[11])


# API_MapRunStartedEventDetails: "mapRunArn".
def test_a_distributed_map() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        **inside("P", {"Type": "Pass", "End": True}),
    }
    history = ran({"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}, ["a", "b"]).history
    assert [entry.type for entry in history] == [
        "ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded",
        "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert list(history_event(history[3])["mapRunStartedEventDetails"]) == ["mapRunArn"]


# API_EvaluationFailedEventDetails: error, cause, location, state.
def test_an_expression_that_fails() -> None:
    states = {"P": {"Type": "Pass", "Output": {"a": ["{% $states.input.missing %}"]}, "End": True}}
    found = ran(states, QueryLanguage="JSONata")
    assert chain(found.history)[1:] == [
        (2, 0, "PassStateEntered"), (3, 2, "EvaluationFailed"), (4, 3, "ExecutionFailed")
    ]  # fmt: skip
    details = history_event(found.history[2])["evaluationFailedEventDetails"]
    cause = (
        "An error occurred while executing the state 'P' (entered at the event id #2). The JSONata expression "
        "'$states.input.missing' specified for the field 'Output/a[0]' returned nothing (undefined)."
    )
    assert details == {
        "error": "States.QueryEvaluationError", "cause": cause, "location": "Output/a[0]", "state": "P"
    }  # fmt: skip
    assert history_event(found.history[3])["executionFailedEventDetails"] == {
        "error": "States.QueryEvaluationError", "cause": cause
    }  # fmt: skip


# API: ExecutionTimedOut and ExecutionAborted end an execution, whatever it was in the middle of.
def test_an_execution_that_is_stopped_or_runs_out_of_time() -> None:
    states = {"P": {"Type": "Parallel", "Branches": [inside("W", {"Type": "Wait", "Seconds": 99, "End": True})],
                    "End": True}}  # fmt: skip
    timed_out = ran(states, TimeoutSeconds=10)
    assert (timed_out.status, timed_out.stopped_at) == ("TIMED_OUT", 10.0)
    assert chain(timed_out.history)[3:] == [(4, 3, "WaitStateEntered"), (5, 0, "ExecutionTimedOut")]
    assert history_event(timed_out.history[-1])["executionTimedOutEventDetails"] == {"error": "States.Timeout"}
    began = start(parse(machine(states)), {}, CONTEXT, at=0.0, seed="s", history=True)
    stopped = step(began.state.machine, began.state, Stopped(error="E", cause="c", at=1.0), history=True)
    assert chain(stopped.history) == [(5, 0, "ExecutionAborted")]


# API_TaskTimedOutEventDetails; a missed heartbeat is a timeout of the task too.
@pytest.mark.parametrize("limit", ["TimeoutSeconds", "HeartbeatSeconds"])
def test_a_task_that_runs_out_of_time(limit: str) -> None:
    states = {"T": task("arn:aws:states:::lambda:invoke", **{limit: 5})}
    found = run(machine(states), {}, lambda command: NEVER)
    assert (found.status, found.error, found.cause, found.stopped_at) == ("FAILED", "States.Timeout", "", 5.0)
    assert history_event(found.history[-2])["taskTimedOutEventDetails"] == {
        "resourceType": "lambda", "resource": "invoke", "error": "States.Timeout"
    }  # fmt: skip


# The developer guide, "States.Runtime": always fails the execution; what is around the state has no say.
def test_a_runtime_error_in_a_branch_ends_the_execution_at_once() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "C"}]
    failing = {"Type": "Pass", "InputPath": "$.missing", "End": True}
    states = {
        "P": {"Type": "Parallel", "Branches": [inside("F", failing)], "Catch": catch, "End": True},
        "C": {"Type": "Succeed"},
    }
    found = ran(states)
    assert found.error == "States.Runtime"
    assert chain(found.history)[3:] == [(4, 3, "PassStateEntered"), (5, 4, "ExecutionFailed")]


# API_ExecutionRedrivenEventDetails: "redriveCount"; the history goes on where it ended.
def test_a_redrive() -> None:
    states = {"T": task("arn:aws:states:::lambda:invoke")}
    began = start(parse(machine(states)), {}, CONTEXT, at=0.0, seed="s", history=True)
    token = next(command.token for command in began.commands if isinstance(command, InvokeTask))
    failed = step(began.state.machine, began.state, TaskFailed(token=token, error="E", at=1.0), history=True)
    again = step(failed.state.machine, failed.state, Redriven(at=2.0), history=True)
    assert chain(failed.history) == [(5, 4, "TaskFailed"), (6, 5, "ExecutionFailed")]
    assert chain(again.history) == [(7, 6, "ExecutionRedriven"), (8, 7, "TaskScheduled"), (9, 8, "TaskStarted")]
    assert history_event(again.history[0])["executionRedrivenEventDetails"] == {"redriveCount": 1}
