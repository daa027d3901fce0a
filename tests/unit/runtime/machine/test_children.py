"""Executions that executions start: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.machines import BEGAN, START, TOKEN, Document, Scene, call, one, wait

from penstock.ports.journal import Filter, Status
from penstock.runtime import tokens

Make = Callable[..., Scene]
FAILING = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}
ANY = {"Type": "Task", "Resource": f"{START}.sync", "Parameters": {"StateMachineArn.$": "$.which"}}
QUICK = one({"Type": "Pass", "Result": {"made": 1}})


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Make]:
    made: list[Scene] = []

    def make(parent: Document, child: Document = QUICK, may: Mapping[str, Sequence[str]] | None = None) -> Scene:
        documents = {"parent": parent, "child": child}
        made.append(Scene(tmp_path, documents, may={"parent": ["child"]} if may is None else may))
        return made[0]

    yield make
    for each in made:
        each.machine.close()


def starts(suffix: str = "", name: str | None = None, value: Any = None, **fields: Any) -> Document:
    """Returns a state that starts ``child``."""
    parameters: dict[str, Any] = {"StateMachineArn": "child", "Input": {} if value is None else value}
    if name is not None:
        parameters["Name"] = name
    return {"Type": "Task", "Resource": START + suffix, "Parameters": parameters, **fields}


def children(s: Scene) -> list[Any]:
    return list(s.journal.find(Filter(workflow="child")))


def output(found: Any) -> Any:
    assert found.status is Status.SUCCEEDED, (found.error, found.cause)
    return json.loads(found.output)


def test_request_response_goes_on_at_once(scene: Make) -> None:
    s = scene(one(starts(value={"x": 1})), one(wait(600)))
    found = s.get(s.start("parent"))
    (child,) = children(s)
    assert output(found) == {"ExecutionArn": child.id, "StartDate": BEGAN * 1000}
    assert (child.status, json.loads(child.input)) == (Status.RUNNING, {"x": 1})
    # `penstock run` waits for whatever follows from what it started.
    assert (child.source, child.root) == (f"execution:{found.id}", found.id)
    assert [event["type"] for event in s.journaled(found.id)] == ["TaskSucceeded"]


@pytest.mark.parametrize(
    ("suffix", "value", "made"),
    [(".sync", '{"x":1}', '{"made":1}'), (".sync:2", {"x": 1}, {"made": 1})],
)
def test_run_a_job_waits_for_the_end(scene: Make, suffix: str, value: Any, made: Any) -> None:
    states = {"W": {**wait(600), "Next": "P"}, "P": {"Type": "Pass", "Result": {"made": 1}, "End": True}}
    s = scene(one(starts(suffix, value={"x": 1})), {"StartAt": "W", "States": states})
    parent = s.start("parent")
    (child,) = children(s)
    assert (s.get(parent).status, s.get(parent).owner, s.machine.active) == (Status.RUNNING, None, 0)
    assert output(s.finish(parent)) == {
        "ExecutionArn": child.id,
        "Input": value,
        "InputDetails": {"Included": True},
        "Name": child.id.rpartition(":")[2],
        "Output": made,
        "OutputDetails": {"Included": True},
        "StartDate": BEGAN * 1000,
        "StateMachineArn": "child",
        "Status": "SUCCEEDED",
        "StopDate": (BEGAN + 600) * 1000,
    }
    assert [event["type"] for event in s.journaled(parent)] == ["TaskSubmitted", "TaskSucceeded"]


@pytest.mark.parametrize("suffix", [".sync", ".sync:2"])
def test_a_child_that_fails_fails_the_task(scene: Make, suffix: str) -> None:
    s = scene(one(starts(suffix)), FAILING)
    found = s.run("parent")
    assert (found.status, found.error) == (Status.FAILED, "States.TaskFailed")
    described = json.loads(found.cause or "")
    assert (described["Status"], described["Error"], described["Cause"]) == ("FAILED", "Broken", "on purpose")
    assert described["Input"] == "{}"
    assert "Output" not in described


def test_a_child_that_times_out_fails_the_task(scene: Make) -> None:
    s = scene(one(starts(".sync")), one(wait(600), TimeoutSeconds=60))
    found = s.run("parent")
    assert (found.error, json.loads(found.cause or "")["Status"]) == ("States.TaskFailed", "TIMED_OUT")


def test_the_child_can_answer_the_token(scene: Make) -> None:
    s = scene(one(starts(".waitForTaskToken", value={"token.$": "$$.Task.Token"})), one(call()))
    parent = s.start("parent")
    token = s.events[0]["input"]["token"]
    assert (s.get(parent).status, children(s)[0].status) == (Status.RUNNING, Status.SUCCEEDED)
    tokens.succeed(s.journal, token, b"5", s.clock.now())
    assert output(s.finish(parent)) == 5


def test_retries_start_other_children(scene: Make) -> None:
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    s = scene(one(starts(".sync", Retry=retry)), FAILING)
    assert s.run("parent").status is Status.FAILED
    assert len({child.id for child in children(s)}) == 3


def test_the_name_is_the_execution_s(scene: Make) -> None:
    s = scene(
        one(starts(".sync:2", name="nightly-7")), one({"Type": "Pass", "Parameters": {"n.$": "$$.Execution.Name"}})
    )
    found = output(s.run("parent"))
    assert (found["Name"], found["Output"]) == ("nightly-7", {"n": "nightly-7"})


def test_a_name_that_runs_with_the_same_input_is_the_same_execution(scene: Make) -> None:
    s = scene(one(starts(".sync", name="n", value={"a": 1, "b": 2})), one(wait(600)))
    first, second = s.start("parent"), s.start("parent")
    assert len(children(s)) == 1
    assert output(s.finish(first))["ExecutionArn"] == output(s.finish(second))["ExecutionArn"]


def test_a_name_with_another_input_is_taken(scene: Make) -> None:
    s = scene(one({**starts(name="n"), "Parameters": {"StateMachineArn": "child", "Name": "n", "Input.$": "$"}}))
    s.start("parent", {"a": 1})
    found = s.run("parent", {"a": 2})
    assert (found.status, found.error) == (Status.FAILED, "StepFunctions.ExecutionAlreadyExistsException")


def test_the_name_of_an_execution_that_is_over_is_taken(scene: Make) -> None:
    s = scene(one(starts(name="n")))
    assert s.run("parent").status is Status.SUCCEEDED
    assert s.run("parent").error == "StepFunctions.ExecutionAlreadyExistsException"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a:b", "a,b", "<a>", "é\x7f", "x" * 81, 5])
def test_names_that_the_service_refuses(scene: Make, name: Any) -> None:
    s = scene(one(starts(name=name)))
    assert s.run("parent").error == "StepFunctions.InvalidNameException"


def test_what_is_not_granted_is_denied(scene: Make) -> None:
    s = scene(one(ANY), may={"parent": ["parent"]})
    found = s.run("parent", {"which": "child"})
    assert found.error == "StepFunctions.AccessDeniedException"
    assert "add child.start" in (found.cause or "")
    assert children(s) == []


def test_an_unknown_workflow_does_not_exist(scene: Make) -> None:
    s = scene(one(ANY))
    assert s.run("parent", {"which": 5}).error == "StepFunctions.InvalidArnException"
    assert s.run("parent", {"which": "other"}).error == "StepFunctions.AccessDeniedException"


@pytest.mark.parametrize(("given", "seen"), [('{"a": [1]}', {"a": [1]}), ('"text"', "text"), ([1], [1]), (None, {})])
def test_input_is_json_or_its_text(scene: Make, given: Any, seen: Any) -> None:
    s = scene(one(starts(".sync:2", value=given)))
    assert output(s.run("parent"))["Input"] == seen


def test_input_that_is_no_json_is_refused(scene: Make) -> None:
    s = scene(one(starts(value="{no")))
    assert s.run("parent").error == "StepFunctions.InvalidExecutionInputException"


def test_refusals_can_be_caught(scene: Make) -> None:
    catch = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.caught", "Next": "P"}]
    states = {"S": {**ANY, "Catch": catch, "End": True}, "P": {"Type": "Pass", "End": True}}
    s = scene({"StartAt": "S", "States": states}, may={"parent": ["parent"]})
    assert output(s.run("parent", {"which": "child"}))["caught"]["Error"] == "StepFunctions.AccessDeniedException"


def test_a_parent_that_is_stopped_stops_its_child(scene: Make) -> None:
    s = scene(one(starts(".sync")), one(TOKEN))
    parent = s.start("parent")
    assert s.machine.stop_execution(parent)
    s.settle()
    assert [s.get(parent).status, children(s)[0].status] == [Status.ABORTED, Status.ABORTED]


def test_a_parent_that_is_stopped_leaves_what_it_did_not_wait_for(scene: Make) -> None:
    branches = [one(starts(), "A"), one(wait(900), "B")]
    s = scene(one({"Type": "Parallel", "Branches": branches}), one(wait(600)))
    parent = s.start("parent")
    s.machine.stop_execution(parent)
    s.settle()
    assert children(s)[0].status is Status.RUNNING


def test_another_branch_that_fails_stops_the_child(scene: Make) -> None:
    states = {"W": {**wait(60), "Next": "F"}, "F": {"Type": "Fail"}}
    branches = [one(starts(".sync:2"), "A"), {"StartAt": "W", "States": states}]
    s = scene(one({"Type": "Parallel", "Branches": branches}), one(wait(600)))
    assert s.run("parent").status is Status.FAILED
    s.settle()
    assert children(s)[0].status is Status.ABORTED
    assert children(s)[0].stopped_at == BEGAN + 60


def test_a_parent_waits_over_restarts(scene: Make) -> None:
    s = scene(one(starts(".sync:2")), one(wait(600)))
    parent = s.start("parent")
    s.restart()
    s.clock.advance(600)
    s.restart()
    s.settle()
    assert s.get(parent).status is Status.SUCCEEDED
    assert len(children(s)) == 1


def test_children_have_children(scene: Make) -> None:
    states = {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 3, "Next": "S"}], "Default": "W"},
        "S": {
            **starts(".sync:2"), "End": True,
            "Parameters": {"StateMachineArn": "child", "Input": {"n.$": "States.MathAdd($.n, 1)"}},
        },
        "W": {**wait(60), "End": True},
    }  # fmt: skip
    child = {"StartAt": "C", "States": states}
    s = scene(one(starts(".sync:2", value={"n": 1})), child, may={"parent": ["child"], "child": ["child"]})
    assert output(s.run("parent"))["Output"]["Output"]["Output"] == {"n": 3}
    assert {c.root for c in children(s)} == {s.journal.find(Filter(workflow="parent"))[0].id}
