"""The names and causes of errors, as AWS writes them.

GUIDE: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: States.IntrinsicFailure,
States.NoChoiceMatched, States.ParameterPathFailure and States.ResultPathMatchFailure are reserved; what is reported is
States.Runtime. The texts are those that its pages and its users show.
"""

import json
from typing import Any

import pytest

from penstock.states import Ran, run

TASK = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
PREFIX = "An error occurred while executing the state 'S' (entered at the event id #2). "
NULL = "Unable to apply Path transformation to null or empty input."
CHOICE = "Invalid path '{}': The choice state's condition path references an invalid value."
BOUND = "with a size exceeding the maximum number of bytes service limit."


def ran(state: dict[str, Any], value: Any, answer: Any = None, **fields: Any) -> Ran:
    """Runs one state, with what it leads to."""
    has_way = state["Type"] in {"Choice", "Fail"} or "End" in state
    state = state if has_way else {**state, "End": True}
    ends = {name: {"Type": "Succeed"} for name in ("Done", "Caught") if f'"{name}"' in json.dumps(state)}
    document = {"StartAt": "S", "States": {"S": state, **ends}, **fields}
    return run(json.dumps(document), value, lambda command: answer)


def choice(**rule: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": [{**rule, "Next": "Done"}]}


RUNTIME = [
    # Parameters, ResultSelector, ItemSelector, Assign: the field is the template's own.
    (
        {"Type": "Pass", "Parameters": {"who.$": "$.name.first"}}, {"name": {}},
        "The JSONPath '$.name.first' specified for the field 'who.$' could not be found in the input '{\"name\":{}}'",
    ),
    (
        {"Type": "Pass", "Assign": {"x.$": "$.a"}}, {"b": 1},
        "The JSONPath '$.a' specified for the field 'x.$' could not be found in the input '{\"b\":1}'",
    ),
    (
        {"Type": "Fail", "ErrorPath": "$.e"}, {"b": 1},
        "The JSONPath '$.e' specified for the field 'ErrorPath' could not be found in the input '{\"b\":1}'",
    ),
    (
        {"Type": "Fail", "CausePath": "$.c"}, {},
        "The JSONPath '$.c' specified for the field 'CausePath' could not be found in the input '{}'",
    ),
    # A path that is given and applied to nothing; the defaults of InputPath and OutputPath are no such.
    ({"Type": "Pass", "Parameters": {"x.$": "$"}}, None, NULL),
    ({"Type": "Pass", "Parameters": {"x.$": "$.a"}}, None, NULL),
    ({"Type": "Pass", "InputPath": "$.a"}, None, NULL),
    (choice(Variable="$", IsString=True), None, NULL),
    (choice(Variable="$.a", StringEquals="x"), {}, CHOICE.format("$.a")),
    (choice(Variable="$.a", StringEqualsPath="$.b"), {"a": "x"}, CHOICE.format("$.b")),
    (
        choice(Variable="$.a", StringEquals="x"), {"a": "y"},
        "Failed to transition out of the state. The state does not point to a next state.",
    ),
    ({"Type": "Wait", "SecondsPath": "$.s"}, {}, "The SecondsPath parameter does not reference an input value: $.s"),
    (
        {"Type": "Wait", "TimestampPath": "$.t"}, {},
        "The TimestampPath parameter does not reference an input value: $.t",
    ),
    (
        {"Type": "Pass", "Parameters": {"x.$": "States.Format('{}', $.a)"}}, {},
        "The function 'States.Format('{}', $.a)' had the following error: "
        "The JsonPath argument for the field '$.a' could not be found in the input '{}'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("state", "value", "cause"), RUNTIME)
def test_runtime_errors(state: dict[str, Any], value: Any, cause: str) -> None:
    found = ran(state, value)
    assert (found.status, found.error, found.cause) == ("FAILED", "States.Runtime", PREFIX + cause)


@pytest.mark.parametrize("value", [None, {"a": None}])
def test_what_is_null_passes_where_no_path_is_given(value: Any) -> None:
    assert ran({"Type": "Pass"}, value).output == value


CONFLICTS = [
    ({"Type": "Pass", "Result": 1, "ResultPath": "$.a"}, "text", 'Unable to apply ReferencePath $.a to input "text"'),
    ({"Type": "Pass", "Result": 1, "ResultPath": "$.a.b"}, {"a": [1]}, 'Unable to apply step "b" to input [1]'),
    (
        {"Type": "Map", "ItemsPath": "$.a.b",
         "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}},
        {"a": {"c": 1}}, 'Unable to apply step "b" to input {"c":1}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("state", "value", "cause"), CONFLICTS)
def test_reference_paths(state: dict[str, Any], value: Any, cause: str) -> None:
    found = ran(state, value)
    assert (found.error, found.cause) == ("States.ReferencePathConflict", cause)


LARGE = "x" * (256 * 1024)
SIZES = [
    # What a task gives is named by what was called; it can be caught by its name.
    (TASK, {}, LARGE, f"The state/task 'sqs' returned a result {BOUND}"),
    ({**TASK, "Parameters": {"a.$": "$", "b.$": "$"}}, LARGE[:150_000], 1,
     f"The state/task 'S' provided parameters {BOUND}"),
    # A state's output is named by the state.
    ({"Type": "Pass", "Result": LARGE[:150_000], "ResultPath": "$.b"}, {"a": LARGE[:150_000]}, 1,
     f"The state/task 'S' returned a result {BOUND}"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "value", "answer", "cause"), SIZES)
def test_payloads_over_the_limit(state: dict[str, Any], value: Any, answer: Any, cause: str) -> None:
    found = ran(state, value, answer)
    assert (found.error, found.cause) == ("States.DataLimitExceeded", cause)


# GUIDE, States.DataLimitExceeded: "cannot be caught by the States.ALL error type"; by its own name it can.
@pytest.mark.parametrize(("name", "is_caught"), [("States.ALL", False), ("States.DataLimitExceeded", True)])
def test_what_catches_a_result_over_the_limit(name: str, is_caught: bool) -> None:
    found = ran({**TASK, "Catch": [{"ErrorEquals": [name], "Next": "Caught"}]}, {}, LARGE)
    assert (found.status == "SUCCEEDED") is is_caught


WHOLE_SECONDS = [
    # SPEC "Wait State": "a non-negative integer"; the guide: from 0 to 99999999.
    ({"Type": "Wait", "SecondsPath": "$.s"}, 0.5, False), ({"Type": "Wait", "SecondsPath": "$.s"}, 100_000_000, False),
    ({"Type": "Wait", "SecondsPath": "$.s"}, -1, False), ({"Type": "Wait", "SecondsPath": "$.s"}, "1", False),
    ({"Type": "Wait", "SecondsPath": "$.s"}, 0, True), ({"Type": "Wait", "SecondsPath": "$.s"}, 99_999_999, True),
    # SPEC "Timeouts": "positive integers", found in the state's input, whatever Parameters make of it.
    ({**TASK, "Parameters": {"q": 1}, "TimeoutSecondsPath": "$.s"}, 1, True),
    ({**TASK, "Parameters": {"q": 1}, "TimeoutSecondsPath": "$.s"}, 0, False),
    ({**TASK, "Parameters": {"q": 1}, "HeartbeatSecondsPath": "$.s"}, 1.5, False),
]  # fmt: skip


@pytest.mark.parametrize(("state", "value", "is_good"), WHOLE_SECONDS)
def test_seconds_are_whole(state: dict[str, Any], value: Any, is_good: bool) -> None:
    found = ran(state, {"s": value})
    assert found.status == ("SUCCEEDED" if is_good else "FAILED")
    assert found.error == ("" if is_good else "States.Runtime")


def test_jsonatas_seconds_are_whole() -> None:
    state = {"Type": "Wait", "Seconds": "{% $states.input.s / 2 %}", "End": True}
    assert ran(state, {"s": 3}, QueryLanguage="JSONata").error == "States.QueryEvaluationError"
    found = ran(state, {"s": 4}, QueryLanguage="JSONata")
    assert (found.status, found.stopped_at) == ("SUCCEEDED", 2.0)
