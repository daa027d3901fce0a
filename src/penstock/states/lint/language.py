"""What a query language asks of a state: JSONata's fields and expressions, and the variables of both.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states import jsonata
from penstock.states.choice import OPERATORS, timestamp
from penstock.states.lint.comments import check_comment
from penstock.states.lint.numbers import check_seconds, is_wait
from penstock.states.lint.paths import template
from penstock.states.lint.words import SHOWN_CHARACTERS, shown, unknown_fields
from penstock.states.retry import LONGEST_SECONDS
from penstock.states.variables import assign_mistakes, assigned_names

JSONPATH, JSONATA = "JSONPath", "JSONata"
LANGUAGES = (JSONPATH, JSONATA)
_COMMON = {"Type", "Comment", "QueryLanguage"}
_NEXT = {"Next", "End"}
_GIVING = {"Output", "Assign"}
_FAILING = {"Retry", "Catch"}
_TASK = {"Resource", "Credentials", "Arguments", "TimeoutSeconds", "HeartbeatSeconds"}
_ITEMS = {
    "ItemProcessor", "Iterator", "Items", "ItemSelector", "MaxConcurrency", "ItemReader", "ItemBatcher", "ResultWriter",
    "Label", "ToleratedFailureCount", "ToleratedFailurePercentage",
}  # fmt: skip
FIELDS: dict[str, frozenset[str]] = {
    "Task": frozenset(_COMMON | _NEXT | _GIVING | _FAILING | _TASK),
    "Parallel": frozenset(_COMMON | _NEXT | _GIVING | _FAILING | {"Branches", "Arguments"}),
    "Map": frozenset(_COMMON | _NEXT | _GIVING | _FAILING | _ITEMS),
    "Pass": frozenset(_COMMON | _NEXT | _GIVING),
    "Wait": frozenset(_COMMON | _NEXT | _GIVING | {"Seconds", "Timestamp"}),
    "Choice": frozenset(_COMMON | _GIVING | {"Choices", "Default"}),
    "Succeed": frozenset(_COMMON | {"Output"}),
    "Fail": frozenset(_COMMON | {"Error", "Cause"}),
}
_PATHS = {"InputPath", "OutputPath"}
_ANY = _PATHS | {"ResultPath", "Parameters", "ResultSelector"}
JSONPATH_ONLY: dict[str, frozenset[str]] = {
    "Task": frozenset(_ANY | {"TimeoutSecondsPath", "HeartbeatSecondsPath"}),
    "Parallel": frozenset(_ANY),
    "Map": frozenset(
        _ANY | {"ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath"}
    ),
    "Pass": frozenset(_PATHS | {"ResultPath", "Parameters", "Result"}),
    "Wait": frozenset(_PATHS | {"SecondsPath", "TimestampPath"}),
    "Choice": frozenset(_PATHS),
    "Succeed": frozenset(_PATHS),
    "Fail": frozenset({"ErrorPath", "CausePath"}),
}
RULE = frozenset({"Condition", "Next", "Output", "Assign", "Comment"})
EPOCH = "1970-01-01T00:00:00Z"
OTHER_RULE = ("JSONPath", OPERATORS | {"And", "Or", "Not", "Variable"})
INPUT = frozenset({"input", "context"})
RESULT = INPUT | {"result"}
ERROR = INPUT | {"errorOutput"}
# Fields that are evaluated before a state's work.
GIVEN = (
    "Arguments", "Items", "ItemSelector", "MaxConcurrency", "Error", "Cause", "Seconds", "Timestamp", "TimeoutSeconds",
    "HeartbeatSeconds", "ToleratedFailureCount", "ToleratedFailurePercentage",
)  # fmt: skip
RESULTING = frozenset({"Task", "Parallel", "Map"})


def language_of(body: dict[str, Any], outer: str, where: str) -> Iterator[Finding]:
    """Yields what is wrong with a QueryLanguage. A JSONata machine has no JSONPath states."""
    language = body.get("QueryLanguage", outer)
    if language not in LANGUAGES:
        place = f"{where}.QueryLanguage"
        yield Finding(place, "value", f"there is no query language {shown(language)}", "JSONPath or JSONata")
    elif outer == JSONATA and language == JSONPATH:
        message = "a state of a JSONata machine cannot be in JSONPath"
        yield Finding(f"{where}.QueryLanguage", "value", message, "name JSONata in the states that need it")


def check_jsonata(kind: str, state: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields what is wrong with the values of a JSONata state's fields."""
    for field, offered in _offered(kind).items():
        if field in state:
            yield from expressions(state[field], f"{where}.{field}", offered)
    arguments = state.get("Arguments", {})
    if not isinstance(arguments, dict) and not jsonata.is_expression(arguments):
        message = "Arguments is an object or an expression"
        yield Finding(f"{where}.Arguments", "type", message, "write { … } or {% … %}")
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        if field in state:
            yield from check_seconds(state, field, where, is_jsonata=True)
    for field in ("Error", "Cause"):
        if field in state and not isinstance(state[field], str):
            yield Finding(f"{where}.{field}", "type", f"{field} is text", "put it into quotes")
    if kind == "Wait":
        yield from _wait(state, where)
    catchers = state.get("Catch")
    for number, catcher in enumerate(catchers if isinstance(catchers, list) else []):
        for field in ("Output", "Assign"):
            if isinstance(catcher, dict) and field in catcher:
                yield from expressions(catcher[field], f"{where}.Catch[{number}].{field}", ERROR)


def _offered(kind: str) -> dict[str, frozenset[str]]:
    """Returns what ``$states`` has in each field of a state."""
    giving = RESULT if kind in RESULTING else INPUT
    return {**dict.fromkeys(GIVEN, INPUT), "Output": giving, "Assign": giving}


def _wait(state: dict[str, Any], where: str) -> Iterator[Finding]:
    given = [name for name in ("Seconds", "Timestamp") if name in state]
    if len(given) != 1:
        yield Finding(where, "wait", f"the state has {len(given)} times to wait for", "give Seconds or Timestamp, once")
    seconds, moment = state.get("Seconds", 0), state.get("Timestamp", EPOCH)
    if not jsonata.is_expression(seconds) and not is_wait(seconds):
        yield Finding(f"{where}.Seconds", "value", f"{shown(seconds)} is no time to wait", f"0 to {LONGEST_SECONDS}")
    if not jsonata.is_expression(moment) and timestamp(moment) is None:
        yield Finding(f"{where}.Timestamp", "value", "no timestamp", "such as 2026-02-20T07:57:00Z")


def check_conditions(rules: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with the rules of a JSONata Choice."""
    if not isinstance(rules, list) or not rules:
        yield Finding(where, "type", "Choices is a list of rules", 'write [{"Condition": "{% … %}", "Next": "…"}]')
        return
    for number, rule in enumerate(rules):
        place = f"{where}[{number}]"
        if not isinstance(rule, dict):
            yield Finding(place, "type", "a rule is a JSON object", 'write {"Condition": …}')
            continue
        yield from unknown_fields(rule, RULE, place, OTHER_RULE)
        yield from check_comment(rule, place)
        for field in ("Condition", "Next"):
            if field not in rule:
                yield Finding(place, "required", f"a rule needs {field}", f'add "{field}"')
        condition = rule.get("Condition", True)
        if not isinstance(condition, bool) and not jsonata.is_expression(condition):
            yield Finding(f"{place}.Condition", "type", "Condition is true, false or an expression", "write {% … %}")
        for field in ("Condition", "Output", "Assign"):
            if field in rule:
                yield from expressions(rule[field], f"{place}.{field}", INPUT)


def expressions(value: Any, where: str, offered: Collection[str]) -> Iterator[Finding]:
    """Yields what is wrong with the expressions in a JSON value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from expressions(inner, f"{where}.{name[:SHOWN_CHARACTERS]}", offered)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from expressions(inner, f"{where}[{number}]", offered)
    else:
        mistake = jsonata.check(value, offered=offered)
        if mistake:
            yield Finding(where, "jsonata", mistake, "see https://docs.jsonata.org")


def assigns(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields (place, field) of every Assign of a state: its own, its rules' and its catchers'."""
    if "Assign" in state:
        yield "Assign", state["Assign"]
    for name in ("Choices", "Catch"):
        entries = state.get(name)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict) and "Assign" in entry:
                yield f"{name}[{number}].Assign", entry["Assign"]


def check_assigns(state: dict[str, Any], where: str, outer: Collection[str], language: str) -> Iterator[Finding]:
    """Yields what is wrong with the variables that a state sets.

    Args:
        outer: what the scopes around assign.
    """
    for place, assign in assigns(state):
        for field, mistake in assign_mistakes(assign, outer, jsonpath=language == JSONPATH):
            at = f"{where}.{place}.{field[:SHOWN_CHARACTERS]}" if field else f"{where}.{place}"
            yield Finding(at, "variable", mistake, "see the rules for variables' names and scopes")
        if language == JSONPATH:
            yield from template(assign, f"{where}.{place}")


def scope_of(states: dict[str, Any], outer: Collection[str], language: str) -> frozenset[str]:
    """Returns the names that the states of one scope assign, and those of the scopes around."""
    found = set(outer)
    for state in states.values():
        if isinstance(state, dict):
            own = state.get("QueryLanguage", language)
            for _, assign in assigns(state):
                found.update(assigned_names(assign, jsonpath=own != JSONATA))
    return frozenset(found)
