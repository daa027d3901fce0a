"""Paths into JSON, compiled once.

Reference paths ($.a.b[0]['c']) are walked directly; everything else is JSONPath and gives the list of what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from penstock.states.failures import RUNTIME, StateFailedError
from penstock.states.missing import Missing, of_reference, of_state, of_step

Value = Any
Resolve = Callable[[Value, Any], Value]
Place = Callable[[Value, Value], Value]

# A name after a dot takes what has no meaning in a path; anything else needs a backslash, or quotes in brackets.
STEP = re.compile(
    r"\.(?P<name>(?:[^\s.\[\]()'\"?*,@$:;\\]|\\.)+)"
    r"|\.?\[\s*(?P<index>-?\d{1,9})\s*\]"
    r"|\.?\[\s*'(?P<quoted>(?:[^'\\]|\\.)*)'\s*\]"
    r'|\.?\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]'
)
LENGTH_LIMIT = 1024


def reference_steps(text: str) -> tuple[str | int, ...] | None:
    """Returns the steps of a path that names one place, without its ``$``; None if it is another kind of path."""
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        found = STEP.match(text, position)
        if found is None:
            return None
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            name = next(part for part in (found["name"], found["quoted"], found["double"]) if part is not None)
            steps.append(re.sub(r"\\(.)", r"\1", name))
        position = found.end()
    return tuple(steps)


def path_mistake(text: Any, *, reference: bool = False) -> str | None:
    """Returns what is wrong with a path, or None."""
    if not isinstance(text, str) or not text.startswith("$"):
        return "a path begins with `$`"
    if len(text) > LENGTH_LIMIT:
        return f"the path is longer than {LENGTH_LIMIT} characters"
    plain = text[1:] if text.startswith("$$") else text
    steps = reference_steps(plain)
    if steps is not None:
        is_from_end = any(isinstance(step, int) and step < 0 for step in steps)
        return "a reference path counts from the start" if reference and is_from_end else None
    if reference:
        return "a reference path has only names and indexes, such as $.order.items[0]"
    if plain[1] not in ".[":
        return "after `$` come names after dots and brackets"
    from penstock.states import jsonpath

    try:
        jsonpath.compile_query(plain)
    except Exception as error:  # noqa: BLE001 - whatever the JSONPath library makes of text from outside
        return f"no JSONPath: {next(iter(str(error).splitlines()), type(error).__name__)}"
    return None


def compile_path(text: str | None, missing: Missing = of_state) -> Resolve:
    """Returns a function of (value, context) that finds what a path names. A null path gives an empty object.

    Args:
        missing: makes the error of a path that finds nothing.
    """
    if text is None:
        return lambda value, context: {}
    if text == "$":
        return (lambda value, context: value) if missing is of_state else _whole(missing)
    of_context = text.startswith("$$")
    plain = text[1:] if of_context else text
    steps = reference_steps(plain)
    if steps is None:
        found = _searcher(plain, text, missing)
    else:
        found = _walker(steps, lambda value, inner, step: missing(text, value))
    return _applied(found, of_context=of_context)


def compile_reference_path(text: str) -> Resolve:
    """Returns a function of (value, context) that takes the steps of a reference path, and tells which cannot be."""
    of_context = text.startswith("$$")
    steps = reference_steps(text[1:] if of_context else text)
    if steps is None:
        return compile_path(text)
    return _applied(_walker(steps, lambda value, inner, step: of_step(step, inner)), of_context=of_context)


def _applied(found: Callable[[Value], Value], *, of_context: bool) -> Resolve:
    if of_context:
        return lambda value, context: found(context())
    return lambda value, context: found(value)


def _whole(missing: Missing) -> Resolve:
    def whole(value: Value, context: Any) -> Value:
        if value is None:
            raise missing("$", value)
        return value

    return whole


def _walker(
    steps: tuple[str | int, ...], stuck: Callable[[Value, Value, str | int], StateFailedError]
) -> Callable[[Value], Value]:
    """Returns what takes the steps.

    Args:
        stuck: makes the error of (the whole value, how far it came, the step that cannot be taken).
    """

    def walk(value: Value) -> Value:
        inner = value
        for step in steps:
            try:
                if isinstance(inner, str):
                    raise stuck(value, inner, step)
                inner = inner[step]
            except (KeyError, IndexError, TypeError):
                raise stuck(value, inner, step) from None
        return inner

    return walk


def _searcher(plain: str, text: str, missing: Missing) -> Callable[[Value], Value]:
    from penstock.states import jsonpath

    query = jsonpath.compile_query(plain)
    kinds = (list,) if jsonpath.begins_with_slice(query) else (list, dict)

    def search(value: Value) -> Value:
        if not isinstance(value, kinds):
            raise missing(text, value)
        try:
            return query.findall(value)
        except Exception as cause:
            raise StateFailedError(RUNTIME, f"The path '{text}' cannot be applied: {cause!s:.200}") from cause

    return search


def is_present(resolve: Resolve) -> Callable[[Value, Any], bool]:
    """Returns a function that tells whether a path finds anything."""

    def present(value: Value, context: Any) -> bool:
        try:
            resolve(value, context)
        except StateFailedError:
            return False
        return True

    return present


def compile_result_path(text: str | None) -> Place:
    """Returns a function of (input, result) that puts a result into an input, without changing either."""
    if text is None:
        return lambda value, result: value
    if text == "$":
        return lambda value, result: result
    steps = reference_steps(text) or ()

    def place(value: Value, result: Value) -> Value:
        return _placed(value, steps, result, text)

    return place


def _placed(value: Value, steps: tuple[str | int, ...], result: Value, text: str) -> Value:
    top: list[Value] = [value]
    spot: Any = top
    key: str | int = 0
    for step in steps:
        inner = spot[key]
        if isinstance(step, str) and (inner is None or isinstance(inner, dict)):
            copy: Any = dict(inner or {})
            copy.setdefault(step, None)
        elif isinstance(step, int) and isinstance(inner, list) and step < len(inner):
            copy = list(inner)
        else:
            raise of_reference(text, value) if inner is value else of_step(step, inner)
        spot[key] = copy
        spot, key = copy, step
    spot[key] = result
    return top[0]
