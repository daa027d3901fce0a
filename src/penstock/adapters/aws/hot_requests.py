"""What is asked of DynamoDB: items, keys, conditions and queries, checked before they are sent.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from penstock.errors import ValidationError
from penstock.model import items as values
from penstock.model.datasets import HotTable, Index, Key
from penstock.model.items import Tagged
from penstock.ports.hot import Condition, KeyRange

Encoded = dict[str, Tagged]

ORDERED = frozenset({"S", "N", "B"})
FUNCTIONS = {"exists": "attribute_exists", "not_exists": "attribute_not_exists"}


def encoded_key(table: HotTable, encoded: Encoded) -> Encoded:
    """Returns the key of an item in DynamoDB's notation."""
    return {key.name: encoded[key.name] for key, _ in values.key_limits(table)}


def check_page_limit(limit: int | None) -> None:
    """Raises ValidationError for a page of no items."""
    if limit is not None and limit < 1:
        raise ValidationError(f"a page of {limit} items is none", hint="limit is at least 1")


def condition_arguments(condition: Condition | None) -> dict[str, Any]:
    """Returns a condition as arguments of a write.

    Raises:
        ValidationError: no attribute can hold a value, or a value has no order.
    """
    if condition is None:
        return {}
    expression = Expression()
    arguments: dict[str, Any] = {"ConditionExpression": expression.of(condition)}
    return {**arguments, **expression.arguments(), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class Expression:
    """Text of an expression, with placeholders for every name and value: none can be taken for a keyword."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Tagged] = {}

    def name(self, attribute: str) -> str:
        """Returns the placeholder of an attribute."""
        for placeholder, known in self._names.items():
            if known == attribute:
                return placeholder
        placeholder = f"#n{len(self._names)}"
        self._names[placeholder] = attribute
        return placeholder

    def value(self, tagged: Tagged) -> str:
        """Returns the placeholder of a value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = tagged
        return placeholder

    def of(self, condition: Condition) -> str:
        """Returns a condition as text."""
        match condition.operator:
            case "and" | "or":
                return f" {condition.operator.upper()} ".join(f"({self.of(part)})" for part in condition.parts)
            case "not":
                return f"NOT ({self.of(condition.parts[0])})"
            case "exists" | "not_exists":
                return f"{FUNCTIONS[condition.operator]}({self.name(condition.attribute)})"
            case compared:
                return f"{self.name(condition.attribute)} {compared} {self.value(_comparable(condition))}"

    def arguments(self) -> dict[str, Any]:
        """Returns the placeholders' meaning, as arguments of a request."""
        found: dict[str, Any] = {"ExpressionAttributeNames": self._names, "ExpressionAttributeValues": self._values}
        return {name: meaning for name, meaning in found.items() if meaning}


def _comparable(condition: Condition) -> Tagged:
    tagged = values.encode(condition.value)
    if condition.operator != "=" and not tagged.keys() <= ORDERED:
        raise ValidationError(
            f"{condition.attribute!r} {condition.operator} a {type(condition.value).__name__}: that has no order",
            hint="compare with text, a number or bytes",
        )
    return tagged


def query_arguments(
    table: HotTable, partition: Any, index_name: str | None, sort: KeyRange | None, after: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Returns the arguments of a query.

    Raises:
        ValidationError: there is no such index, a value does not fit its key, or ``after`` is of another query.
    """
    where = f"hot table {table.name!r}"
    index = None if index_name is None else values.index_of(table, index_name)
    keyed = table if index is None else index
    values.check_key_value(partition, keyed.partition, values.PARTITION_LIMIT_BYTES, where)
    expression = Expression()
    text = f"{expression.name(keyed.partition.name)} = {expression.value(values.encode(partition))}"
    if sort is not None:
        text += f" AND {_range(where, expression, sort, keyed.sort)}"
    arguments: dict[str, Any] = {"KeyConditionExpression": text, **expression.arguments()}
    # An index of the table as a whole cannot be read consistently.
    arguments |= {"ConsistentRead": True} if index is None else {"IndexName": index.name}
    if after is not None:
        _check_position(table, index, partition, sort, after)
        arguments["ExclusiveStartKey"] = values.encode_item(after)
    return arguments


def _range(where: str, expression: Expression, sort: KeyRange, key: Key | None) -> str:
    if key is None:
        raise ValidationError(f"{where}: there is no sort key to compare", hint="leave the range out")
    values.check_key_value(sort.low, key, values.SORT_LIMIT_BYTES, where)
    name, low = expression.name(key.name), expression.value(values.encode(sort.low))
    if sort.operator == "between":
        values.check_key_value(sort.high, key, values.SORT_LIMIT_BYTES, where)
        if ordered(sort.low) > ordered(sort.high):
            raise ValidationError(f"{where}: between {sort.low!r} and {sort.high!r} is nothing", hint="swap them")
        return f"{name} BETWEEN {low} AND {expression.value(values.encode(sort.high))}"
    if sort.operator == "begins_with":
        if key.type == "N":
            raise ValidationError(f"{where}: a number does not begin with anything", hint="use between")
        return f"begins_with({name}, {low})"
    return f"{name} {sort.operator} {low}"


def _check_position(
    table: HotTable, index: Index | None, partition: Any, sort: KeyRange | None, after: Mapping[str, Any]
) -> None:
    values.check_key(table, after, index)
    keyed = table if index is None else index
    fits = ordered(after[keyed.partition.name]) == ordered(partition)
    if sort is not None and keyed.sort is not None:
        fits = fits and _within(ordered(after[keyed.sort.name]), sort)
    if not fits:
        raise ValidationError(
            f"{f'hot table {table.name!r}'}: the position is not within what the query asks for",
            hint="give `after` as the previous page of the same query had it",
        )


def ordered(value: Any) -> Any:
    """Returns a key's value as something that compares as DynamoDB compares: numbers by value, text by UTF-8."""
    if isinstance(value, int | float | Decimal):
        return values.number(value)
    return value.encode() if isinstance(value, str) else bytes(value)


def _within(found: Any, sort: KeyRange) -> bool:
    low = ordered(sort.low)
    match sort.operator:
        case "=":
            return bool(found == low)
        case "<":
            return bool(found < low)
        case "<=":
            return bool(found <= low)
        case ">":
            return bool(found > low)
        case ">=":
            return bool(found >= low)
        case "between":
            return bool(low <= found <= ordered(sort.high))
        case "begins_with":
            return bool(found.startswith(low))
