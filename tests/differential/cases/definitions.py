"""Definitions that are to be refused, and some that are to be taken."""

from __future__ import annotations

from typing import Any

from tests.differential.case import Case, alone

PASS = {"Type": "Pass", "End": True}

# (name, definition)
DOCUMENTS: list[tuple[str, Any]] = [
    ("comments", {"Comment": "c", "Version": "1.0", "StartAt": "A", "States": {"A": {**PASS, "Comment": "c"}}}),
    ("no-start", {"States": {"A": PASS}}),
    ("start-nowhere", {"StartAt": "B", "States": {"A": PASS}}),
    ("no-states", {"StartAt": "A", "States": {}}),
    ("next-nowhere", {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}),
    ("no-end", {"StartAt": "A", "States": {"A": {"Type": "Pass"}}}),
    ("next-and-end", {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B", "End": True}, "B": PASS}}),
    ("unreachable", {"StartAt": "A", "States": {"A": PASS, "B": PASS}}),
    ("unknown-type", {"StartAt": "A", "States": {"A": {"Type": "Nap", "End": True}}}),
    ("unknown-field", alone(Type="Pass", Colour="red")),
    ("no-type", {"StartAt": "A", "States": {"A": {"End": True}}}),
    ("task-without-resource", alone(Type="Task")),
    ("wait-without-time", alone(Type="Wait")),
    ("wait-with-two-times", alone(Type="Wait", Seconds=1, SecondsPath="$.s")),
    ("wait-negative", alone(Type="Wait", Seconds=-1)),
    ("wait-bad-timestamp", alone(Type="Wait", Timestamp="soon")),
    ("choice-without-choices", {"StartAt": "S", "States": {"S": {"Type": "Choice", "Default": "A"}, "A": PASS}}),
    ("choice-empty", {"StartAt": "S", "States": {"S": {"Type": "Choice", "Choices": [], "Default": "A"}, "A": PASS}}),
    ("bad-path", alone(Type="Pass", InputPath="a.b")),
    ("bad-result-path", alone(Type="Pass", ResultPath="$.a[*]")),
    ("fail-with-both", alone(Type="Fail", Error="E", ErrorPath="$.e")),
    ("parallel-empty", alone(Type="Parallel", Branches=[])),
    ("catch-nowhere", alone(Type="Task", Resource="arn:aws:lambda:eu-central-1:123456789012:function:f",
                            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}])),
    ("all-not-alone", alone(Type="Task", Resource="arn:aws:lambda:eu-central-1:123456789012:function:f",
                            Retry=[{"ErrorEquals": ["States.ALL", "E"]}])),
    ("query-language-unknown", {"QueryLanguage": "XPath", **alone(Type="Pass")}),
    ("not-an-object", [1, 2]),
]  # fmt: skip

DEFINITIONS = [Case(f"definition/{name}", "state-machine-structure", document) for name, document in DOCUMENTS]
