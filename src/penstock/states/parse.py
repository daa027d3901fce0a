"""An Amazon States Language document → a compiled machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from penstock.errors import InvalidWorkflowError
from penstock.model.findings import report
from penstock.states.choice import compile_rule
from penstock.states.lint import lint
from penstock.states.machine import Catcher, Machine, Retrier, State
from penstock.states.paths import Resolve, compile_path, compile_result_path
from penstock.states.templates import compile_path_or_call, compile_template


def parse(document: bytes | str) -> Machine:
    """Returns the machine of a document.

    Raises:
        InvalidWorkflowError: the document has mistakes; ``data["findings"]`` lists all of them.
    """
    findings = lint(document)
    if findings:
        raise InvalidWorkflowError(
            f"the workflow has {len(findings)} mistake{'s' if len(findings) > 1 else ''}:\n{report(findings)}",
            hint="see https://states-language.net",
            findings=[msgspec.to_builtins(finding) for finding in findings],
        )
    return _machine(msgspec.json.decode(document))


def _machine(document: dict[str, Any]) -> Machine:
    return Machine(
        start_at=document["StartAt"],
        states={name: _state(name, body) for name, body in document["States"].items()},
        timeout_seconds=document.get("TimeoutSeconds"),
        comment=document.get("Comment", ""),
    )


def _state(name: str, body: dict[str, Any]) -> State:
    kind = body["Type"]
    result_path = compile_result_path(body.get("ResultPath", "$"))
    return State(
        name=name,
        type=kind,
        following=body.get("Next"),
        input=compile_path(body.get("InputPath", "$")),
        output=compile_path(body.get("OutputPath", "$")),
        place=result_path,
        # A Map's are for each item.
        parameters=None if kind == "Map" else _template(body, "Parameters"),
        select=_template(body, "ResultSelector"),
        retriers=tuple(_retrier(retrier) for retrier in body.get("Retry", ())),
        catchers=tuple(_catcher(catcher) for catcher in body.get("Catch", ())),
        resource=body.get("Resource", ""),
        timeout=_constant_or_path(body, "TimeoutSeconds"),
        heartbeat=_constant_or_path(body, "HeartbeatSeconds"),
        branches=tuple(_machine(branch) for branch in body.get("Branches", ())),
        processor=_processor(body),
        items=compile_path(body.get("ItemsPath", "$")) if kind == "Map" else None,
        selector=_template(body, "ItemSelector") or (_template(body, "Parameters") if kind == "Map" else None),
        concurrency=_constant_or_path(body, "MaxConcurrency"),
        rules=tuple((compile_rule(rule), rule["Next"]) for rule in body.get("Choices", ())),
        default=body.get("Default"),
        seconds=_constant_or_path(body, "Seconds"),
        moment=_constant_or_path(body, "Timestamp"),
        has_result="Result" in body,
        result=body.get("Result"),
        error=_constant_or_path(body, "Error", compile_path_or_call),
        cause=_constant_or_path(body, "Cause", compile_path_or_call),
    )


def _processor(body: dict[str, Any]) -> Machine | None:
    document = body.get("ItemProcessor", body.get("Iterator"))
    return None if document is None else _machine(document)


def _template(body: dict[str, Any], name: str) -> Resolve | None:
    return compile_template(body[name]) if name in body else None


def _constant_or_path(
    body: dict[str, Any], name: str, compile_one: Callable[[str], Resolve] = compile_path
) -> Resolve | None:
    """Returns ``Name`` as a constant, or what ``NamePath`` names."""
    if name in body:
        constant = body[name]
        return lambda value, context: constant
    return compile_one(body[f"{name}Path"]) if f"{name}Path" in body else None


def _retrier(body: dict[str, Any]) -> Retrier:
    return Retrier(
        errors=tuple(body["ErrorEquals"]),
        interval_seconds=body.get("IntervalSeconds", 1),
        max_attempts=body.get("MaxAttempts", 3),
        backoff_rate=body.get("BackoffRate", 2.0),
        max_delay_seconds=body.get("MaxDelaySeconds"),
        full_jitter=body.get("JitterStrategy") == "FULL",
    )


def _catcher(body: dict[str, Any]) -> Catcher:
    return Catcher(tuple(body["ErrorEquals"]), body["Next"], compile_result_path(body.get("ResultPath", "$")))
