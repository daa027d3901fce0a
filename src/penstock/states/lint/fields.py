"""Which fields each type of state has in JSONPath, and what their values may be.

https://states-language.net/spec.html#state-type-table
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states.choice import timestamp
from penstock.states.lint.numbers import check_seconds, is_wait
from penstock.states.lint.paths import check_either, check_path, path_or_call, result_path, template
from penstock.states.lint.words import shown
from penstock.states.retry import LONGEST_SECONDS

_COMMON = {"Type", "Comment", "QueryLanguage"}
_PATHS = {"InputPath", "OutputPath"}
_NEXT = {"Next", "End", "Assign"}
_RESULT = {"ResultPath", "Parameters"}
_FAILING = {"ResultSelector", "Retry", "Catch"}
_TIMES = {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
_ITEMS = {
    "ItemProcessor", "Iterator", "ItemsPath", "ItemSelector", "MaxConcurrency", "MaxConcurrencyPath", "ItemReader",
    "ItemBatcher", "ResultWriter", "Label", "ToleratedFailureCount", "ToleratedFailureCountPath",
    "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
}  # fmt: skip
FIELDS: dict[str, frozenset[str]] = {
    "Task": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | _FAILING | _TIMES | {"Resource", "Credentials"}),
    "Parallel": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | _FAILING | {"Branches"}),
    "Map": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | _FAILING | _ITEMS),
    "Pass": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | {"Result"}),
    "Wait": frozenset(_COMMON | _PATHS | _NEXT | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}),
    "Choice": frozenset(_COMMON | _PATHS | {"Choices", "Default", "Assign"}),
    "Succeed": frozenset(_COMMON | _PATHS),
    "Fail": frozenset(_COMMON | {"Error", "ErrorPath", "Cause", "CausePath"}),
}
REQUIRED = {"Task": ("Resource",), "Parallel": ("Branches",), "Choice": ("Choices",)}
JSONATA_ONLY: dict[str, frozenset[str]] = {
    "Task": frozenset({"Arguments", "Output"}),
    "Parallel": frozenset({"Arguments", "Output"}),
    "Map": frozenset({"Items", "Output"}),
    "Pass": frozenset({"Output"}),
    "Wait": frozenset({"Output"}),
    "Choice": frozenset({"Output"}),
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset(),
}


def check_values(kind: str, state: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields what is wrong with the values of a state's fields."""
    for field in [name for name in ("InputPath", "OutputPath") if state.get(name) is not None]:
        yield from check_path(state, field, where)
    yield from result_path(state, where)
    # The specification says objects; AWS takes any JSON (aws/amazon-states-language-service, pull request 83).
    for field in [name for name in ("Parameters", "ItemSelector", "ResultSelector") if name in state]:
        yield from template(state[field], f"{where}.{field}")
    if kind == "Task":
        for field in ("TimeoutSeconds", "HeartbeatSeconds"):
            yield from check_either(state, (field, f"{field}Path"), where)
            yield from check_seconds(state, field, where) if field in state else ()
            yield from check_path(state, f"{field}Path", where, reference=True, context=False)
    elif kind == "Wait":
        yield from _wait(state, where)
    elif kind == "Fail":
        yield from _fail(state, where)


def _fail(state: dict[str, Any], where: str) -> Iterator[Finding]:
    for field in ("Error", "Cause"):
        yield from check_either(state, (field, f"{field}Path"), where)
        if f"{field}Path" in state:
            yield from path_or_call(state[f"{field}Path"], f"{where}.{field}Path", reference=True)
        if not isinstance(state.get(field, ""), str):
            yield Finding(f"{where}.{field}", "type", f"{field} is text", "put it into quotes")


def _wait(state: dict[str, Any], where: str) -> Iterator[Finding]:
    given = [name for name in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if name in state]
    if len(given) != 1:
        yield Finding(where, "wait", f"the state has {len(given)} times to wait for", "give Seconds or Timestamp, once")
    if "Seconds" in state and not is_wait(state["Seconds"]):
        message = f"{shown(state['Seconds'])} is no time to wait"
        yield Finding(f"{where}.Seconds", "value", message, f"0 to {LONGEST_SECONDS}")
    if "Timestamp" in state and timestamp(state["Timestamp"]) is None:
        yield Finding(f"{where}.Timestamp", "value", "no timestamp", "such as 2026-02-20T07:57:00Z")
    for field in ("SecondsPath", "TimestampPath"):
        yield from check_path(state, field, where, reference=True, context=False)
