"""An Amazon States Language document → a compiled machine."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.errors import InvalidWorkflowError, report
from penstock.states import jsonata
from penstock.states.choice import compile_rule
from penstock.states.flow import Flow, JsonataFlow, JsonPathFlow
from penstock.states.lint import AWS_ONLY, lint
from penstock.states.machine import Catcher, Machine, Retrier, Rule, State
from penstock.states.map_run import distribution

JSONPATH = "JSONPath"


def parse(document: bytes | str) -> Machine:
    """Returns the machine of a document.

    Raises:
        InvalidWorkflowError: the document has mistakes; ``data["findings"]`` lists all of them.
    """
    findings = [finding for finding in lint(document) if finding.code not in AWS_ONLY]
    if findings:
        raise InvalidWorkflowError(
            f"the workflow has {len(findings)} mistake{'s' if len(findings) > 1 else ''}:\n{report(findings)}",
            hint="see https://states-language.net",
            findings=[msgspec.to_builtins(finding) for finding in findings],
        )
    return _machine(msgspec.json.decode(document))


def _machine(document: dict[str, Any], language: str = JSONPATH) -> Machine:
    language = document.get("QueryLanguage", language)
    return Machine(
        start_at=document["StartAt"],
        states={name: _state(name, body, language) for name, body in document["States"].items()},
        timeout_seconds=document.get("TimeoutSeconds"),
        comment=document.get("Comment", ""),
    )


def _state(name: str, body: dict[str, Any], outer: str) -> State:
    kind, language = body["Type"], body.get("QueryLanguage", outer)
    flow: Flow = JsonPathFlow(body) if language == JSONPATH else JsonataFlow(body)
    is_map = kind == "Map"
    return State(
        name=name,
        type=kind,
        following=body.get("Next"),
        begin=flow.begin(),
        finish=flow.finish(),
        assign=flow.assign(),
        is_jsonata=language != JSONPATH,
        retriers=tuple(_retrier(retrier) for retrier in body.get("Retry", ())),
        catchers=tuple(_catcher(catcher, number, flow) for number, catcher in enumerate(body.get("Catch", ()))),
        resource=body.get("Resource", ""),
        timeout=flow.field("TimeoutSeconds"),
        heartbeat=flow.field("HeartbeatSeconds"),
        # The state's language does not reach into it: a machine inside has the outer one, or its own.
        branches=tuple(_machine(branch, outer) for branch in body.get("Branches", ())),
        processor=_processor(body, outer),
        items=flow.items() if is_map else None,
        selector=flow.selector() if is_map else None,
        concurrency=flow.field("MaxConcurrency"),
        distribution=distribution(body, flow),
        rules=tuple(_rule(rule, number, flow) for number, rule in enumerate(body.get("Choices", ()))),
        default=body.get("Default"),
        seconds=flow.field("Seconds"),
        moment=flow.field("Timestamp"),
        has_result="Result" in body,
        result=body.get("Result"),
        error=flow.field("Error", calls=True),
        cause=flow.field("Cause", calls=True),
    )


def _processor(body: dict[str, Any], language: str) -> Machine | None:
    document = body.get("ItemProcessor", body.get("Iterator"))
    return None if document is None else _machine(document, language)


def _rule(body: dict[str, Any], number: int, flow: Flow) -> Rule:
    output, assign = flow.branch(body, number)
    if isinstance(flow, JsonPathFlow):
        return Rule(compile_rule(body), body["Next"], output, assign)
    condition, place = body["Condition"], f"Choices[{number}]/Condition"

    def test(value: Any, around: Any) -> bool:
        found = jsonata.evaluate(
            condition,
            around.bindings(value),
            place=place,
            accepts=lambda value: isinstance(value, bool),
            kind="boolean",
        )
        return found is True

    return Rule(test, body["Next"], output, assign)


def _retrier(body: dict[str, Any]) -> Retrier:
    return Retrier(
        errors=tuple(body["ErrorEquals"]),
        interval_seconds=body.get("IntervalSeconds", 1),
        max_attempts=body.get("MaxAttempts", 3),
        backoff_rate=body.get("BackoffRate", 2.0),
        max_delay_seconds=body.get("MaxDelaySeconds"),
        full_jitter=body.get("JitterStrategy") == "FULL",
    )


def _catcher(body: dict[str, Any], number: int, flow: Flow) -> Catcher:
    return Catcher(tuple(body["ErrorEquals"]), body["Next"], *flow.caught(body, number))
