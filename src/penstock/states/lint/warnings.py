"""What AWS allows and warns of: text that looks like a path where it is not taken for one.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states.lint.codes import WARNING
from penstock.states.lint.language import JSONATA, JSONPATH
from penstock.states.lint.words import NAME_LIMIT, SHOWN_CHARACTERS, shown

LOOKS_LIKE_PATH = re.compile(r"\$\$?[.\[]")
LOOKS_LIKE_CALL = re.compile(r"States\.[A-Z][A-Za-z0-9]*\(")
TEMPLATES = ("Parameters", "ItemSelector", "ResultSelector", "Assign")
INNER_TEMPLATES = (("ItemReader", "Parameters"), ("ResultWriter", "Parameters"), ("ItemBatcher", "BatchInput"))


def check_warnings(body: Any, where: str = "$", language: str = JSONPATH) -> Iterator[Finding]:
    """Yields what is allowed in a machine and probably not meant. The machine may be anything."""
    if not isinstance(body, dict):
        return
    language = body.get("QueryLanguage", language)
    states = body.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            place = f"{where}.States.{name[:NAME_LIMIT]}"
            yield from _state(state, place, state.get("QueryLanguage", language))
            yield from _inside(state, place, language)


def _inside(state: dict[str, Any], where: str, language: str) -> Iterator[Finding]:
    branches = state.get("Branches")
    for number, branch in enumerate(branches if isinstance(branches, list) else []):
        yield from check_warnings(branch, f"{where}.Branches[{number}]", language)
    for field in ("ItemProcessor", "Iterator"):
        yield from check_warnings(state.get(field), f"{where}.{field}", language)


def _state(state: dict[str, Any], where: str, language: str) -> Iterator[Finding]:
    if state.get("ResultWriter") == {}:
        yield _warning(f"{where}.ResultWriter", "empty-writer", "an empty ResultWriter fails when it runs",
                       "say what to write, or remove it")  # fmt: skip
    if language == JSONATA:
        return
    for field in TEMPLATES:
        yield from _template(state.get(field), f"{where}.{field}")
    for outer, field in INNER_TEMPLATES:
        inner = state.get(outer)
        yield from _template(inner.get(field) if isinstance(inner, dict) else None, f"{where}.{outer}.{field}")
    for field in ("Error", "Cause"):
        yield from _no_path(state, field, where)
    if state.get("Type") == "Pass":
        yield from _result(state.get("Result"), f"{where}.Result")
    choices = state.get("Choices")
    for number, rule in enumerate(choices if isinstance(choices, list) else []):
        yield from _rule(rule, f"{where}.Choices[{number}]")
    catchers = state.get("Catch")
    for number, catcher in enumerate(catchers if isinstance(catchers, list) else []):
        if isinstance(catcher, dict):
            yield from _template(catcher.get("Assign"), f"{where}.Catch[{number}].Assign")


def _rule(rule: Any, where: str) -> Iterator[Finding]:
    if not isinstance(rule, dict):
        return
    yield from _template(rule.get("Assign"), f"{where}.Assign")
    for field in [name for name in rule if name.startswith("String") and not name.endswith("Path")]:
        yield from _no_path(rule, field, where, has_path=field != "StringMatches")
    for field in ("And", "Or"):
        inner = rule.get(field)
        for number, one in enumerate(inner if isinstance(inner, list) else []):
            yield from _rule(one, f"{where}.{field}[{number}]")
    yield from _rule(rule.get("Not"), f"{where}.Not")


def _no_path(body: dict[str, Any], field: str, where: str, *, has_path: bool = True) -> Iterator[Finding]:
    value = body.get(field)
    if has_path and isinstance(value, str) and _looks_dynamic(value):
        message = f"{shown(value)} is taken as text: {field} holds no path"
        yield _warning(f"{where}.{field[:SHOWN_CHARACTERS]}", "no-path", message, f"write {field[:40]}Path")


def _template(value: Any, where: str) -> Iterator[Finding]:
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _template(inner, f"{where}[{number}]")
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        place = f"{where}.{name[:SHOWN_CHARACTERS]}"
        if isinstance(inner, str) and not name.endswith(".$") and _looks_dynamic(inner):
            message = f"{shown(inner)} is taken as text: the field's name does not end in .$"
            yield _warning(place, "no-dollar", message, f"write {shown(name + '.$')}")
        yield from _template(inner, place)


def _result(value: Any, where: str) -> Iterator[Finding]:
    if isinstance(value, str) and _looks_dynamic(value):
        message = f"{shown(value)} is taken as text: a Result holds no path"
        yield _warning(where, "static-result", message, "write Parameters, with a name that ends in .$")
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _result(inner, f"{where}[{number}]")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _result(inner, f"{where}.{name[:SHOWN_CHARACTERS]}")


def _looks_dynamic(text: str) -> bool:
    return LOOKS_LIKE_PATH.match(text) is not None or LOOKS_LIKE_CALL.match(text) is not None


def _warning(where: str, code: str, message: str, hint: str) -> Finding:
    return Finding(where, code, message, hint, WARNING)
