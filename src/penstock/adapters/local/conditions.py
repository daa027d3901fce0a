"""Conditions on items, evaluated as DynamoDB does."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from penstock.model.items import number
from penstock.ports.hot import Condition

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(condition: Condition, item: Mapping[str, Any] | None) -> bool:
    """Tells whether a condition holds of an item, or of its absence."""
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


def _compare(compared: str, left: Any, right: Any) -> bool:
    """Compares values of one type; of two types, every comparison is false."""
    left_kind, left = _comparable(left)
    right_kind, right = _comparable(right)
    if left_kind != right_kind:
        return False
    if compared != "=" and left_kind not in {"number", "str", "bytes"}:
        return False
    return bool(COMPARISONS[compared](left, right))


def _comparable(value: Any) -> tuple[str, Any]:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "number", number(value)
    if isinstance(value, str):
        # DynamoDB orders text by its UTF-8 bytes.
        return "str", value.encode()
    return type(value).__name__, value
