"""Paths, payload templates and result paths, as the specification and AWS have them.

SPEC: https://states-language.net/spec.html, AWS: the Step Functions developer guide.
"""

import json
from typing import Any

import pytest

from penstock.states import ExecutionContext, Finish, lint, parse, start

CONTEXT = ExecutionContext("execution-1", "execution-1", 0.0, "machine", "name")


def run(state: dict[str, Any], value: Any) -> Finish:
    document = {"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True, **state}}}
    finish = start(parse(json.dumps(document)), value, CONTEXT, at=0.0, seed="s").commands[-1]
    assert isinstance(finish, Finish)
    return finish


# SPEC, "Reference Paths": the list of acceptable syntax, with a document in which each names 1.
ACCEPTABLE = [
    (r"$.store.book", {"store": {"book": 1}}),
    (r"$.store\.book", {"store.book": 1}),
    (r"$.\stor\e.boo\k", {"store": {"book": 1}}),
    (r"$.store.book.title", {"store": {"book": {"title": 1}}}),
    (r"$.foo.\.bar", {"foo": {".bar": 1}}),
    (r"$.foo\@bar.baz\[\[.\?pretty", {"foo@bar": {"baz[[": {"?pretty": 1}}}),
    ("$.&Ж中.\U00010346", {"&Ж中": {"\U00010346": 1}}),
    (r"$.ledgers.branch[0].pending.count", {"ledgers": {"branch": [{"pending": {"count": 1}}]}}),
    (r"$.ledgers.branch[0]", {"ledgers": {"branch": [1]}}),
    (r"$.ledgers[0][22][315].foo", {"ledgers": [[[]] * 22 + [[{}] * 315 + [{"foo": 1}]]]}),
    (r"$['store']['book']", {"store": {"book": 1}}),
    (r"$['store'][0]['book']", {"store": [{"book": 1}]}),
    # AWS, "Using paths": square brackets for names with other characters, after a dot too.
    (r"$.abc.['def ghi']", {"abc": {"def ghi": 1}}),
    # AWS, "EventBridge events": a name with a hyphen.
    (r"$.detail-type", {"detail-type": 1}),
]


@pytest.mark.parametrize(("path", "value"), ACCEPTABLE)
def test_acceptable_reference_paths(path: str, value: Any) -> None:
    assert run({"InputPath": path}, value).output == 1
    assert run({"Result": 2, "ResultPath": path, "OutputPath": path}, value).output == 2


# AWS, "Using paths", and SPEC, "Reference Paths": the example, and JSONPath of the payload template's example.
FOUND = [
    ("$.foo", 123), ("$.bar", ["a", "b", "c"]), ("$.car.cdr", True), ("$.vals[0]", 0), ("$.vals[-3:]", [30, 40, 50]),
    ("$.jar[?(@.a >= 5)]", [{"a": 5}, {"a": 7}]), ("$.vals[0,1]", [0, 10]), ("$.vals[-1]", 50),
    ("$..a", [1, 5, 2, 7, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), FOUND)
def test_what_paths_find(path: str, expected: Any) -> None:
    value = {
        "foo": 123, "bar": ["a", "b", "c"], "car": {"cdr": True}, "vals": [0, 10, 20, 30, 40, 50],
        "jar": [{"a": 1}, {"a": 5}, {"a": 2}, {"a": 7}, {"a": 3}],
    }  # fmt: skip
    assert run({"InputPath": path}, value).output == expected
    assert run({"Parameters": {"x.$": path}}, value).output == {"x": expected}


# Hand-made: what a path must not take for something it is not.
NOT_FOUND = [
    ("$[0][0]", ["text"]), ("$.a.a", {"a": "text"}), ("$.a[0]", {"a": {"0": 1}}), ("$.a.b", {"a": [1]}),
    ("$[1]", [1]), ("$[-2]", [1]), ("$.a", "text"), ("$.a", None), ("$.a", 1), ("$.a", True),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), NOT_FOUND)
def test_paths_that_find_nothing(path: str, value: Any) -> None:
    finish = run({"InputPath": path}, value)
    assert (finish.status, finish.error) == ("FAILED", "States.Runtime")


# SPEC, "Input/Output Processing Examples" and "Using … ResultPath": raw input, result, path, output.
PLACED = [
    ({"master": {"detail": [1, 2, 3]}}, 6, "$.master.detail", {"master": {"detail": 6}}),
    ({"master": {"detail": [1, 2, 3]}}, 6, "$.master.result.sum",
     {"master": {"detail": [1, 2, 3], "result": {"sum": 6}}}),
    ({"a": 1}, "Hi!", "$.b.greeting", {"a": 1, "b": {"greeting": "Hi!"}}),
    ({"a": [1, 2]}, 9, "$.a[1]", {"a": [1, 9]}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "result", "path", "expected"), PLACED)
def test_result_paths(value: Any, result: Any, path: str, expected: Any) -> None:
    before = json.dumps(value)
    assert run({"Result": result, "ResultPath": path}, value).output == expected
    assert json.dumps(value) == before


# SPEC, "Runtime Errors": the input is the string "foo" and ResultPath is "$.x".
def test_a_result_path_that_does_not_fit() -> None:
    found = run({"Result": 1, "ResultPath": "$.x"}, "foo")
    assert (found.error, found.cause) == (
        "States.ReferencePathConflict", 'Unable to apply ReferencePath $.x to input "foo"'
    )  # fmt: skip


# SPEC, "Payload Template": the example but for its intrinsic function.
def test_the_payload_template_of_the_specification() -> None:
    template = {
        "flagged": True,
        "parts": {"first.$": "$.vals[0]", "last3.$": "$.vals[-3:]"},
        "name.$": "$$.Execution.Name",
    }
    output = run({"Parameters": template}, {"flagged": 7, "vals": [0, 10, 20, 30, 40, 50]}).output
    assert output == {"flagged": True, "parts": {"first": 0, "last3": [30, 40, 50]}, "name": "execution-1"}


# SPEC: "MUST be a Reference Path", "MUST NOT begin with $$", "MUST NOT have duplicate field names".
REFUSED = [
    {"ResultPath": "$.a[*]"}, {"ResultPath": "$$.a"}, {"ResultPath": "$.a[?(@.b)]"}, {"ResultPath": "$.a[-1]"},
    {"ResultPath": "$..a"}, {"ResultPath": "a"}, {"ResultPath": 1}, {"InputPath": "$foo bar"}, {"InputPath": "$.a."},
    {"InputPath": "$.."}, {"InputPath": "$['a"}, {"InputPath": "$.a.length()"}, {"InputPath": ""},
    {"Parameters": {"a": 1, "a.$": "$.b"}}, {"Parameters": {"a.$": "b"}}, {"Parameters": {"a.$": 1}},
    {"Parameters": {"a": [{"b.$": "$["}]}}, {"Parameters": {"a.$": "States.UUID(1)"}},
]  # fmt: skip


@pytest.mark.parametrize("fields", REFUSED)
def test_paths_and_templates_that_are_refused(fields: dict[str, Any]) -> None:
    findings = lint(json.dumps({"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True, **fields}}}))
    assert len(findings) == 1
    assert findings[0].where.startswith(f"$.States.S.{next(iter(fields))}")
    assert "\n" not in findings[0].message
