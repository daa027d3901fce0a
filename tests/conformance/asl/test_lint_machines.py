"""What a machine as a whole may be, rule by rule.

SPEC: https://states-language.net/spec.html. API: AWS's ValidateStateMachineDefinition and the diagnostics that it is
documented to give. MEASURED: what AWS answered to others, in the public issue that is named.
"""

import json
from typing import Any

import pytest

from penstock.states import lint, parse
from penstock.states.lint import AWS_ONLY, CODES

END = {"Type": "Pass", "End": True}
TASK = "arn:aws:lambda:us-east-1:123456789012:function:F"


def machine(**fields: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": END}, **fields}


def of(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def parallel(*branches: Any) -> dict[str, Any]:
    return of(P={"Type": "Parallel", "Branches": list(branches), "End": True})


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("SPEC, Top-level fields", machine(Comment="c", Version="1.0", TimeoutSeconds=99_999_999)),
    ("SPEC, Top-level fields", machine(QueryLanguage="JSONPath")),
    ("SPEC, Top-level fields", machine(QueryLanguage="JSONata")),
    ("SPEC, States: 80 characters", {"StartAt": "é" * 80, "States": {"é" * 80: END}}),
    ("SPEC, Transitions: several ways into one state", of(
        A={"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "B"}], "Default": "C"},
        B={"Type": "Pass", "Next": "C"}, C={"Type": "Succeed"})),
    ("SPEC, Transitions: a loop with a way out", of(
        A={"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "A"}], "Default": "C"},
        C={"Type": "Fail"})),
    ("SPEC, Errors: a Catch is a transition", of(
        A={"Type": "Task", "Resource": TASK, "End": True, "Catch": [{"ErrorEquals": ["E"], "Next": "B"}]}, B=END)),
    ("DG, Discovering AWS: a state in JSONata in a machine in JSONPath", of(A={**END, "QueryLanguage": "JSONata",
                                                                          "Output": {}})),
    ("SPEC, Parallel State: branches with a Comment", parallel({**of(B=END), "Comment": "c"})),
]  # fmt: skip

REFUSED: list[tuple[str, Any, str, str]] = [
    ("SPEC, Structure", [], "$", "type"),
    ("SPEC, Structure", "A", "$", "type"),
    ("SPEC, Top-level fields: StartAt MUST be there", {"States": {"A": END}}, "$", "required"),
    ("SPEC, Top-level fields: StartAt MUST match a state", machine(StartAt="a"), "$.StartAt", "dangling"),
    ("SPEC, Top-level fields: StartAt is a string", machine(StartAt=1), "$.StartAt", "dangling"),
    ("SPEC, Top-level fields: States MUST be there", {"StartAt": "A"}, "$", "required"),
    ("SPEC, Top-level fields: States", machine(States={}), "$", "required"),
    ("SPEC, Top-level fields: States", machine(States=[END]), "$", "required"),
    ("SPEC, Top-level fields: Version", machine(Version="2.0"), "$.Version", "value"),
    ("SPEC, Top-level fields: Comment is a string", machine(Comment=1), "$.Comment", "type"),
    ("SPEC, Top-level fields: TimeoutSeconds", machine(TimeoutSeconds=0), "$.TimeoutSeconds", "value"),
    ("SPEC, Top-level fields: TimeoutSeconds", machine(TimeoutSeconds=1.5), "$.TimeoutSeconds", "value"),
    ("SPEC, Top-level fields: TimeoutSeconds", machine(TimeoutSeconds="9"), "$.TimeoutSeconds", "value"),
    ("API, Maximum value is 99999999", machine(TimeoutSeconds=100_000_000), "$.TimeoutSeconds", "value"),
    ("SPEC, Top-level fields: QueryLanguage", machine(QueryLanguage="JMESPath"), "$.QueryLanguage", "value"),
    ("SPEC, Top-level fields: QueryLanguage", machine(QueryLanguage=[]), "$.QueryLanguage", "value"),
    ("API, Field is not supported", machine(Name="m"), "$.Name", "unknown-field"),
    ("API, INVALID_STATE_NAME (80 characters)",
     {"StartAt": "A" * 81, "States": {"A" * 81: END}}, f"$.States.{'A' * 80}",
     "name"),
    ("API, INVALID_STATE_NAME", {"StartAt": "", "States": {"": END}}, "$.States.", "name"),
    ("SPEC, States: a state is an object", of(A=1, B=END), "$.States.A", "type"),
    ("SPEC, States: Type MUST be there", of(A={"End": True}), "$.States.A.Type", "type"),
    ("SPEC, States: Type", of(A={"Type": "task", "End": True}), "$.States.A.Type", "type"),
    ("SPEC, States: Type", of(A={"Type": ["Pass"], "End": True}), "$.States.A.Type", "type"),
    ("SPEC, State fields: Comment", of(A={**END, "Comment": {}}), "$.States.A.Comment", "type"),
    ("API, DUPLICATE_STATE_NAME: unique over the whole machine", parallel(of(B=END), of(B=END)),
     "$.States.P.Branches[1].States.B", "duplicate-name"),
    ("API, DUPLICATE_STATE_NAME: a Map and its states", of(M={"Type": "Map", "ItemProcessor": of(M=END), "End": True}),
     "$.States.M.ItemProcessor.States.M", "duplicate-name"),
    ("SPEC, Transitions: Next or End", of(A={"Type": "Pass", "Next": "B", "End": True}, B=END), "$.States.A",
     "transition"),
    ("SPEC, Transitions: a Succeed has no Next", of(A={"Type": "Succeed", "Next": "B"}, B=END), "$.States.A.Next",
     "unknown-field"),
    ("SPEC, Transitions: a Fail has no End", of(A={"Type": "Fail", "End": True}), "$.States.A.End", "unknown-field"),
    ("SPEC, Transitions: a Choice has no Next", of(
        A={"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "B"}], "Next": "B"}, B=END),
     "$.States.A.Next", "unknown-field"),
    ("API, MISSING_TRANSITION_TARGET, Default", of(
        A={"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "B"}], "Default": "X"}, B=END),
     "$.States.A.Default", "dangling"),
    ("API, MISSING_TRANSITION_TARGET, a catcher's Next", of(
        A={"Type": "Task", "Resource": TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "X"}], "End": True}),
     "$.States.A.Catch[0].Next", "dangling"),
    ("API, MISSING_TRANSITION_TARGET (localstack issue 11978): State is not reachable", of(A=END, B=END), "$.States.B",
     "unreachable"),
    ("MEASURED, floci issue 2735: MISSING_END_STATE",
     of(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
     "$", "no-end"),
    ("MEASURED, floci issue 2968: JSONPath in a machine in JSONata", machine(
        QueryLanguage="JSONata", States={"A": {**END, "QueryLanguage": "JSONPath"}}), "$.States.A.QueryLanguage",
     "value"),
    ("MEASURED, floci issue 2968: QueryLanguage of an ItemProcessor", of(
        M={"Type": "Map", "ItemProcessor": {**of(B=END), "QueryLanguage": "JSONata"}, "End": True}),
     "$.States.M.ItemProcessor.QueryLanguage", "unknown-field"),
    ("MEASURED, floci issue 2968: QueryLanguage of an Iterator", of(
        M={"Type": "Map", "Iterator": {**of(B=END), "QueryLanguage": "JSONata"}, "End": True}),
     "$.States.M.Iterator.QueryLanguage", "unknown-field"),
    ("MEASURED, floci issue 2968: a Map's QueryLanguage does not reach into it", of(
        M={"Type": "Map", "QueryLanguage": "JSONata", "ItemProcessor": of(B={**END, "Output": 1}), "End": True}),
     "$.States.M.ItemProcessor.States.B.Output", "query-language"),
    ("MEASURED, floci issue 2735: TimeoutSeconds is a Task's", of(A={**END, "TimeoutSeconds": 5}),
     "$.States.A.TimeoutSeconds", "unknown-field"),
    ("MEASURED, floci issue 2735: Catch is not a Pass's", of(A={**END, "Catch": []}), "$.States.A.Catch",
     "unknown-field"),
    ("MEASURED, floci issue 2735: Retry is not a Wait's",
     of(A={"Type": "Wait", "Seconds": 1, "End": True, "Retry": []}),
     "$.States.A.Retry", "unknown-field"),
    ("SPEC, Parallel State: Branches is an array", parallel(), "$.States.P.Branches", "type"),
    ("SPEC, Parallel State: StartAt of a branch", parallel({"States": {"B": END}}), "$.States.P.Branches[0]",
     "required"),
    ("SPEC, Parallel State: no way out of a branch", {"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "Branches": [of(B={"Type": "Pass", "Next": "C"}, D=END)], "Next": "C"}, "C": END}},
     "$.States.P.Branches[0].States.B.Next", "dangling"),
    ("SPEC, Parallel State: TimeoutSeconds is the machine's", parallel({**of(B=END), "TimeoutSeconds": 5}),
     "$.States.P.Branches[0].TimeoutSeconds", "unknown-field"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "document"), ACCEPTED)
def test_what_is_accepted(section: str, document: Any) -> None:
    assert lint(json.dumps(document), warnings=True) == [], section
    parse(json.dumps(document))


@pytest.mark.parametrize(("section", "document", "where", "code"), REFUSED)
def test_what_is_refused(section: str, document: Any, where: str, code: str) -> None:
    # A state that nothing leads to any more is a mistake of its own.
    findings = lint(json.dumps(document))
    found = [(one.where, one.code) for one in findings if code == "unreachable" or one.code != "unreachable"]
    assert found == [(where, code)], section
    assert code in CODES
    assert all(one.message and one.hint for one in findings)


def test_all_mistakes_of_one_document_are_told_at_once() -> None:
    loop = of(A={"Type": "Pass", "Next": "NOPE"}, B={"Type": "Pass", "Next": "A"})
    assert [(one.where, one.code) for one in lint(json.dumps(loop))] == [
        ("$", "no-end"), ("$.States.A.Next", "dangling"), ("$.States.B", "unreachable"),
    ]  # fmt: skip


def test_what_aws_alone_asks_for_can_be_parsed() -> None:
    loop = of(A={"Type": "Task", "Resource": "urn:collect", "Next": "A"})
    assert {one.code for one in lint(json.dumps(loop))} == AWS_ONLY
    parse(json.dumps(loop))


TEXTS = [
    ("API, MISSING_DESCRIPTION", "", "json"), ("API, INVALID_JSON_DESCRIPTION", "{", "json"),
    ("RFC 8259, section 6", '{"StartAt": NaN}', "json"), ("RFC 8259, section 2", '{"StartAt": "A"} {}', "json"),
    ("RFC 8259, section 4", '{"StartAt": "A", "StartAt": "B"}', "duplicate-key"),
    ("SPEC, States: names", '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "A": {"Type": "Fail"}}}',
     "duplicate-key"),
    ("API, CreateStateMachine: 1 MB", " " * (1024 * 1024) + "{}", "size"),
    ("API, TOO_DEEPLY_NESTED", '{"StartAt":' + "[" * 200 + "]" * 200 + "}", "depth"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "text", "code"), TEXTS)
def test_texts_that_are_no_document(section: str, text: str, code: str) -> None:
    assert [one.code for one in lint(text)] == [code], section
    assert [one.code for one in lint(text.encode())] == [code], section
