"""The hot table: DynamoDB's model of items by key.

Guarantees that every adapter gives: an item is written whole or not at all; a read by key sees the newest write;
numbers come back digit by digit; an index holds exactly the items that have its keys, in the order of its sort key
(numbers by value, text by its UTF-8 bytes, bytes bytewise). Reads by index may lag behind in AWS. An item past its TTL
may still be seen, and met by conditions, for a while (48 hours and more in AWS), or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from penstock.model.datasets import HotTable
from penstock.model.items import Item, Tagged

PAGE_LIMIT_BYTES = 1024 * 1024
BATCH_LIMIT_ITEMS = 25


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
    """What must hold of the item that is there, or of its absence, for a write to happen. Combine with ``& | ~``.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
    """

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
    """The item has this attribute, and it compares so with a value of the same type.

    An optimistic lock is ``attribute("version", "<", 7)``. Text, numbers and bytes have an order; the rest is equal or
    is not.
    """
    return Condition(operator, name, value)


class Page(msgspec.Struct, frozen=True):
    """Some items. ``after`` is where the next page begins; None on the last one.

    The last page may be empty: AWS says so little as that there may be more.
    """

    items: list[dict[str, Any]]
    after: dict[str, Any] | None = None


class HotStore(Protocol):
    """Items of all hot tables.

    Every operation raises ValidationError when an argument breaks one of DynamoDB's rules (``penstock.model.items``
    has them), and ThrottledError when trying again later can help.
    """

    def put(self, table: HotTable, item: Item, *, condition: Condition | None = None) -> None:
        """Writes an item in place of any with its key, and its index entries, whole or not at all.

        In a table with a TTL an item without expiry gets one: now, in whole seconds, and ``ttl_seconds``.

        Raises:
            ValidationError: the item breaks one of DynamoDB's rules; nothing was written.
            ConditionFailedError: the condition does not hold; nothing was written. ``data["item"]`` is what is there.
        """
        ...

    def batch_put(self, table: HotTable, items: Sequence[Item]) -> Sequence[int] | None:
        """Writes any number of items. They are checked before the first is written; then each is written whole.

        Returns the bytes that DynamoDB counts for each as it is stored; None from a store that has not measured them.

        All of them is no transaction: after a failure some may be there, and writing all again is right.
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html

        Raises:
            ValidationError: two items have one key, or an item breaks a rule; nothing was written.
        """
        ...

    def get(self, table: HotTable, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """Returns the item with this key as the newest write left it, or None. ``key`` has the table's keys alone."""
        ...

    def delete(self, table: HotTable, key: Mapping[str, Any], *, condition: Condition | None = None) -> None:
        """Deletes the item with this key, if there is one.

        Raises:
            ConditionFailedError: the condition does not hold; nothing was deleted.
        """
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
        """Returns items of one partition in the order of their sort key; at most ``limit``, and 1 MB, a page.

        Following ``after`` to the end returns each item that was there all the while exactly once, whatever else is
        written meanwhile. Among items with one sort key, an index has no promised order.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html

        Raises:
            ValidationError: there is no such index, a value does not fit its key, the upper bound is below the lower,
                or ``after`` is a position of another query.
        """
        ...

    def scan(self, table: HotTable, *, limit: int | None = None, after: Mapping[str, Any] | None = None) -> Page:
        """Returns items in no promised order, at most ``limit``, and 1 MB, a page."""
        ...

    def count(self, table: HotTable) -> int:
        """Counts the items. This reads the whole table."""
        ...

    def expire(self, table: HotTable, now: float, limit: int = 1000) -> int:
        """Deletes at most ``limit`` items past their TTL; returns how many. In AWS the service does it, this does 0.

        Past its TTL is an item whose TTL attribute is a number of epoch seconds, up to ``now``, but within the last
        five years.
        """
        ...

    def close(self) -> None:
        """Frees everything."""
        ...


class Replacement(msgspec.Struct, frozen=True):
    """What becomes of an item.

    Attributes:
        item: what is there from now on, in DynamoDB's typed notation; None for nothing.
        answer: what the asker is told.
        writes: False leaves everything as it is.
    """

    item: dict[str, Tagged] | None
    answer: bytes
    writes: bool = True


Decide = Callable[[dict[str, Tagged] | None], Replacement]


class HotExchange(Protocol):
    """One item, read and replaced as one step: by this a machine does what DynamoDB's expressions ask.

    In AWS there is none: the service itself does it, asked by the workflow.
    """

    def exchange(self, table: HotTable, key: Mapping[str, Tagged], decide: Decide, *, token: str) -> bytes:
        """Hands the item with a key, or None, to ``decide`` and does what it says; nothing comes between the two.

        What ``decide`` raises is passed on, and nothing was written.

        Args:
            key: the table's keys in typed notation.
            token: an exchange that wrote is not done again under its token: the same answer is returned.

        Raises:
            ValidationError: the key, or the item, breaks one of DynamoDB's rules.
        """
        ...


def scan_all(store: HotStore, table: HotTable) -> Iterator[dict[str, Any]]:
    """Yields every item of a table, page by page, in no promised order."""
    after: Mapping[str, Any] | None = None
    while True:
        page = store.scan(table, after=after)
        yield from page.items
        after = page.after
        if after is None:
            return
