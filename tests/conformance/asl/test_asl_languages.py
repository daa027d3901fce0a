"""JSONata states and workflow variables, in whole workflows.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
"""

import json
from typing import Any

import pytest

from penstock.states import (
    ExecutionContext,
    Finish,
    InvokeTask,
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


def begin(states: dict[str, Any], value: Any, language: str = "JSONata") -> Step:
    document = {"QueryLanguage": language, "StartAt": next(iter(states)), "States": states}
    return start(parse(json.dumps(document)), value, CONTEXT, at=100.0, seed="s")


def ended(made: Step) -> Finish:
    finish = made.commands[-1]
    assert isinstance(finish, Finish)
    return finish


def task_of(made: Step) -> InvokeTask:
    (task,) = [command for command in made.commands if isinstance(command, InvokeTask)]
    return task


def answer(made: Step, result: Any) -> Step:
    return step(made.state.machine, made.state, TaskSucceeded(token=task_of(made).token, output=result, at=101.0))


PASSES = [
    ({}, {"a": 1}, {"a": 1}),
    ({"Output": {"b": "{% $states.input.a + 1 %}", "c": "text"}}, {"a": 1}, {"b": 2, "c": "text"}),
    ({"Output": "{% $states.context.Execution.Name %}"}, {}, "execution-1"),
    ({"Output": ["{% $states.context.State.Name %}"]}, {}, ["S"]),
]


@pytest.mark.parametrize(("fields", "value", "expected"), PASSES)
def test_output_of_a_pass(fields: dict[str, Any], value: Any, expected: Any) -> None:
    assert ended(begin({"S": {"Type": "Pass", "End": True, **fields}}, value)).output == expected


def test_arguments_result_and_output_of_a_task() -> None:
    state = {"Type": "Task", "Resource": "r", "End": True, "Arguments": {"n": "{% $states.input.n * 2 %}"},
             "TimeoutSeconds": "{% $states.input.n %}",
             "Output": {"in": "{% $states.input.n %}", "out": "{% $states.result.m %}"}}  # fmt: skip
    made = begin({"S": state}, {"n": 4})
    assert task_of(made).input == {"n": 8}
    assert task_of(made).timeout_seconds == 4
    assert ended(answer(made, {"m": "x"})).output == {"in": 4, "out": "x"}
    plain = begin({"S": {"Type": "Task", "Resource": "r", "End": True}}, {"n": 4})
    assert task_of(plain).input == {"n": 4}
    assert ended(answer(plain, [1])).output == [1]


def test_a_choice_by_conditions_with_output_and_variables_of_its_own() -> None:
    states = {
        "C": {"Type": "Choice", "Default": "No", "Assign": {"way": "default"}, "Choices": [
            {"Condition": "{% $states.input.n > 10 %}", "Next": "Yes", "Output": {"big": True},
             "Assign": {"way": "{% 'over ' & $string($states.input.n) %}"}}]},
        "Yes": {"Type": "Pass", "End": True, "Output": ["{% $way %}", "{% $states.input %}"]},
        "No": {"Type": "Pass", "End": True, "Output": ["{% $way %}", "{% $states.input %}"]},
    }  # fmt: skip
    assert ended(begin(states, {"n": 11})).output == ["over 11", {"big": True}]
    assert ended(begin(states, {"n": 1})).output == ["default", {"n": 1}]


def test_a_condition_is_a_boolean() -> None:
    states = {"C": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.n %}", "Next": "S"}]},
              "S": {"Type": "Succeed"}}  # fmt: skip
    assert ended(begin(states, {"n": 1})).error == "States.QueryEvaluationError"


def test_waits_and_failures() -> None:
    made = begin({"W": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "Next": "F"},
                  "F": {"Type": "Fail", "Error": "{% 'E' & $states.input.s %}", "Cause": "why"}}, {"s": 5})  # fmt: skip
    (timer,) = made.commands
    assert isinstance(timer, StartTimer)
    assert timer.due_at == 105.0
    made = step(made.state.machine, made.state, TimerFired(token=timer.token, at=105.0))
    assert (ended(made).error, ended(made).cause) == ("E5", "why")
    made = begin({"W": {"Type": "Wait", "Timestamp": "{% '2026-02-20T07:57:00Z' %}", "End": True}}, {})
    assert made.commands == [StartTimer(made.commands[0].token, 1_771_574_220.0)]


def test_a_query_error_is_retried_and_caught() -> None:
    states = {
        "S": {"Type": "Pass", "Output": "{% $error('no') %}", "End": True},
        "T": {"Type": "Task", "Resource": "r", "End": True, "Arguments": "{% $states.input.missing %}",
              "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "D",
                         "Output": "{% $states.errorOutput.Error %}",
                         "Assign": {"seen": "{% $states.errorOutput %}"}}]},
        "D": {"Type": "Pass", "End": True, "Output": ["{% $states.input %}", "{% $seen.Error %}"]},
    }  # fmt: skip
    assert ended(begin({"S": states["S"]}, {})).error == "States.QueryEvaluationError"
    assert ended(begin({"T": states["T"], "D": states["D"]}, {})).output == ["States.QueryEvaluationError"] * 2


def test_a_map_over_items_with_a_selector_and_scopes() -> None:
    inner = {"StartAt": "I", "States": {"I": {
        "Type": "Pass", "End": True, "Assign": {"own": "{% $states.input.v %}"},
        "Output": {"v": "{% $states.input.v * $factor %}", "i": "{% $states.input.i %}"}}}}  # fmt: skip
    states = {
        "A": {"Type": "Pass", "Assign": {"factor": "{% $states.input.f %}"}, "Next": "M"},
        "M": {"Type": "Map", "End": True, "Items": "{% $states.input.items %}", "ItemProcessor": inner,
              "ItemSelector": {"v": "{% $states.context.Map.Item.Value %}",
                               "i": "{% $states.context.Map.Item.Index %}"},
              "Output": "{% $states.result.v %}"},
    }  # fmt: skip
    assert ended(begin(states, {"f": 10, "items": [1, 2, 3]})).output == [10, 20, 30]


def test_branches_read_outer_variables_and_keep_their_own() -> None:
    def branch(name: str) -> dict[str, Any]:
        return {"StartAt": name, "States": {name: {
            "Type": "Pass", "End": True, "Assign": {"mine": name}, "Output": "{% $x %}"}}}  # fmt: skip

    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "P"},
        "P": {"Type": "Parallel", "Branches": [branch("B1"), branch("B2")], "Next": "E"},
        "E": {"Type": "Pass", "End": True, "Output": ["{% $states.input %}", "{% $exists($mine) %}"]},
    }
    assert ended(begin(states, {})).output == [[1, 1], False]
    states["P"]["Branches"][0]["States"]["B1"]["Assign"] = {"x": 2}
    findings = lint(json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": states}))
    assert [(one.where, one.code) for one in findings] == [("$.States.P.Branches[0].States.B1.Assign.x", "variable")]


def test_all_of_an_assign_is_evaluated_before_any_takes_effect() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 3, "a": 6}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x": "{% $a %}", "nextX": "{% $x %}"}, "Next": "C"},
        "C": {"Type": "Pass", "End": True, "Output": ["{% $x %}", "{% $nextX %}"]},
    }
    assert ended(begin(states, {})).output == [6, 3]


def test_variables_in_jsonpath_states() -> None:
    states = {
        "T": {"Type": "Task", "Resource": "r", "Next": "C", "ResultPath": "$.result",
              "Assign": {"order.$": "$.order", "who.$": "$$.Execution.Name", "fixed": 1}},
        "C": {"Type": "Choice", "Choices": [
            {"Variable": "$order.total", "NumericGreaterThanPath": "$fixed", "Next": "P", "Assign": {"big": True}}]},
        "P": {"Type": "Pass", "End": True, "Parameters": {
            "item.$": "$order.items[0]", "text.$": "States.Format('{} by {}', $order.total, $who)", "big.$": "$big"}},
    }  # fmt: skip
    made = begin(states, {"a": 1}, "JSONPath")
    # "$" in a task's Assign is its result, before ResultSelector and ResultPath.
    finish = ended(answer(made, {"order": {"total": 7, "items": ["x"]}}))
    assert finish.output == {"item": "x", "text": "7 by execution-1", "big": True}


def test_a_state_of_a_jsonpath_machine_may_be_in_jsonata() -> None:
    states = {
        "A": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "Assign": {"n.$": "$.n"}, "Next": "B"},
        "B": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.n + $n %}", "End": True},
    }
    assert ended(begin(states, {"n": 2}, "JSONPath")).output == 4


def test_a_failed_attempt_leaves_no_variables() -> None:
    states = {
        "T": {"Type": "Task", "Resource": "r", "End": True, "Assign": {"x": "{% $states.result %}"},
              "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "E"}]},
        "E": {"Type": "Pass", "End": True, "Output": "{% $exists($x) %}"},
    }  # fmt: skip
    made = begin(states, {})
    failed = TaskFailed(token=task_of(made).token, error="Bad", at=101.0)
    assert ended(step(made.state.machine, made.state, failed)).output is False
