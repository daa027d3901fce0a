"""Where a state may call an intrinsic function. https://states-language.net/spec.html#intrinsic-functions"""

import json
import uuid
from typing import Any

import pytest

from penstock.states import ExecutionContext, Finish, InvokeTask, Step, TaskSucceeded, lint, parse, start, step

CONTEXT = ExecutionContext("execution-1", "execution-1", 1_771_574_220.0, "machine", "name")


def begin(states: dict[str, Any], value: Any) -> Step:
    document = {"StartAt": next(iter(states)), "States": states}
    return start(parse(json.dumps(document)), value, CONTEXT, at=0.0, seed="s")


def ended(states: dict[str, Any], value: Any) -> Finish:
    (finish,) = begin(states, value).commands
    assert isinstance(finish, Finish)
    return finish


def test_in_parameters_at_any_depth() -> None:
    template = {"a": [{"text.$": "States.Format('Hello, {}', $.name)"}], "run.$": "States.Array($$.Execution.Name, 1)"}
    found = ended({"S": {"Type": "Pass", "End": True, "Parameters": template}}, {"name": "World"})
    assert found.output == {"a": [{"text": "Hello, World"}], "run": ["execution-1", 1]}


def test_in_a_result_selector_and_for_each_item() -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    state = {
        "Type": "Map", "End": True, "ItemProcessor": inner,
        "ItemSelector": {"n.$": "States.MathAdd($$.Map.Item.Value, 1)"},
        "ResultSelector": {"count.$": "States.ArrayLength($)", "last.$": "States.ArrayGetItem($, 1)"},
    }  # fmt: skip
    assert ended({"S": state}, [1, 2]).output == {"count": 2, "last": {"n": 3}}


def test_in_the_error_and_the_cause_of_a_failure() -> None:
    state = {"Type": "Fail", "ErrorPath": "States.Format('Bad{}', $.n)", "CausePath": "States.JsonToString($.why)"}
    found = ended({"S": state}, {"n": 1, "why": {"x": 1}})
    assert (found.error, found.cause) == ("Bad1", '{"x":1}')


def test_a_failed_call_fails_the_state() -> None:
    state = {"Type": "Pass", "End": True, "Parameters": {"x.$": "States.MathAdd($.text, 1)"}}
    found = ended({"S": state}, {"text": "one"})
    # AWS: "States.IntrinsicFailure: reserved for future use … reported with the States.Runtime error name".
    assert (found.status, found.error) == ("FAILED", "States.Runtime")
    assert found.cause.startswith(
        "An error occurred while executing the state 'S' (entered at the event id #2). "
        "The function 'States.MathAdd($.text, 1)' had the following error: "
    )


def test_random_values_differ_by_field_and_phase_and_are_drawn_again_by_a_replay() -> None:
    state = {
        "Type": "Task", "Resource": "r", "End": True,
        "Parameters": {"a.$": "States.UUID()", "b.$": "States.UUID()"}, "ResultSelector": {"c.$": "States.UUID()"},
    }  # fmt: skip

    def run() -> list[str]:
        made = begin({"S": state}, {})
        (task,) = made.commands
        assert isinstance(task, InvokeTask)
        made = step(made.state.machine, made.state, TaskSucceeded(token=task.token, output=1, at=1.0))
        (finish,) = made.commands
        assert isinstance(finish, Finish)
        return [task.input["a"], task.input["b"], finish.output["c"]]

    drawn = run()
    assert len({uuid.UUID(text).version for text in drawn} | set(drawn)) == 4
    assert run() == drawn


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "End": True, "InputPath": "States.UUID()"},
        {"Type": "Pass", "End": True, "Parameters": {"x.$": "States.Nothing()"}},
        {"Type": "Fail", "ErrorPath": "States.Format('{}'"},
        {"Type": "Wait", "End": True, "SecondsPath": "States.MathAdd(1, 2)"},
    ],
)
def test_calls_that_are_mistakes(state: dict[str, Any]) -> None:
    assert {one.code for one in lint(json.dumps({"StartAt": "S", "States": {"S": state}}))} & {"path", "intrinsic"}
