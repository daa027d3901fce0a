"""What is wrong with a JSONata expression: from its syntax tree before it runs, in JSONata's words after it failed."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from penstock.states.jsonata.engine import parsed
from penstock.states.jsonata.library import JException
from penstock.states.jsonata.limits import DEPTH_CAUSE, ExpressionFailedError
from penstock.states.jsonata.operators import COSTLY_SIGNATURE, is_costly
from penstock.states.jsonata.regex import RegexError
from penstock.states.jsonata.values import NULL, is_function

TYPES = {"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}
SHOWN_CHARACTERS = 1000
# AWS: "All built-in JSONata functions … are supported, with one exception: $eval is not available".
FORBIDDEN_FUNCTIONS = {"eval": "$eval is not available, use $parse to read a JSON string"}


def syntax_mistake(text: str) -> str | None:
    """Returns why an expression cannot be parsed, or None."""
    try:
        parsed(text)
    except (JException, RegexError, ExpressionFailedError, ValueError, OverflowError) as error:
        return described(error)[1]
    return None


def usage_mistake(text: str, offered: Collection[str]) -> str | None:
    """Returns what a sound expression refers to that it cannot have, or None.

    Args:
        offered: the fields that ``$states`` has in the expression's place.
    """
    try:
        return next(_mistakes(parsed(text), offered), None)
    except RecursionError:
        return DEPTH_CAUSE


def described(error: Exception) -> tuple[str, str]:
    """Returns a failure's code and message. https://docs.jsonata.org/error-codes; the code is empty if it has none."""
    if isinstance(error, RegexError | ExpressionFailedError):
        return getattr(error, "code", ""), str(error)
    if isinstance(error, JException) and error.error in JException.error_codes:
        return error.error, _message(error)
    return "", "an internal error"


def _message(error: Any) -> str:
    inserts: list[Any] = [error.current, error.expected, error.extra]
    function = getattr(error, "function_name", None)
    if error.error == "T0410" and not isinstance(error.current, int):
        inserts = [1, function]
    elif error.error == "T0411":
        inserts = [error.expected, function]
    elif error.error == "T0412":
        inserts = [error.current, error.expected, TYPES.get(str(error.extra)[:1], error.extra)]
    # The library's templates come from Java, where functions are called objects.
    template = re.sub(r"\bObject\b", "function", JException.error_codes[error.error])
    left = iter(inserts)

    def fill(place: re.Match[str]) -> str:
        value = next(left, None)
        return str(value) if place[0].startswith("{{{") else _quoted(value)

    return re.sub(r"\{\{\{\w+\}\}\}|\{\{\w+\}\}", fill, template)[: 4 * SHOWN_CHARACTERS]


def _quoted(value: Any) -> str:
    if value is None or value is NULL or is_function(value):
        return "undefined" if value is None else "null"
    try:
        text = json.dumps(value, ensure_ascii=False, default=lambda inner: None)
    except (TypeError, ValueError, RecursionError):
        return "null"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


# -- the syntax tree ------------------------------------------------------------------------------------------------


def _mistakes(node: Any, offered: Collection[str], *, has_context: bool = False) -> Iterator[str]:
    """Yields what a node refers to and cannot have. Names mean the context's fields, and outside there is no context.

    AWS: "Expressions cannot use $ or $$ at the top level, nor field names that nothing is in front of".
    """
    if node is None:
        return
    if node.type == "path":
        yield from _path_mistakes(node, offered, has_context=has_context)
    elif not has_context and (name := _of_context(node)) is not None:
        yield f"Reference to '{name}' at the top level is not supported."
    if node.type == "function" and node.procedure.type == "variable" and node.procedure.value in FORBIDDEN_FUNCTIONS:
        yield FORBIDDEN_FUNCTIONS[node.procedure.value]
    if node.type == "lambda" and is_costly(node.signature):
        yield COSTLY_SIGNATURE
    for inner in _same_context(node):
        yield from _mistakes(inner, offered, has_context=has_context)
    for inner in _item_context(node):
        yield from _mistakes(inner, offered, has_context=True)


def _of_context(node: Any) -> str | None:
    """Returns what a node takes from its context, as it is written."""
    if node.type == "name":
        return str(node.value)
    if node.type == "variable" and node.value in {"", "$"}:
        return f"${node.value}"
    return {"wildcard": "*", "descendant": "**", "parent": "%"}.get(node.type)


def _path_mistakes(node: Any, offered: Collection[str], *, has_context: bool) -> Iterator[str]:
    first = node.steps[0]
    if first.type == "variable" and first.value == "states" and len(node.steps) > 1:
        field = node.steps[1]
        if field.type == "name" and str(field.value) not in offered:
            yield f"$states.{field.value} is not available here: there is {', '.join(sorted(offered))}"
    for number, step in enumerate(node.steps):
        yield from _mistakes(step, offered, has_context=has_context or number > 0)
        if step.type == "sort":
            for term in step.terms:
                yield from _mistakes(term.expression, offered, has_context=True)
        for stage in step.stages or ():
            if stage.type == "filter":
                yield from _mistakes(stage.expr, offered, has_context=True)


def _same_context(node: Any) -> Iterator[Any]:
    for name in ("expression", "condition", "then", "_else", "body", "lhs", "rhs", "procedure"):
        if getattr(node, name, None) is not None and not (name == "lhs" and node.type == "bind"):
            yield getattr(node, name)
    yield from node.expressions or ()
    if node.type in {"function", "partial"}:
        yield from (inner for inner in node.arguments if inner.type != "operator")
    for pair in node.lhs_object or () if node.type == "unary" else ():
        yield from pair


def _item_context(node: Any) -> Iterator[Any]:
    for predicate in node.predicate or ():
        yield predicate.expr
    if node.group is not None:
        for pair in node.group.lhs_object:
            yield from pair
    if node.type == "transform":
        yield from (part for part in (node.pattern, node.update, node.delete) if part is not None)
