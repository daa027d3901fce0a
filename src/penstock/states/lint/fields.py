"""Which fields each type of state has, and what their values may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states import intrinsics
from penstock.states.choice import is_number, timestamp
from penstock.states.lint.words import shown
from penstock.states.paths import path_mistake
from penstock.states.retry import LONGEST_SECONDS
from penstock.states.variables import any_path_mistake

_COMMON = {"Type", "Comment", "QueryLanguage"}
_PATHS = {"InputPath", "OutputPath"}
_NEXT = {"Next", "End", "Assign"}
_RESULT = {"ResultPath", "Parameters"}
_FAILING = {"ResultSelector", "Retry", "Catch"}
_TIMES = {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
_ITEMS = {"ItemProcessor", "Iterator", "ItemsPath", "ItemSelector", "MaxConcurrency", "MaxConcurrencyPath"}
FIELDS: dict[str, frozenset[str]] = {
    "Task": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | _FAILING | _TIMES | {"Resource"}),
    "Parallel": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | _FAILING | {"Branches"}),
    "Map": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | _FAILING | _ITEMS),
    "Pass": frozenset(_COMMON | _PATHS | _NEXT | _RESULT | {"Result"}),
    "Wait": frozenset(_COMMON | _PATHS | _NEXT | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}),
    "Choice": frozenset(_COMMON | _PATHS | {"Choices", "Default", "Assign"}),
    "Succeed": frozenset(_COMMON | _PATHS),
    "Fail": frozenset(_COMMON | {"Error", "ErrorPath", "Cause", "CausePath"}),
}
NAME_SHOWN = 80
REQUIRED = {"Task": ("Resource",), "Parallel": ("Branches",), "Choice": ("Choices",)}


def check_values(kind: str, state: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields what is wrong with the values of a state's fields."""
    for field in [name for name in ("InputPath", "OutputPath") if state.get(name) is not None]:
        yield from _path(state, field, where)
    yield from result_path(state, where)
    for field in ("Parameters", "ItemSelector", "ResultSelector"):
        if field in state:
            yield from template(state[field], f"{where}.{field}")
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        yield from _either(state, (field, f"{field}Path"), where)
        if field in state:
            yield from positive_integer(state, field, where)
    yield from _either(state, ("Error", "ErrorPath"), where)
    yield from _either(state, ("Cause", "CausePath"), where)
    yield from _either(state, ("ItemSelector", "Parameters"), where) if kind == "Map" else ()
    yield from _either(state, ("MaxConcurrency", "MaxConcurrencyPath"), where)
    yield from concurrency(state.get("MaxConcurrency", 0), where)
    for field in [name for name in ("ErrorPath", "CausePath") if name in state]:
        yield from _path_or_call(state[field], f"{where}.{field}", reference=True)
    for field in ("TimeoutSecondsPath", "HeartbeatSecondsPath", "ItemsPath", "MaxConcurrencyPath"):
        yield from _path(state, field, where, reference=True)
    for field in ("Error", "Cause", "Resource", "Comment"):
        if field in state and not isinstance(state[field], str):
            yield Finding(f"{where}.{field}", "type", f"{field} is text", "put it into quotes")
    if state.get("Resource") == "":
        yield Finding(f"{where}.Resource", "value", "Resource is empty", "name what is to be called")
    yield from _heartbeat(state.get("TimeoutSeconds"), state.get("HeartbeatSeconds"), where)
    if kind == "Wait":
        yield from _wait(state, where)


def concurrency(limit: Any, where: str) -> Iterator[Finding]:
    """Yields a finding unless a Map's limit is a whole number from 0."""
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        message = f"{shown(limit)} is no number of iterations"
        yield Finding(f"{where}.MaxConcurrency", "value", message, "a whole number; 0 for as many as possible")


def _heartbeat(timeout: Any, heartbeat: Any, where: str) -> Iterator[Finding]:
    if is_number(timeout) and is_number(heartbeat) and heartbeat >= timeout:
        yield Finding(f"{where}.HeartbeatSeconds", "value", "a heartbeat is shorter than the timeout", "lower it")


def _wait(state: dict[str, Any], where: str) -> Iterator[Finding]:
    given = [name for name in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if name in state]
    if len(given) != 1:
        yield Finding(where, "wait", f"the state has {len(given)} times to wait for", "give Seconds or Timestamp, once")
    if "Seconds" in state:
        seconds = state["Seconds"]
        if not whole_seconds(seconds):
            yield Finding(
                f"{where}.Seconds", "value", f"{shown(seconds)} is no time to wait", f"0 to {LONGEST_SECONDS}"
            )
    if "Timestamp" in state and timestamp(state["Timestamp"]) is None:
        yield Finding(f"{where}.Timestamp", "value", "no timestamp", "such as 2026-02-20T07:57:00Z")
    for field in ("SecondsPath", "TimestampPath"):
        yield from _path(state, field, where, reference=True)


def whole_seconds(value: Any) -> bool:
    """Tells whether a value is a number of seconds that can be waited for."""
    return is_number(value) and 0 <= value <= LONGEST_SECONDS and value == int(value)


def _either(state: dict[str, Any], names: tuple[str, str], where: str) -> Iterator[Finding]:
    if all(name in state for name in names):
        yield Finding(where, "both", f"the state has both {names[0]} and {names[1]}", "keep one of them")


def result_path(body: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields what is wrong with the ResultPath of a state or a catcher."""
    path = body.get("ResultPath", "$")
    if isinstance(path, str) and path.startswith("$$"):
        yield Finding(f"{where}.ResultPath", "path", "a result cannot go into the context object", "such as $.result")
    elif path is not None:
        mistake = path_mistake(path, reference=True)
        if mistake:
            yield Finding(f"{where}.ResultPath", "path", mistake, "such as $.order.id")


def _path(state: dict[str, Any], field: str, where: str, *, reference: bool = False) -> Iterator[Finding]:
    if field not in state:
        return
    mistake = any_path_mistake(state[field], reference=reference)
    if mistake:
        yield Finding(f"{where}.{field}", "path", mistake, "such as $.order.id")


def _path_or_call(text: Any, where: str, *, reference: bool = False) -> Iterator[Finding]:
    if isinstance(text, str) and text.startswith("States."):
        mistake = intrinsics.check(text)
        if mistake:
            yield Finding(where, "intrinsic", mistake, "see the intrinsic functions of the language")
        return
    mistake = any_path_mistake(text, reference=reference)
    if mistake:
        yield Finding(where, "path", mistake, "such as $.order.id")


def template(value: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with a payload template."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from template(inner, f"{where}[{number}]")
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        place = f"{where}.{name[:NAME_SHOWN]}"
        if not name.endswith(".$"):
            yield from template(inner, place)
            continue
        if name[:-2] in value:
            yield Finding(place, "both", f"{shown(name[:-2])} is given twice, as a value and by a path", "keep one")
        yield from _path_or_call(inner, place)


def positive_integer(body: dict[str, Any], field: str, where: str) -> Iterator[Finding]:
    """Yields a finding unless a field is a whole number of seconds above zero."""
    value = body[field]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LONGEST_SECONDS:
        yield Finding(f"{where}.{field}", "value", f"{shown(value)} is no number of seconds", f"1 to {LONGEST_SECONDS}")
