"""The hot table: DynamoDB's model of items by key.

Guarantees that every adapter gives: an item is written whole or not at all; a read by key sees the newest write;
numbers come back digit by digit; an index holds exactly the items that have its keys. Reads by index may lag behind in
AWS. An item past its TTL may still be seen for a while (48 hours in AWS), or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from penstock.model.datasets import HotTable
from penstock.model.items import Item

PAGE_LIMIT_BYTES = 1024 * 1024


class KeyRange(msgspec.Struct, frozen=True):
    """A condition on the sort key. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html"""

    operator: Literal["=", "<", "<=", ">", ">=", "between", "begins_with"]
    low: Any
    high: Any = None


def equals(value: Any) -> KeyRange:
    """The sort key is this value."""
    return KeyRange("=", value)


def less(value: Any) -> KeyRange:
    """The sort key is less."""
    return KeyRange("<", value)


def less_or_equal(value: Any) -> KeyRange:
    """The sort key is at most this."""
    return KeyRange("<=", value)


def greater(value: Any) -> KeyRange:
    """The sort key is greater."""
    return KeyRange(">", value)


def greater_or_equal(value: Any) -> KeyRange:
    """The sort key is at least this."""
    return KeyRange(">=", value)


def between(low: Any, high: Any) -> KeyRange:
    """The sort key is at least ``low`` and at most ``high``."""
    return KeyRange("between", low, high)


def begins_with(prefix: str | bytes) -> KeyRange:
    """The sort key, text or bytes, begins so."""
    return KeyRange("begins_with", prefix)


class Condition(msgspec.Struct, frozen=True):
    """What must hold of the item that is there, or of its absence, for a write to happen."""

    operator: Literal["exists", "not_exists", "=", "<", "<=", ">", ">=", "and", "or", "not"]
    attribute: str = ""
    value: Any = None
    parts: tuple[Condition, ...] = ()

    def __and__(self, other: Condition) -> Condition:
        return Condition("and", parts=(self, other))

    def __or__(self, other: Condition) -> Condition:
        return Condition("or", parts=(self, other))

    def __invert__(self) -> Condition:
        return Condition("not", parts=(self,))


def attribute_exists(name: str) -> Condition:
    """The item has this attribute."""
    return Condition("exists", name)


def attribute_not_exists(name: str) -> Condition:
    """The item, if there is one, does not have this attribute."""
    return Condition("not_exists", name)


def attribute(name: str, operator: Literal["=", "<", "<=", ">", ">="], value: Any) -> Condition:
    """The item has this attribute, and it compares so with a value of the same type."""
    return Condition(operator, name, value)


class Page(msgspec.Struct, frozen=True):
    """Some items. ``after`` is where the next page begins; None on the last one."""

    items: list[dict[str, Any]]
    after: dict[str, Any] | None = None


class HotStore(Protocol):
    """Items of all hot tables."""

    def put(self, table: HotTable, item: Item, *, condition: Condition | None = None) -> None:
        """Writes an item in place of any with its key.

        Raises:
            ValidationError: the item breaks one of DynamoDB's rules.
            ConditionFailedError: the condition does not hold; nothing was written.
            ThrottledError: try again later.
        """
        ...

    def batch_put(self, table: HotTable, items: Sequence[Item]) -> None:
        """Writes many items; two with one key are a ValidationError. A batch of 25 is not one transaction in AWS."""
        ...

    def get(self, table: HotTable, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """Returns the item with this key, or None."""
        ...

    def delete(self, table: HotTable, key: Mapping[str, Any], *, condition: Condition | None = None) -> None:
        """Deletes the item with this key, if there is one. Raises ConditionFailedError."""
        ...

    def query(
        self,
        table: HotTable,
        *,
        partition: Any,
        index: str | None = None,
        sort: KeyRange | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Page:
        """Returns items of one partition in the order of their sort key; at most 1 MB a page.

        Raises:
            ValidationError: there is no such index, or a value does not fit its key.
        """
        ...

    def scan(self, table: HotTable, *, limit: int | None = None, after: Mapping[str, Any] | None = None) -> Page:
        """Returns items in no promised order."""
        ...

    def count(self, table: HotTable) -> int:
        """Counts the items."""
        ...

    def expire(self, table: HotTable, now: float, limit: int = 1000) -> int:
        """Deletes items past their TTL; returns how many."""
        ...

    def close(self) -> None:
        """Frees everything."""
        ...
