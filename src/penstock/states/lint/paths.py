"""Paths, intrinsic functions and the templates that hold them.

https://states-language.net/spec.html#paths, #payload-template
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states import intrinsics
from penstock.states.lint.words import SHOWN_CHARACTERS, shown
from penstock.states.paths import path_mistake
from penstock.states.variables import reference_mistake, variable_reference

SUCH_AS = "such as $.order.id"


@functools.lru_cache(maxsize=4096)
def _mistake(text: str, reference: bool) -> str | None:
    variable = variable_reference(text)
    if variable is None:
        return path_mistake(text, reference=reference)
    mistake = reference_mistake(text)
    if mistake is None and reference and variable[1] != "$":
        return path_mistake(variable[1], reference=True)
    return mistake


def any_mistake(text: Any, *, reference: bool = False, context: bool = True) -> str | None:
    """Returns what is wrong with a path into the input, the context object or a variable, or None.

    Args:
        reference: it must name one place.
        context: it may lead into the context object.
    """
    if not isinstance(text, str):
        return path_mistake(text)
    if not context and text.startswith("$$"):
        return "a path into the context object is not possible here"
    return _mistake(text, reference)


def check_path(
    state: dict[str, Any], field: str, where: str, *, reference: bool = False, context: bool = True
) -> Iterator[Finding]:
    """Yields what is wrong with a field that holds a path."""
    if field in state:
        mistake = any_mistake(state[field], reference=reference, context=context)
        if mistake:
            yield Finding(f"{where}.{field}", "path", mistake, SUCH_AS)


def result_path(body: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields what is wrong with the ResultPath of a state or a catcher: it leads into the input only."""
    path = body.get("ResultPath", "$")
    if isinstance(path, str) and path.startswith("$$"):
        yield Finding(f"{where}.ResultPath", "path", "a result cannot go into the context object", "such as $.result")
    elif variable_reference(path) is not None:
        message = "a result cannot go into a variable"
        yield Finding(f"{where}.ResultPath", "path", message, "use Assign for variables")
    elif path is not None:
        mistake = path_mistake(path, reference=True)
        if mistake:
            yield Finding(f"{where}.ResultPath", "path", mistake, "such as $.result")


def path_or_call(text: Any, where: str, *, reference: bool = False) -> Iterator[Finding]:
    """Yields what is wrong with a path or a call of an intrinsic function."""
    if isinstance(text, str) and text.startswith("States."):
        mistake = intrinsics.check(text)
        if mistake:
            yield Finding(where, "intrinsic", mistake, "see the intrinsic functions of the language")
        return
    mistake = any_mistake(text, reference=reference)
    if mistake:
        yield Finding(where, "path", mistake, SUCH_AS)


def template(value: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with a payload template."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from template(inner, f"{where}[{number}]")
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        place = f"{where}.{name[:SHOWN_CHARACTERS]}"
        if not name.endswith(".$"):
            yield from template(inner, place)
            continue
        if name[:-2] in value:
            yield Finding(place, "both", f"{shown(name[:-2])} is given twice, as a value and by a path", "keep one")
        yield from path_or_call(inner, place)


def check_either(body: dict[str, Any], names: tuple[str, str], where: str) -> Iterator[Finding]:
    """Yields a finding if a body has two fields of which it can have one."""
    if all(name in body for name in names):
        yield Finding(where, "both", f"there are both {names[0]} and {names[1]}", "keep one of them")
