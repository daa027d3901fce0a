"""Payload templates: JSON in which fields whose names end in ``.$`` hold paths or calls of intrinsic functions.

https://states-language.net/spec.html#payload-template
"""

from __future__ import annotations

from typing import Any

from penstock.states import intrinsics
from penstock.states.failures import DATA_LIMIT_EXCEEDED, RUNTIME, StateFailedError
from penstock.states.missing import Missing, as_argument, in_field, of_state
from penstock.states.paths import Resolve, compile_path
from penstock.states.variables import compile_reference, variable_reference


def compile_any_path(text: str | None, missing: Missing = of_state) -> Resolve:
    """Returns a function of (value, surroundings) that finds what a path names, in the value or in a variable.

    Args:
        missing: makes the error of a path that finds nothing.
    """
    if variable_reference(text) is None or text is None:
        return compile_path(text, missing)
    find = compile_reference(text, missing)
    return lambda value, around: find(around.variables)


def compile_path_or_call(text: str, missing: Missing) -> Resolve:
    """Returns a function of (value, context) that finds what a path names, or calls an intrinsic function.

    Args:
        missing: makes the error of a path that finds nothing.
    """
    if text.startswith("$"):
        return compile_any_path(text, missing)
    call = intrinsics.parse(text)
    paths = {path: compile_any_path(path, as_argument) for path in call.paths}

    def result(value: Any, context: Any) -> Any:
        try:
            return intrinsics.evaluate(call, lambda path: paths[path](value, context), context.entropy)
        except StateFailedError as failure:
            if failure.error == DATA_LIMIT_EXCEEDED:
                raise
            cause = f"The function '{text}' had the following error: {failure.cause}"
            raise StateFailedError(RUNTIME, cause) from None

    return result


def compile_template(template: Any) -> Resolve:
    """Returns a function of (value, context) that fills a payload template: names ending in ``.$`` hold paths."""
    if isinstance(template, dict):
        fields = [
            (name[:-2], compile_path_or_call(inner, in_field(name)))
            if name.endswith(".$")
            else (name, compile_template(inner))
            for name, inner in template.items()
        ]
        return lambda value, context: {name: resolve(value, context) for name, resolve in fields}
    if isinstance(template, list):
        parts = [compile_template(inner) for inner in template]
        return lambda value, context: [resolve(value, context) for resolve in parts]
    return lambda value, context: template
