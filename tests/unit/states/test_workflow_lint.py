"""Lint finds every mistake, of any text at all; ``parse`` refuses what it finds a mistake of the language in."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InvalidWorkflowError
from penstock.states import ExecutionContext, lint, parse, start
from penstock.states.lint import AWS_ONLY, CODES

CONTEXT = ExecutionContext("e", "e", 0.0, "m", "m")
RESOURCE = "arn:aws:states:::lambda:invoke"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["Task", "Pass", "Choice", "$.a", "$$", "$.a[", "States.ALL", "A"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["StartAt", "States", "Type", "Next", "End", "Choices", "Variable", "Branches", "Retry",
                         "Catch", "ErrorEquals", "Seconds", "Parameters", "x.$", "A", "And", "Not"])
        | st.text(max_size=5),
        inner, max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_lint_takes_anything_and_parse_takes_what_lint_takes(value: Any) -> None:
    check(json.dumps(value))


def test_hostile_documents_are_findings() -> None:
    for text in ("", "{", "[" * 100_000, '{"a":' * 5000, "NaN", '{"A":1,"A":2}', "\x00", b"\xff\xfe", "x" * 2_000_000):
        assert lint(text)


def test_every_mistake_is_found_at_once() -> None:
    text = json.dumps({
        "StartAt": "Missing", "Staets": {}, "TimeoutSeconds": -1,
        "States": {
            "A": {"Type": "Task", "Next": "B", "End": True, "Retry": [{"ErrorEquals": ["States.ALL", "X"]}]},
            "B": {"Type": "Wait", "Seconds": 1, "Timestamp": "soon", "End": True},
            "C": {"Type": "Choice", "Choices": [{"Variable": "x", "NumericEquals": "1", "Next": "Z"}]},
            "D": {"Type": "Map", "End": True},
            "E": {"Type": "Task", "Resource": RESOURCE, "Assign": {}, "End": True},
        },
    })  # fmt: skip
    codes = sorted(finding.code for finding in lint(text))
    assert codes == [
        "all", "dangling", "dangling", "path", "required", "required", "transition", "type", "unknown-field",
        "value", "value", "wait",
    ]  # fmt: skip


def states(**fields: Any) -> dict[str, Any]:
    return {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": RESOURCE, "End": True, **fields}}}


# A sound document in which one value is anything: nearer to the rules than a document of chance.
@settings(max_examples=100, deadline=None)
@given(st.data(), JSON)
def test_any_value_in_any_place_of_a_sound_document(data: st.DataObject, value: Any) -> None:
    body = states(
        Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1, "MaxDelaySeconds": 2,
                "JitterStrategy": "FULL"}],
        Catch=[{"ErrorEquals": ["E"], "ResultPath": "$.e", "Next": "C"}],
        Parameters={"a": [{"b.$": "$.c"}]}, ResultSelector={}, ResultPath="$.r", InputPath="$", OutputPath="$",
        TimeoutSeconds=9, HeartbeatSeconds=3,
    )  # fmt: skip
    del body["States"]["S"]["End"]
    body["States"]["S"]["Next"] = "P"
    branch = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}
    body["States"]["P"] = {"Type": "Parallel", "Branches": [branch], "Next": "C"}
    rule = {"And": [{"Not": {"Variable": "$.x", "StringMatches": "*"}}], "Next": "F"}
    body["States"]["C"] = {"Type": "Choice", "Choices": [rule], "Default": "F"}
    body["States"]["F"] = {"Type": "Fail", "ErrorPath": "$.e", "Cause": "c"}
    assert lint(json.dumps(body)) == []
    place: Any = body
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    place[key] = value
    check(json.dumps(body))


def check(text: str | bytes) -> None:
    """What lint finds nothing in, is parsed and can be started; the rest is refused with the same findings."""
    findings = [finding for finding in lint(text) if finding.code not in AWS_ONLY]
    assert {finding.code for finding in lint(text, warnings=True)} <= set(CODES)
    if not findings:
        step = start(parse(text), {"x": "y"}, CONTEXT, at=0.0, seed="s")
        assert step.commands
        return
    with pytest.raises(InvalidWorkflowError) as refused:
        parse(text)
    assert len(refused.value.data["findings"]) == len(findings)


# JSON that one of two decoders takes and the other does not.
@pytest.mark.parametrize(
    "inner",
    ['1e999', '"\\ud800"', '"\\u0000"', "1" + "0" * 400, "1" + "0" * 5000, "-0", "1.0", "Infinity", "[1,]", '"\t"'],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lint_and_parse_read_the_same_json(inner: str, encoding: str) -> None:
    text = '{"StartAt":"S","States":{"S":{"Type":"Pass","End":true,"Result":' + inner + "}}}"
    check(text.encode(encoding))
    check(text)


MISTAKES = [
    (states(Retyr=[]), "$.States.S.Retyr", "unknown-field", "did you mean Retry?"),
    (states(Catch=[{"ErrorEquals": ["E"], "Nxt": "S", "Next": "S"}]), "$.States.S.Catch[0].Nxt", "unknown-field",
     "did you mean Next?"),
    (states(Catch=[{"ErrorEquals": ["E"], "Next": "S", "ResultPath": "$$.x"}]), "$.States.S.Catch[0].ResultPath",
     "path", ""),
    (states(Resource=""), "$.States.S.Resource", "value", ""),
    (states(TimeoutSeconds=0), "$.States.S.TimeoutSeconds", "value", ""),
    (states(TimeoutSecondsPath="$.a[*]"), "$.States.S.TimeoutSecondsPath", "path", ""),
    (states(Assign={"states": 1}), "$.States.S.Assign.states", "variable", ""),
    (states(QueryLanguage="SQL"), "$.States.S.QueryLanguage", "value", "JSONata"),
    (states(QueryLanguage="JSONata", InputPath="$.a"), "$.States.S.InputPath", "query-language", ""),
    (states(QueryLanguage="JSONata", Arguments={"a": ["{% 1 + %}"]}), "$.States.S.Arguments.a[0]", "jsonata", ""),
    (states(QueryLanguage="JSONata", Arguments="{% $states.result %}"), "$.States.S.Arguments", "jsonata", ""),
    ({**states(), "QueryLanguage": "JSONata", "States": {"S": {"Type": "Succeed", "QueryLanguage": "JSONPath"}}},
     "$.States.S.QueryLanguage", "value", ""),
    (states(Parameters={"x.$": "States.UUID(1)"}), "$.States.S.Parameters.x.$", "intrinsic", ""),
    (states(Retry=[{"ErrorEquals": ["E"], "JitterStrategy": []}]), "$.States.S.Retry[0].JitterStrategy", "value", ""),
    (states(Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": -1}]), "$.States.S.Retry[0].IntervalSeconds", "value", ""),
    (states(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]), "$.States.S.Retry[0].ErrorEquals",
     "all", "end"),
    ({**states(), "StartAt": "s"}, "$.StartAt", "dangling", "did you mean 'S'?"),
    ({**states(), "StartAt": []}, "$.StartAt", "dangling", ""),
    ({**states(), "Version": "2.0"}, "$.Version", "value", "1.0"),
    ({"States": states()["States"]}, "$", "required", "begin"),
    ({"StartAt": "F", "States": {"F": {"Type": "Fail", "ErrorPath": "States.Format('{}'"}}}, "$.States.F.ErrorPath",
     "intrinsic", ""),
    ({"StartAt": "F", "States": {"F": {"Type": "Fail", "InputPath": "$.x"}}}, "$.States.F.InputPath", "unknown-field",
     ""),
    ({"StartAt": "F", "States": {"F": {"Type": "Succeed", "End": True}}}, "$.States.F.End", "unknown-field", ""),
    ({"StartAt": "M", "States": {"M": {"Type": "Map", "End": True}}}, "$.States.M", "required", "ItemProcessor"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "where", "code", "hint"), MISTAKES)
def test_each_mistake_has_its_place_and_its_mend(body: Any, where: str, code: str, hint: str) -> None:
    (finding,) = [finding for finding in lint(json.dumps(body)) if finding.code != "unreachable"]
    assert (finding.where, finding.code) == (where, code)
    assert hint in finding.hint
    assert finding.message


def test_jsonpath_may_be_named_as_the_query_language() -> None:
    assert lint(json.dumps({**states(QueryLanguage="JSONPath"), "QueryLanguage": "JSONPath"})) == []


def test_ten_thousand_mistakes_are_told_of_briefly() -> None:
    many = {f"State {number:05}": {"Type": "Pass", "Next": f"Stat {number:05}"} for number in range(10_000)}
    findings = lint(json.dumps({"StartAt": "State 00000", "States": many}))
    assert len(findings) == 1001
    assert findings[-1].code == "too-many"
    (long,) = lint(json.dumps(states(**{"x" * 100_000: 1})))
    assert len(long.where) + len(long.message) < 400


# API_ValidateStateMachineDefinition, "severity": "The default is ERROR", and the codes of warnings with their meanings.
WARNINGS = [
    ({"Type": "Pass", "Parameters": {"a": [{"b": "$.c"}], "x": "$x", "ok.$": "$.d"}, "End": True},
     [("Parameters.a[0].b", "no-dollar")]),
    ({"Type": "Pass", "Parameters": {"a": "States.UUID()", "b": "States.ALL"}, "End": True},
     [("Parameters.a", "no-dollar")]),
    ({"Type": "Pass", "Assign": {"a": "$$.State.Name"}, "End": True}, [("Assign.a", "no-dollar")]),
    ({"Type": "Fail", "Error": "$.error", "Cause": "costs $5"}, [("Error", "no-path")]),
    ({"Type": "Choice", "Choices": [{"Not": {"Variable": "$.a", "StringEquals": "$.b"}, "Next": "Z"}]},
     [("Choices[0].Not.StringEquals", "no-path")]),
    ({"Type": "Pass", "Result": {"a.$": "$.b"}, "End": True}, [("Result.a.$", "static-result")]),
    ({"Type": "Parallel", "End": True, "Branches": [{"StartAt": "B", "States": {"B": {
        "Type": "Fail", "Cause": "$.c"}}}]}, [("Branches[0].States.B.Cause", "no-path")]),
    ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"a": "$.b"}, "End": True}, []),
]  # fmt: skip


@pytest.mark.parametrize(("state", "expected"), WARNINGS)
def test_what_is_allowed_and_probably_not_meant(state: Any, expected: list[tuple[str, str]]) -> None:
    found = lint(json.dumps({"StartAt": "S", "States": {"S": state, "Z": {"Type": "Succeed"}}}), warnings=True)
    found = [one for one in found if one.code != "unreachable"]
    assert [(one.where.removeprefix("$.States.S."), one.code) for one in found] == expected
    assert all(one.severity == "WARNING" and one.hint for one in found)
    if "Choices" not in state:
        body = {"StartAt": "S", "States": {"S": state}}
        assert lint(json.dumps(body)) == []
        parse(json.dumps(body))


def large(state: Any) -> str:
    """A document of a megabyte, of the same state many times."""
    count = 1_000_000 // (len(json.dumps(state)) + 40)
    made = {f"S{n:06}": {**state, "Next": f"S{n + 1:06}"} for n in range(count)}
    made[f"S{count:06}"] = {"Type": "Succeed"}
    return json.dumps({"StartAt": "S000000", "States": made})


LARGE = [
    {"Type": "Pass"},
    {"Type": "Pass", "Assign": {"a": 1}, "InputPath": "$.items[?(@.a == 1)]"},
    {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.a %}"},
    {"Type": "Pass", "Parameters": {"a.$": "States.Format('{}', States.ArrayGetItem($.a, 0))"}},
]


# Time in proportion to the document: one that is a quarter takes a quarter, and none a minute.
@pytest.mark.parametrize("state", LARGE)
def test_a_large_document_is_linted_in_seconds(state: Any) -> None:
    text = large(state)
    began = time.process_time()
    assert lint(text, warnings=True) == []
    assert time.process_time() - began < 30


@pytest.mark.parametrize("depth", [1, 5, 15])
def test_machines_in_machines(depth: int) -> None:
    body: Any = {"StartAt": "S0", "States": {"S0": {"Type": "Succeed"}}}
    for number in range(1, depth + 1):
        name = f"S{number}"
        body = {"StartAt": name, "States": {name: {"Type": "Parallel", "Branches": [body], "End": True}}}
    check(json.dumps(body))
    assert lint(json.dumps(body)) == []
