"""Values at the edges of JSON, as an input, an answer or an operand, fail an execution and never the machine."""

import json
from typing import Any

import pytest

from penstock.states import (
    ExecutionContext,
    InvokeTask,
    StartMapRun,
    Step,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    history_event,
    parse,
    start,
    step,
)

CONTEXT = ExecutionContext("arn:e", "e", 0.0, "arn:m", "m", "role")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


VALUES = {
    "a large integer": 10**400, "2^64": 2**64, "-2^63-1": -(2**63) - 1, "the largest float": 1.7976931348623157e308,
    "minus zero": -0.0, "half a character": "\ud800", "half a character as a name": {"\ud800": 1}, "zero": "\x00",
    "deep": nested(450), "deeper": nested(5000), "wide": list(range(60_000)), "a long text": "x" * 262_144,
    "a date beyond all": "9999-12-31T23:59:59-23:59", "a leap second": "2016-12-31T23:59:60Z",
}  # fmt: skip

TASK = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
PASS = {"Type": "Pass", "End": True}
JSONATA = {"QueryLanguage": "JSONata"}
BODY = {"StartAt": "B", "States": {"B": PASS}}
SPREAD = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **BODY}
HANDLED = {
    "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.x.e", "Next": "Z"}],
}


def calls(text: str) -> dict[str, Any]:
    return {**PASS, "Parameters": {"y.$": text}}


STATES: list[dict[str, Any]] = [
    {**PASS, "InputPath": "$..a"}, {**PASS, "InputPath": "$.x[?(@ == 1)]"},
    {**PASS, "Result": 1, "ResultPath": "$.x.a"},
    {**PASS, "Assign": {"v.$": "$.x"}}, {**PASS, "Parameters": {"a.$": "$$", "b.$": "$.x"}},
    calls("States.Format('{}', $.x)"), calls("States.JsonToString($.x)"), calls("States.StringToJson($.x)"),
    calls("States.ArrayUnique(States.Array($.x, $.x))"), calls("States.JsonMerge($, $, false)"),
    calls("States.MathAdd($.x, 1)"), calls("States.MathRandom(0, $.x)"), calls("States.ArrayRange(0, $.x, 1)"),
    calls("States.ArrayPartition($.x, 2)"), calls("States.ArrayGetItem(States.Array(1), $.x)"),
    calls("States.ArrayContains(States.Array(1, $.x), $.x)"), calls("States.Base64Encode($.x)"),
    calls("States.Base64Decode($.x)"), calls("States.Hash($.x, 'SHA-1')"), calls("States.StringSplit($.x, 'x')"),
    {"Type": "Wait", "SecondsPath": "$.x", "End": True}, {"Type": "Wait", "TimestampPath": "$.x", "End": True},
    {"Type": "Fail", "ErrorPath": "$.x", "CausePath": "States.Format('{}', $.x)"},
    {"Type": "Choice", "Default": "Z", "Choices": [
        {"Variable": "$.x", name: operand, "Next": "Z"} for name, operand in (
            ("NumericEqualsPath", "$.x"), ("StringMatches", "*y"), ("TimestampLessThanPath", "$.x"),
            ("NumericLessThan", 1e308))]},
    {"Type": "Map", "ItemsPath": "$.x", "MaxConcurrency": 2, "ItemProcessor": BODY, "End": True},
    {"Type": "Map", "ItemsPath": "$.y", "MaxConcurrencyPath": "$.x", "ItemProcessor": BODY, "End": True},
    {"Type": "Map", "ItemsPath": "$.y", "ToleratedFailureCountPath": "$.x", "ItemProcessor": SPREAD, "End": True},
    {"Type": "Map", "ItemsPath": "$.x", "ToleratedFailurePercentagePath": "$.x", "ItemProcessor": SPREAD, "End": True},
    {"Type": "Parallel", "Branches": [BODY], "ResultPath": "$.x.z", "End": True},
    TASK, {**TASK, "TimeoutSecondsPath": "$.x"}, {**TASK, "HeartbeatSecondsPath": "$.x"},
    {**TASK, "Parameters": {"a.$": "$.x"}, "ResultSelector": {"r.$": "$.x"}, **HANDLED},
    {**JSONATA, **PASS, "Output": "{% $states.input.x %}", "Assign": {"v": "{% $states.input %}"}},
    {**JSONATA, **PASS, "Output": "{% $string($states.input.x) & $states.input.x %}"},
    {**JSONATA, **PASS, "Output": "{% $states.input.x + 1 %}"},
    {**JSONATA, "Type": "Wait", "Seconds": "{% $states.input.x %}", "End": True},
    {**JSONATA, "Type": "Wait", "Timestamp": "{% $states.input.x %}", "End": True},
    {**JSONATA, "Type": "Fail", "Error": "{% $states.input.x %}", "Cause": "{% $string($states.input) %}"},
    {**JSONATA, "Type": "Choice", "Choices": [{"Condition": "{% $states.input.x > 1 %}", "Next": "Z"}], "Default": "Z"},
    {**JSONATA, "Type": "Map", "Items": "{% $states.input.x %}", "ItemProcessor": BODY, "End": True},
    {**JSONATA, **TASK, "Arguments": {"a": "{% $states.input.x %}"}, "Output": "{% $states.result.x %}",
     "TimeoutSeconds": "{% $states.input.x %}"},
]  # fmt: skip


def words(value: Any) -> str:
    try:
        return str(value)
    except RecursionError:
        return "too deep"


def told(current: Step) -> Step:
    for entry in current.history:
        json.dumps(history_event(entry))
    return current


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
@pytest.mark.parametrize("number", range(len(STATES)))
def test_as_an_input_and_as_an_answer(number: int, value: Any) -> None:
    states = {"S": STATES[number]}
    if '"Z"' in json.dumps(states):
        states["Z"] = {"Type": "Succeed"}
    machine = parse(json.dumps({"StartAt": "S", "States": states}))
    for given in (value, {"x": value, "y": [1]}):
        told(start(machine, given, CONTEXT, at=0.0, seed="e", history=True))
    for answer in (TaskSucceeded, TaskSubmitted, TaskFailed):
        current = start(machine, {"x": 5, "y": [1]}, CONTEXT, at=0.0, seed="e", history=True)
        for token in [one.token for one in current.commands if isinstance(one, InvokeTask | StartMapRun)]:
            said = {"error": "E", "cause": words(value)} if answer is TaskFailed else {"output": {"x": value}}
            told(step(machine, current.state, answer(token=token, at=1.0, **said), history=True))
