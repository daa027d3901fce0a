"""Condition expressions: what must hold of an item for a write to happen.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from penstock.model.items import Tagged
from penstock.runtime.integrations.expression import Path, Placeholders, Reader, at_path

Item = Mapping[str, Tagged]
Holds = Callable[[Item], bool]
Operand = Callable[[Item], Tagged | None]

IN_LIMIT = 100
ORDERED = ("S", "N", "B")
TYPES = ("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")
TYPE_NAMES = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "NULL": "NULL", "L": "LIST", "M": "MAP",
    "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
}  # fmt: skip
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class _Term(msgspec.Struct, frozen=True):
    """An operand: its value for an item, and what it is in the text."""

    of: Operand
    path: Path | None = None
    literal: dict[str, Any] | None = None


def condition(text: Any, placeholders: Placeholders) -> Holds:
    """Returns the test of a ConditionExpression. An item that is not there is an empty one.

    Raises:
        ValidationError: the expression is none that DynamoDB takes.
    """
    reader = Reader("ConditionExpression", text, placeholders)
    holds = _either(reader)
    if reader.peek():
        reader.fail_here()
    return holds


def _either(reader: Reader) -> Holds:
    reader.deeper()
    parts = [_both(reader)]
    while reader.take_if("OR"):
        parts.append(_both(reader))
    reader.shallower()
    return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)


def _both(reader: Reader) -> Holds:
    parts = [_not(reader)]
    while reader.take_if("AND"):
        parts.append(_not(reader))
    return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)


def _not(reader: Reader) -> Holds:
    negated = False
    while reader.take_if("NOT"):
        negated = not negated
    holds = _single(reader)
    return (lambda item: not holds(item)) if negated else holds


def _single(reader: Reader) -> Holds:
    if reader.take_if("("):
        inner = _either(reader)
        reader.expect(")")
        return inner
    if reader.kind_of_next() == "word" and reader.peek(1) == "(" and reader.peek() != "size":
        return _function(reader)
    left = _term(reader)
    if reader.take_if("BETWEEN"):
        return _between(reader, left)
    if reader.take_if("IN"):
        return _among(reader, left)
    sign = reader.take_if("=", "<>", "<", "<=", ">", ">=")
    if not sign:
        reader.fail_here()
    return _comparison(reader, left, sign, _term(reader))


def _term(reader: Reader) -> _Term:
    if reader.kind_of_next() == "value":
        literal = reader.value()
        return _Term(lambda _: literal, literal=literal)
    if reader.peek() == "size" and reader.peek(1) == "(":
        reader.take()
        (of,) = _arguments(reader, "size", 1)
        return _Term(lambda item: _size(of.of(item)))
    path = reader.path()
    return _Term(lambda item: at_path(item, path), path=path)


def _comparison(reader: Reader, left: _Term, sign: str, right: _Term) -> Holds:
    if left.path is not None and left.path == right.path:
        reader.fail(f"The first operand must be distinct from the remaining operands for this operator or function; "
                    f"operator: {sign}, first operand: {left.path}")  # fmt: skip
    if sign == "=":
        return lambda item: (one := left.of(item)) is not None and one == right.of(item)
    if sign == "<>":
        return lambda item: left.of(item) != right.of(item)
    for term in (left, right):
        _check_literal(reader, term, ORDERED, "operator", sign)
    return lambda item: _ordered(COMPARISONS[sign], left.of(item), right.of(item))


def _between(reader: Reader, value: _Term) -> Holds:
    low = _term(reader)
    reader.expect("AND")
    high = _term(reader)
    for term in (low, high):
        _check_literal(reader, term, ORDERED, "operator", "BETWEEN")
    if low.literal and high.literal and not _ordered(operator.le, low.literal, high.literal):
        reader.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound;")
    return lambda item: (
        _ordered(operator.le, low.of(item), value.of(item)) and _ordered(operator.le, value.of(item), high.of(item))
    )


def _among(reader: Reader, value: _Term) -> Holds:
    reader.expect("(")
    members = [_term(reader)]
    while reader.take_if(","):
        members.append(_term(reader))
    reader.expect(")")
    if len(members) > IN_LIMIT:
        reader.fail(f"Invalid number of operands for operator or function: operator: IN, {len(members)}")
    return lambda item: (one := value.of(item)) is not None and any(one == member.of(item) for member in members)


def _function(reader: Reader) -> Holds:
    name = reader.take()
    if name not in _FUNCTIONS:
        reader.fail(f"Invalid function name; function: {name}")
    count, build = _FUNCTIONS[name]
    return build(reader, name, _arguments(reader, name, count))


def _existing(reader: Reader, name: str, terms: list[_Term]) -> Holds:
    (term,) = terms
    if term.path is None:
        reader.fail(f"Operator or function requires a document path; operator or function: {name}")
    wanted = name == "attribute_exists"
    return lambda item: (term.of(item) is not None) is wanted


def _typed(reader: Reader, _: str, terms: list[_Term]) -> Holds:
    value, kind = terms
    tag = None if kind.literal is None else kind.literal.get("S")
    if tag not in TYPES:
        reader.fail(f"Invalid attribute type name found; type: {tag}, valid types: {{{','.join(TYPES)}}}")
    return lambda item: tag in (value.of(item) or {})


def _beginning(reader: Reader, name: str, terms: list[_Term]) -> Holds:
    value, prefix = terms
    _check_literal(reader, prefix, ("S", "B"), "operator or function", name)
    return lambda item: _begins(value.of(item), prefix.of(item))


def _containing(_: Reader, __: str, terms: list[_Term]) -> Holds:
    value, member = terms
    return lambda item: _contains(value.of(item), member.of(item))


def _arguments(reader: Reader, name: str, count: int) -> list[_Term]:
    reader.expect("(")
    terms = [_term(reader)]
    while reader.take_if(","):
        terms.append(_term(reader))
    reader.expect(")")
    if len(terms) != count:
        reader.fail("Incorrect number of operands for operator or function; operator or function: "
                    f"{name}, number of operands: {len(terms)}")  # fmt: skip
    return terms


def _check_literal(reader: Reader, term: _Term, tags: tuple[str, ...], what: str, name: str) -> None:
    if term.literal is not None and not term.literal.keys() <= set(tags):
        (tag,) = term.literal
        reader.fail(f"Incorrect operand type for operator or function; {what}: {name}, operand type: {tag}")


def _ordered(compare: Callable[[Any, Any], bool], left: Tagged | None, right: Tagged | None) -> bool:
    """Compares values of one type that has an order; nothing else compares."""
    if left is None or right is None or left.keys() != right.keys() or not left.keys() <= set(ORDERED):
        return False
    return compare(_plain(left), _plain(right))


def _plain(value: Tagged) -> Any:
    ((tag, content),) = value.items()
    # DynamoDB orders text by its UTF-8 bytes: the order of code points, in which Python compares it.
    return Decimal(content) if tag == "N" else content


def _size(value: Tagged | None) -> Tagged | None:
    if value is None:
        return None
    ((tag, content),) = value.items()
    return None if tag in {"N", "BOOL", "NULL"} else {"N": str(len(content))}


def _begins(value: Tagged | None, prefix: Tagged | None) -> bool:
    if value is None or prefix is None or value.keys() != prefix.keys() or not value.keys() <= {"S", "B"}:
        return False
    ((tag, content),) = value.items()
    return bool(content.startswith(prefix[tag]))


def _contains(value: Tagged | None, member: Tagged | None) -> bool:
    if value is None or member is None:
        return False
    ((tag, content),) = value.items()
    ((member_tag, wanted),) = member.items()
    if tag == "L":
        return member in content
    if tag in {"S", "B"}:
        return member_tag == tag and wanted in content
    return tag == f"{member_tag}S" and wanted in content


_FUNCTIONS: dict[str, tuple[int, Callable[[Reader, str, list[_Term]], Holds]]] = {
    "attribute_exists": (1, _existing),
    "attribute_not_exists": (1, _existing),
    "attribute_type": (2, _typed),
    "begins_with": (2, _beginning),
    "contains": (2, _containing),
}
