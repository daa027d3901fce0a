"""Hot tables in DynamoDB."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from penstock.adapters.aws.batches import batches
from penstock.adapters.aws.hot_requests import check_page_limit, condition_arguments, encoded_key, query_arguments
from penstock.adapters.aws.session import calling, client
from penstock.errors import ConditionFailedError, ThrottledError, ValidationError
from penstock.model import items as values
from penstock.model.datasets import HotTable
from penstock.model.item_writing import ItemWriter
from penstock.model.items import Item
from penstock.ports.clock import Clock
from penstock.ports.hot import BATCH_LIMIT_ITEMS, Condition, KeyRange, Page

ATTEMPTS = 8
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 5.0
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
BATCH_LIMIT_BYTES = 16 * 1024 * 1024


class DynamoDbHotStore:
    """The hot tables of an account and a region. Reads by key are consistent; reads by index may lag behind.

    Args:
        clock: tells when an item without an expiry expires.
        names: DynamoDB's name of a hot table, where it is another than the definition's.
        pause: waits so many seconds between attempts.

    Raises:
        ThrottledError: from every operation, when DynamoDB still refuses after the last attempt.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        names: Mapping[str, str] | None = None,
        region: str | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self._clock = clock
        self._names = dict(names or {})
        self._client = client("dynamodb", region=region)
        self._pause = pause

    def put(self, table: HotTable, item: Item, *, condition: Condition | None = None) -> None:
        encoded, _ = ItemWriter(table).complete(item, self._clock.now())
        arguments = condition_arguments(condition)
        with self._translated(f"put an item into {table.name}", table):
            self._client.put_item(TableName=self._name(table), Item=encoded, **arguments)

    def batch_put(self, table: HotTable, items: Sequence[Item]) -> None:
        now = self._clock.now()
        writer = ItemWriter(table)
        sized = [writer.complete(item, now) for item in items]
        keys = {repr(sorted(encoded_key(table, one).items())) for one, _ in sized}
        if len(keys) != len(sized):
            raise ValidationError(
                f"hot table {table.name!r}: two items of one batch have the same key", hint="keep the one that you mean"
            )
        for batch in batches(sized, itemgetter(1), limit=BATCH_LIMIT_ITEMS, limit_bytes=BATCH_LIMIT_BYTES):
            self._write(table, [item for item, _ in batch])

    def get(self, table: HotTable, key: Mapping[str, Any]) -> dict[str, Any] | None:
        values.check_key(table, key)
        with self._translated(f"get an item of {table.name}", table):
            found = self._client.get_item(
                TableName=self._name(table), Key=values.encode_item(key), ConsistentRead=True
            ).get("Item")
        return None if found is None else values.decode_item(found)

    def delete(self, table: HotTable, key: Mapping[str, Any], *, condition: Condition | None = None) -> None:
        values.check_key(table, key)
        arguments = condition_arguments(condition)
        with self._translated(f"delete an item of {table.name}", table):
            self._client.delete_item(TableName=self._name(table), Key=values.encode_item(key), **arguments)

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
        check_page_limit(limit)
        arguments = query_arguments(table, partition, index, sort, after)
        if limit is not None:
            arguments["Limit"] = limit
        with self._translated(f"query {table.name}", table):
            return _page(
                self._client.query(TableName=self._name(table), ScanIndexForward=not newest_first, **arguments)
            )

    def scan(self, table: HotTable, *, limit: int | None = None, after: Mapping[str, Any] | None = None) -> Page:
        check_page_limit(limit)
        arguments: dict[str, Any] = {} if limit is None else {"Limit": limit}
        if after is not None:
            values.check_key(table, after)
            arguments["ExclusiveStartKey"] = values.encode_item(after)
        with self._translated(f"scan {table.name}", table):
            return _page(self._client.scan(TableName=self._name(table), ConsistentRead=True, **arguments))

    def count(self, table: HotTable) -> int:
        with self._translated(f"count the items of {table.name}", table):
            pages = self._client.get_paginator("scan").paginate(
                TableName=self._name(table), ConsistentRead=True, Select="COUNT"
            )
            return sum(page["Count"] for page in pages)

    def expire(self, table: HotTable, now: float, limit: int = 1000) -> int:
        """DynamoDB deletes expired items by itself."""
        return 0

    def close(self) -> None:
        self._client.close()

    def _name(self, table: HotTable) -> str:
        return self._names.get(table.name, table.name)

    def _write(self, table: HotTable, batch: Sequence[Mapping[str, Any]]) -> None:
        """Writes a batch; what DynamoDB leaves unprocessed is tried again, less and less often."""
        name = self._name(table)
        waiting = [{"PutRequest": {"Item": item}} for item in batch]
        for attempt in range(ATTEMPTS):
            with self._translated(f"put items into {table.name}", table):
                answer = self._client.batch_write_item(RequestItems={name: waiting})
            waiting = answer.get("UnprocessedItems", {}).get(name, [])
            if not waiting:
                return
            self._wait(attempt)
        raise ThrottledError(
            f"hot table {table.name!r}: {len(waiting)} items are still unprocessed after {ATTEMPTS} attempts",
            hint="write all of them again later; what was written stays as it is",
        )

    def _wait(self, attempt: int) -> None:
        import time

        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
        # Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        (self._pause or time.sleep)(random.uniform(0, longest))

    @contextlib.contextmanager
    def _translated(self, what: str, table: HotTable) -> Iterator[None]:
        with calling(what):
            try:
                yield
            except self._client.exceptions.ConditionalCheckFailedException as error:
                there = error.response.get("Item")
                raise ConditionFailedError(
                    f"hot table {table.name!r}: the condition does not hold",
                    hint="read the item again, then decide",
                    item=values.decode_item(there) if there else None,
                ) from None


def _page(answer: Mapping[str, Any]) -> Page:
    last = answer.get("LastEvaluatedKey")
    items = [values.decode_item(item) for item in answer.get("Items", ())]
    return Page(items, values.decode_item(last) if last else None)
