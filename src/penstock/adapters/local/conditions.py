"""Conditions on items, evaluated as DynamoDB does, on its typed notation.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.model.items import Tagged, encode
from penstock.ports.hot import Condition

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def checked(condition: Condition) -> Condition:
    """Returns a condition with its values in DynamoDB's typed notation.

    Raises:
        ValidationError: no attribute can hold a value, or a value has no order.
    """
    if condition.parts:
        return msgspec.structs.replace(condition, parts=tuple(checked(part) for part in condition.parts))
    if condition.operator not in COMPARISONS:
        return condition
    tagged = encode(condition.value)
    if condition.operator != "=" and not tagged.keys() <= {"S", "N", "B"}:
        raise ValidationError(
            f"{condition.attribute!r} {condition.operator} a {type(condition.value).__name__}: that has no order",
            hint="compare with text, a number or bytes",
        )
    return msgspec.structs.replace(condition, value=tagged)


def holds(condition: Condition, item: Mapping[str, Tagged] | None) -> bool:
    """Tells whether a checked condition holds of an item in typed notation, or of its absence."""
    match condition.operator:
        case "and":
            return all(holds(part, item) for part in condition.parts)
        case "or":
            return any(holds(part, item) for part in condition.parts)
        case "not":
            return not holds(condition.parts[0], item)
        case "exists":
            return item is not None and condition.attribute in item
        case "not_exists":
            return item is None or condition.attribute not in item
        case compared:
            if item is None or condition.attribute not in item:
                return False
            return _compare(compared, item[condition.attribute], condition.value)


def _compare(compared: str, left: Tagged, right: Tagged) -> bool:
    """Compares values of one type; of two types, every comparison is false."""
    if compared == "=":
        return left == right
    return left.keys() == right.keys() and COMPARISONS[compared](_ordered(left), _ordered(right))


def _ordered(tagged: Tagged) -> Any:
    ((tag, content),) = tagged.items()
    # DynamoDB orders text by its UTF-8 bytes: the order of code points, in which Python compares it.
    return Decimal(content) if tag == "N" else content
