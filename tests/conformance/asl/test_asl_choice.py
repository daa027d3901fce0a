"""Choice rules. SPEC: https://states-language.net/spec.html#choice-state
AWS: https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

import json
import time
from typing import Any

import pytest

from penstock.states import ExecutionContext, Finish, lint, parse, start

CONTEXT = ExecutionContext("execution-1", "execution-1", 0.0, "machine", "name")


def document(rule: dict[str, Any], **fields: Any) -> str:
    states = {
        "S": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No", **fields},
        "Yes": {"Type": "Pass", "Result": True, "End": True},
        "No": {"Type": "Pass", "Result": False, "End": True},
    }
    return json.dumps({"StartAt": "S", "States": states})


def outcome(rule: dict[str, Any], value: Any) -> Finish:
    finish = start(parse(document(rule)), value, CONTEXT, at=0.0, seed="s").commands[-1]
    assert isinstance(finish, Finish)
    return finish


ORDER = {"LessThan": (True, False, False), "LessThanEquals": (True, True, False), "Equals": (False, True, False),
         "GreaterThanEquals": (False, True, True), "GreaterThan": (False, False, True)}  # fmt: skip
VALUES = {
    "String": ("A", "a", "b"), "Numeric": (-1, 0.0, 1e10),
    "Timestamp": ("2016-03-14T01:58:59.999Z", "2016-03-14T01:59:00Z", "2016-03-14T00:00:00-02:00"),
}  # fmt: skip


# SPEC: "StringEquals, StringEqualsPath, StringLessThan, …"; below, at and above the middle value.
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("name", ORDER)
def test_comparisons_and_their_path_variants(kind: str, name: str) -> None:
    values = VALUES[kind]
    for value, expected in zip(values, ORDER[name], strict=True):
        assert outcome({"Variable": "$.v", f"{kind}{name}": values[1]}, {"v": value}).output is expected
        rule = {"Variable": "$.v", f"{kind}{name}Path": "$.w"}
        assert outcome(rule, {"v": value, "w": values[1]}).output is expected


# SPEC: "if the values are not both of the appropriate type … the comparison will return false".
@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"StringEqualsPath": "$.w"}, {"v": 1, "w": 1}),
        ({"NumericLessThanPath": "$.w"}, {"v": 1, "w": "2"}),
        ({"NumericEqualsPath": "$.w"}, {"v": True, "w": 1}),
        ({"BooleanEqualsPath": "$.w"}, {"v": 1, "w": True}),
        ({"TimestampEqualsPath": "$.w"}, {"v": "2016-03-14", "w": "2016-03-14"}),
        ({"TimestampLessThan": "2016-03-14T01:59:00Z"}, {"v": "2016-03-14t01:58:00z"}),
        ({"StringMatches": "*"}, {"v": 1}),
    ],
)
def test_other_types_never_compare(rule: dict[str, Any], value: Any) -> None:
    assert outcome({"Variable": "$.v", **rule}, value).output is False


# SPEC: foo*.log, *.log and foo*.* are its examples; \* is an asterisk and \\ a backslash.
MATCHES = [
    ("foo*.log", "foo23.log", True), ("*.log", "zebra.log", True), ("foo*.*", "foobar.zebra", True),
    ("foo*.log", "foo.log", True), ("foo*.log", "foo23.log2", False), ("foo", "foo", True), ("foo", "fooo", False),
    ("", "", True), ("*", "", True), ("a*a", "a", False), ("a*a", "aa", True), ("a**b", "ab", True),
    ("*ab*ab*", "abab", True), ("*ab*ab*", "aba", False), ("a?c", "abc", False), ("[a]", "a", False),
    (r"a\*b", "a*b", True), (r"a\*b", "axb", False), (r"a\\*b", "a\\xb", True), (r"a\\b", r"a\b", True),
    ("a*c", "a\nc", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "value", "expected"), MATCHES)
def test_string_matches(pattern: str, value: str, expected: bool) -> None:
    assert outcome({"Variable": "$", "StringMatches": pattern}, value).output is expected


def test_string_matches_takes_no_time_on_a_hostile_text() -> None:
    before = time.perf_counter()
    assert outcome({"Variable": "$", "StringMatches": "*a" * 30 + "*b"}, "a" * 200_000).output is False
    assert time.perf_counter() - before < 2


# SPEC: "If an open escape backslash \ is found … the interpreter will throw a runtime error"; found before it runs.
@pytest.mark.parametrize("pattern", ["a\\", "a\\b", "\\\\\\x"])
def test_an_open_escape_is_refused(pattern: str) -> None:
    (finding,) = lint(document({"Variable": "$", "StringMatches": pattern}))
    assert finding.where == "$.States.S.Choices[0].StringMatches"


# SPEC: "if the Variable-field Path fails to match anything in the input no exception is thrown and … returns false".
def test_is_present_alone_may_miss() -> None:
    assert outcome({"Variable": "$.a.b", "IsPresent": True}, {}).output is False
    assert outcome({"Variable": "$.a.b", "IsPresent": False}, {"a": 1}).output is True
    assert outcome({"Variable": "$.a", "IsPresent": True}, {"a": None}).output is True
    missed = outcome({"Variable": "$.a.b", "IsNull": True}, {})
    assert (missed.status, missed.error) == ("FAILED", "States.Runtime")


# SPEC: "ceasing array processing when the boolean value has been unambiguously determined": $.missing is never read.
def test_and_and_or_stop_early() -> None:
    wrong = {"Variable": "$.missing", "IsNull": True}
    assert outcome({"And": [{"Variable": "$", "IsNumeric": True}, wrong]}, "x").output is False
    assert outcome({"Or": [{"Variable": "$", "IsString": True}, wrong]}, "x").output is True


# SPEC: the example of the Choice State.
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "Private", "value": 22}, "ValueInTwenties"),
        ({"type": "Public", "value": 22}, "Public"),
        ({"type": "Private", "value": 30, "rating": 5, "auditThreshold": 4}, "StartAudit"),
        ({"type": "Private", "value": 19.9, "rating": 4, "auditThreshold": 4}, "RecordEvent"),
    ],
)
def test_the_example_of_the_specification(value: Any, expected: str) -> None:
    private = {"Variable": "$.type", "StringEquals": "Private"}
    twenties = [
        {"Variable": "$.value", "IsPresent": True}, {"Variable": "$.value", "IsNumeric": True},
        {"Variable": "$.value", "NumericGreaterThanEquals": 20}, {"Variable": "$.value", "NumericLessThan": 30},
    ]  # fmt: skip
    audit = {"Variable": "$.rating", "NumericGreaterThanPath": "$.auditThreshold", "Next": "StartAudit"}
    names = ("Public", "ValueInTwenties", "StartAudit", "RecordEvent")
    states: dict[str, Any] = {
        "DispatchEvent": {
            "Type": "Choice",
            "Choices": [{"Not": private, "Next": "Public"}, {"And": twenties, "Next": "ValueInTwenties"}, audit],
            "Default": "RecordEvent",
        }
    }
    states |= {name: {"Type": "Pass", "Result": name, "End": True} for name in names}
    machine = parse(json.dumps({"StartAt": "DispatchEvent", "States": states}))
    assert start(machine, value, CONTEXT, at=0.0, seed="s").state.output == expected
