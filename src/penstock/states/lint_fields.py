"""Which fields each type of state has, and what their values may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.model.findings import Finding
from penstock.states.choice import is_number, timestamp
from penstock.states.failures import ALL
from penstock.states.paths import path_mistake

COMMON = frozenset({"Type", "Comment", "InputPath", "OutputPath"})
_NEXT = {"Next", "End"}
_RESULT = {"ResultPath", "Parameters"}
_FAILING = {"ResultSelector", "Retry", "Catch"}
FIELDS: dict[str, frozenset[str]] = {
    "Task": frozenset(
        _NEXT | _RESULT | _FAILING
        | {"Resource", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
    ),
    "Parallel": frozenset(_NEXT | _RESULT | _FAILING | {"Branches"}),
    "Pass": frozenset(_NEXT | _RESULT | {"Result"}),
    "Wait": frozenset(_NEXT | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}),
    "Choice": frozenset({"Choices", "Default"}),
    "Succeed": frozenset(),
    "Fail": frozenset({"Error", "ErrorPath", "Cause", "CausePath"}),
}  # fmt: skip
REQUIRED = {"Task": ("Resource",), "Parallel": ("Branches",), "Choice": ("Choices",)}
# Fields of JSONata, variables and Map.
LATER = frozenset({
    "QueryLanguage", "Assign", "Arguments", "Output", "Condition", "Items", "ItemProcessor", "ItemReader",
    "ItemSelector", "ItemBatcher", "ResultWriter",
    "MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailurePercentage", "Credentials",
})  # fmt: skip
LONGEST_SECONDS = 99_999_999


def check_values(kind: str, state: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields what is wrong with the values of a state's fields."""
    for field in [name for name in ("InputPath", "OutputPath") if state.get(name) is not None]:
        yield from _path(state, field, where)
    if state.get("ResultPath", "$") is not None:
        yield from _path(state, "ResultPath", where, reference=True)
        if str(state.get("ResultPath", "$")).startswith("$$"):
            yield Finding(
                f"{where}.ResultPath", "path", "a result cannot go into the context object", "such as $.result"
            )
    for field in ("Parameters", "ResultSelector"):
        if field in state:
            yield from _template(state[field], f"{where}.{field}")
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        yield from _either(state, (field, f"{field}Path"), where)
        if field in state:
            yield from positive_integer(state, field, where)
    yield from _either(state, ("Error", "ErrorPath"), where)
    yield from _either(state, ("Cause", "CausePath"), where)
    for field in ("TimeoutSecondsPath", "HeartbeatSecondsPath", "ErrorPath", "CausePath"):
        yield from _path(state, field, where)
    for field in ("Error", "Cause", "Resource", "Comment"):
        if field in state and not isinstance(state[field], str):
            yield Finding(f"{where}.{field}", "type", f"{field} is text", "put it into quotes")
    yield from _heartbeat(state.get("TimeoutSeconds"), state.get("HeartbeatSeconds"), where)
    if kind == "Wait":
        yield from _wait(state, where)


def _heartbeat(timeout: Any, heartbeat: Any, where: str) -> Iterator[Finding]:
    if is_number(timeout) and is_number(heartbeat) and heartbeat >= timeout:
        yield Finding(f"{where}.HeartbeatSeconds", "value", "a heartbeat is shorter than the timeout", "lower it")


def _wait(state: dict[str, Any], where: str) -> Iterator[Finding]:
    given = [name for name in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if name in state]
    if len(given) != 1:
        yield Finding(where, "wait", f"the state has {len(given)} times to wait for", "give Seconds or Timestamp, once")
    if "Seconds" in state:
        seconds = state["Seconds"]
        if not is_number(seconds) or not 0 <= seconds <= LONGEST_SECONDS or seconds != int(seconds):
            yield Finding(f"{where}.Seconds", "value", f"{seconds!r} is no time to wait", f"0 to {LONGEST_SECONDS}")
    if "Timestamp" in state and timestamp(state["Timestamp"]) is None:
        yield Finding(f"{where}.Timestamp", "value", "no timestamp", "such as 2026-02-20T07:57:00Z")
    for field in ("SecondsPath", "TimestampPath"):
        yield from _path(state, field, where)


def _either(state: dict[str, Any], names: tuple[str, str], where: str) -> Iterator[Finding]:
    if all(name in state for name in names):
        yield Finding(where, "both", f"the state has both {names[0]} and {names[1]}", "keep one of them")


def _path(state: dict[str, Any], field: str, where: str, *, reference: bool = False) -> Iterator[Finding]:
    if field not in state:
        return
    mistake = path_mistake(state[field], reference=reference)
    if mistake:
        yield Finding(f"{where}.{field}", "path", mistake, "such as $.order.id")


def _template(template: Any, where: str) -> Iterator[Finding]:
    if isinstance(template, list):
        for number, inner in enumerate(template):
            yield from _template(inner, f"{where}[{number}]")
    if not isinstance(template, dict):
        return
    for name, inner in template.items():
        if not name.endswith(".$"):
            yield from _template(inner, f"{where}.{name}")
        elif isinstance(inner, str) and inner.startswith("States."):
            yield Finding(f"{where}.{name}", "not-yet", "intrinsic functions cannot be run yet", "compute it in a task")
        else:
            mistake = path_mistake(inner)
            if mistake:
                yield Finding(f"{where}.{name}", "path", mistake, "a name that ends in .$ holds a path")


def positive_integer(body: dict[str, Any], field: str, where: str) -> Iterator[Finding]:
    """Yields a finding unless a field is a whole number of seconds above zero."""
    value = body[field]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LONGEST_SECONDS:
        yield Finding(f"{where}.{field}", "value", f"{value!r} is no number of seconds", f"1 to {LONGEST_SECONDS}")


def check_retry(retriers: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with a Retry."""
    if not isinstance(retriers, list):
        yield Finding(where, "type", "Retry is a list", 'write [{"ErrorEquals": ["States.ALL"]}]')
        return
    known = {
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    }
    for number, retrier in enumerate(retriers):
        place = f"{where}[{number}]"
        yield from _handler(retrier, known, place, is_last=number == len(retriers) - 1)
        if isinstance(retrier, dict):
            yield from _retrier(retrier, place)


def _retrier(retrier: dict[str, Any], where: str) -> Iterator[Finding]:
    ranges = {
        "IntervalSeconds": (1, LONGEST_SECONDS),
        "MaxAttempts": (0, LONGEST_SECONDS),
        "MaxDelaySeconds": (1, 31_622_400),
    }
    for field, (low, high) in ranges.items():
        value = retrier.get(field, low)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            yield Finding(f"{where}.{field}", "value", f"{value!r} is not possible", f"a whole number from {low}")
    rate = retrier.get("BackoffRate", 2.0)
    if not is_number(rate) or not 1 <= rate <= 1000:
        yield Finding(f"{where}.BackoffRate", "value", f"{rate!r} is not possible", "a number from 1")
    if retrier.get("JitterStrategy", "NONE") not in {"FULL", "NONE"}:
        yield Finding(f"{where}.JitterStrategy", "value", "JitterStrategy is FULL or NONE", "choose one")
    delay, interval = retrier.get("MaxDelaySeconds"), retrier.get("IntervalSeconds", 1)
    if is_number(delay) and is_number(interval) and delay <= interval:
        yield Finding(f"{where}.MaxDelaySeconds", "value", "MaxDelaySeconds is above IntervalSeconds", "raise it")


def check_catch(catchers: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with a Catch."""
    if not isinstance(catchers, list):
        yield Finding(where, "type", "Catch is a list", 'write [{"ErrorEquals": ["States.ALL"], "Next": "…"}]')
        return
    for number, catcher in enumerate(catchers):
        place = f"{where}[{number}]"
        yield from _handler(
            catcher, {"ErrorEquals", "Next", "ResultPath", "Comment"}, place, number == len(catchers) - 1
        )
        if isinstance(catcher, dict):
            if "Next" not in catcher:
                yield Finding(place, "required", "a catcher needs Next", "name the state to go on with")
            if catcher.get("ResultPath", "$") is not None:
                yield from _path(catcher, "ResultPath", place, reference=True)


def _handler(entry: Any, known: set[str], where: str, is_last: bool) -> Iterator[Finding]:
    if not isinstance(entry, dict):
        yield Finding(where, "type", "an entry is a JSON object", 'write {"ErrorEquals": […]}')
        return
    for field in entry.keys() - known:
        yield Finding(
            f"{where}.{field}", "unknown-field", f"{field[:100]!r} does not belong here", f"possible: {sorted(known)}"
        )
    errors = entry.get("ErrorEquals")
    if not isinstance(errors, list) or not errors or not all(isinstance(error, str) for error in errors):
        yield Finding(f"{where}.ErrorEquals", "required", "ErrorEquals lists names of errors", 'such as ["States.ALL"]')
    elif ALL in errors and (len(errors) > 1 or not is_last):
        yield Finding(f"{where}.ErrorEquals", "all", "States.ALL stands alone, in the last entry", "move it to the end")
