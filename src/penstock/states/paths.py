"""Paths into JSON, and templates made of them, compiled once.

Reference paths ($.a.b[0]['c']) are walked directly; everything else is JSONPath and gives the list of what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from penstock.states.failures import PARAMETER_PATH_FAILURE, RESULT_PATH_MATCH_FAILURE, RUNTIME, StateFailedError

Value = Any
Resolve = Callable[[Value, Any], Value]
Place = Callable[[Value, Value], Value]

STEP = re.compile(
    r"\.(?P<name>[^\s.\[\]()'\"?*,@$:!&|<>=~^%+;{}/\\`#-][^\s.\[\]()'\"?*,@$:!&|<>=~^%+;{}/\\`#]*)"
    r"|\[(?P<index>\d+)\]"
    r"|\['(?P<quoted>(?:[^'\\]|\\.)*)'\]"
    r'|\["(?P<double>(?:[^"\\]|\\.)*)"\]'
)


def reference_steps(text: str) -> tuple[str | int, ...] | None:
    """Returns the steps of a reference path without its ``$``; None if it is another kind of path."""
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        found = STEP.match(text, position)
        if found is None:
            return None
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            name = found["name"] or found["quoted"] or found["double"] or ""
            steps.append(re.sub(r"\\(.)", r"\1", name) if found["name"] is None else name)
        position = found.end()
    return tuple(steps)


def path_mistake(text: Any, *, reference: bool = False) -> str | None:
    """Returns what is wrong with a path, or None."""
    if not isinstance(text, str) or not text.startswith("$"):
        return "a path begins with `$`"
    plain = text[1:] if text.startswith("$$") else text
    if reference_steps(plain) is not None:
        return None
    if reference:
        return "a reference path has only names and indexes, such as $.order.items[0]"
    if len(text) > 1024:
        return "the path is longer than 1024 characters"
    try:
        _compile_jsonpath(plain)
    except Exception as error:  # noqa: BLE001 - whatever the JSONPath library makes of text from outside
        return f"no JSONPath: {error}"
    return None


def compile_path(text: str | None, error: str = RUNTIME) -> Resolve:
    """Returns a function of (value, context) that finds what a path names. A null path gives an empty object.

    Args:
        error: the error of a path that finds nothing.
    """
    if text is None:
        return lambda value, context: {}
    if text == "$":
        return lambda value, context: value
    of_context = text.startswith("$$")
    plain = text[1:] if of_context else text
    steps = reference_steps(plain)
    found = _walker(steps, text, error) if steps is not None else _searcher(plain, text, error)
    if of_context:
        return lambda value, context: found(context())
    return lambda value, context: found(value)


def _walker(steps: tuple[str | int, ...], text: str, error: str) -> Callable[[Value], Value]:
    def walk(value: Value) -> Value:
        for step in steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                raise StateFailedError(error, f"The path {text!r} could not be found in the input") from None
            if isinstance(value, str) and step is not steps[-1]:
                raise StateFailedError(error, f"The path {text!r} could not be found in the input")
        return value

    def checked(value: Value) -> Value:
        return walk(value) if isinstance(value, dict | list) or not steps else _missing(text, error)

    return checked


def _missing(text: str, error: str) -> Value:
    raise StateFailedError(error, f"The path {text!r} could not be found in the input")


def _searcher(plain: str, text: str, error: str) -> Callable[[Value], Value]:
    compiled = _compile_jsonpath(plain)

    def search(value: Value) -> Value:
        if not isinstance(value, dict | list):
            return _missing(text, error)
        return compiled.findall(value)

    return search


def _compile_jsonpath(plain: str) -> Any:
    import jsonpath

    return jsonpath.compile(plain)


def is_present(text: str) -> Callable[[Value, Any], bool]:
    """Returns a function that tells whether a path finds anything."""
    resolve = compile_path(text)

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
    if not steps:
        return result
    step, rest = steps[0], steps[1:]
    if isinstance(step, str) and (value is None or isinstance(value, dict)):
        return {**(value or {}), step: _placed((value or {}).get(step), rest, result, text)}
    if isinstance(step, int) and isinstance(value, list) and step < len(value):
        return [*value[:step], _placed(value[step], rest, result, text), *value[step + 1 :]]
    raise StateFailedError(RESULT_PATH_MATCH_FAILURE, f"The result path {text!r} does not fit the state's input")


def compile_template(template: Any) -> Resolve:
    """Returns a function of (value, context) that fills a payload template: names ending in ``.$`` hold paths."""
    if isinstance(template, dict):
        fields = [
            (name[:-2], compile_path(inner, PARAMETER_PATH_FAILURE))
            if name.endswith(".$")
            else (name, compile_template(inner))
            for name, inner in template.items()
        ]
        return lambda value, context: {name: resolve(value, context) for name, resolve in fields}
    if isinstance(template, list):
        parts = [compile_template(inner) for inner in template]
        return lambda value, context: [resolve(value, context) for resolve in parts]
    return lambda value, context: template
