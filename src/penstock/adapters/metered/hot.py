"""The hot table: request units with those of indexes, and storage.

https://aws.amazon.com/dynamodb/pricing/on-demand/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import GB, ITEM_OVERHEAD_BYTES, WRITE_UNIT_BYTES, read_units, write_units
from penstock.errors import ConditionFailedError
from penstock.model.datasets import HotTable
from penstock.model.item_writing import item_bytes
from penstock.model.items import Item, Tagged, encode_item, item_size
from penstock.ports.hot import Condition, Decide, Page, Replacement

WRITE, READ, STORAGE, RECOVERY = "dynamodb-write", "dynamodb-read", "dynamodb-storage", "dynamodb-pitr"
# Not billed: it tells how much of the storage is gone when items are.
ITEMS = "dynamodb-items"
# Of the items that were there before the meter, so many are measured; the others are taken to be like them.
MEASURED = 16


class MeteredHotStore(Wrapper):
    """Request units of hot tables. Each index that has an item's keys is written, and billed, with it.

    Every put counts as a new item: whether one was there is not asked, which would cost as much as the put.
    """

    def put(self, table: HotTable, item: Item, *, condition: Condition | None = None) -> None:
        try:
            self._inner.put(table, item, condition=condition)
        except ConditionFailedError:
            # A write that a condition refuses is billed as one of the item that is there, one unit at least.
            self._count(WRITE, 1, "PutItem", table.name)
            raise
        self._wrote(table, [item], "PutItem")

    def batch_put(self, table: HotTable, items: Sequence[Item]) -> Sequence[int] | None:
        sizes: Sequence[int] | None = self._inner.batch_put(table, items)
        if items:
            self._wrote(table, items, "BatchWriteItem", sizes)
        return sizes

    def get(self, table: HotTable, key: Mapping[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._inner.get(table, key)
        size = item_size(encode_item(found)) if found else 0
        self._count(READ, read_units(size, consistent=True), "GetItem", table.name)
        return found

    def delete(self, table: HotTable, key: Mapping[str, Any], *, condition: Condition | None = None) -> None:
        self._count(WRITE, 1 + len(table.indexes), "DeleteItem", table.name)
        self._inner.delete(table, key, condition=condition)
        self._hold(ITEMS, -1, "DeleteItem", table.name)

    def query(self, table: HotTable, **asked: Any) -> Page:
        page: Page = self._inner.query(table, **asked)
        self._read(table, page, "Query", consistent=asked.get("index") is None)
        return page

    def scan(self, table: HotTable, *, limit: int | None = None, after: Mapping[str, Any] | None = None) -> Page:
        page: Page = self._inner.scan(table, limit=limit, after=after)
        self._read(table, page, "Scan", consistent=True)
        return page

    def exchange(self, table: HotTable, key: Mapping[str, Tagged], decide: Decide, *, token: str) -> bytes:
        def counted(there: dict[str, Tagged] | None) -> Replacement:
            decided = decide(there)
            size = max(item_size(one) if one else 0 for one in (there, decided.item))
            if decided.writes:
                copies = 1 + len(table.indexes)
                self._count(WRITE, write_units(size) * copies, "UpdateItem", table.name)
            else:
                self._count(READ, read_units(size, consistent=False), "GetItem", table.name)
            return decided

        return self._inner.exchange(table, key, counted, token=token)  # type: ignore[no-any-return]

    def _read(self, table: HotTable, page: Page, operation: str, *, consistent: bool) -> None:
        size = sum(item_size(encode_item(item)) for item in page.items)
        self._count(READ, read_units(size, consistent=consistent), operation, table.name)

    def _wrote(
        self, table: HotTable, items: Sequence[Item], operation: str, known: Sequence[int] | None = None
    ) -> None:
        # A store that has measured them knows best.
        sizes = known or _sizes(table, items, self._clock.now())
        copies = _copies(table, items)
        written = sum(
            each * (1 if size <= WRITE_UNIT_BYTES else write_units(size))
            for each, size in zip(copies, sizes, strict=True)
        )
        stored = sum(each * (size + ITEM_OVERHEAD_BYTES) for each, size in zip(copies, sizes, strict=True))
        self._count(WRITE, written, operation, table.name)
        self._hold(STORAGE, stored / GB, operation, table.name)
        if table.point_in_time_recovery:
            self._hold(RECOVERY, sum(sizes) / GB, operation, table.name)
        self._hold(ITEMS, len(items), operation, table.name)


class HeldHotStore(Wrapper):
    """What goes from hot tables by itself, which costs nothing."""

    def found(self, table: HotTable) -> None:
        """Counts the items that were there before the meter, as if all were like some of them."""
        some, count = self._inner.scan(table, limit=MEASURED).items, self._inner.count(table)
        if not some:
            return
        sizes = [item_size(encode_item(item)) for item in some]
        stored = sum(
            (size + ITEM_OVERHEAD_BYTES) * copies for size, copies in zip(sizes, _copies(table, some), strict=True)
        )
        for item, amount in (
            (ITEMS, float(count)),
            (STORAGE, stored / len(some) * count / GB),
            (RECOVERY, sum(sizes) / len(some) * count / GB * table.point_in_time_recovery),
        ):
            self._meter.found(item, amount, at=self._clock.now(), operation="Scan", resource=table.name)

    def expire(self, table: HotTable, now: float, limit: int = 1000) -> int:
        expired: int = self._inner.expire(table, now, limit)
        if expired:
            self._hold(ITEMS, -expired, "TimeToLive", table.name)
        return expired


def _copies(table: HotTable, items: Sequence[Item]) -> list[int]:
    """Returns in how many places each item is: in the table, and in the indexes whose keys it has."""
    names = [{key.name for key in (index.partition, index.sort) if key is not None} for index in table.indexes]
    return [1 + sum(keys <= item.keys() for keys in names) for item in items]


def _sizes(table: HotTable, items: Sequence[Item], now: float) -> list[int]:
    """Returns the sizes of items, with the expiry that the table gives them."""
    own, lives = table.ttl_attribute, table.ttl_seconds
    if not own or not lives:
        return [item_bytes(item) for item in items]
    more = item_bytes({own: int(now) + lives})
    return [item_bytes(item) + (0 if own in item else more) for item in items]
