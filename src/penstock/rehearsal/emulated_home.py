"""A home whose data are in an emulator of AWS: what workflows ask of services happens where the functions work."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.notify import SnsPublisher
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.queues import SqsQueueStore
from penstock.adapters.aws.session import calling, client
from penstock.model.datasets import HotTable
from penstock.model.items import Tagged
from penstock.ports.hot import Decide
from penstock.rehearsal.databases import Databases
from penstock.rehearsal.lambda_deployment import Names
from penstock.runtime.machine.home import Home


class EmulatedHome(Home):
    """The journal and the alarms are this machine's; objects, items, messages and queues are the emulator's.

    Args:
        names: of what was made there.
        databases: of its warehouses; needed where it has any.
    """

    def __init__(self, path: Path, names: Names, databases: Databases | None = None, *, create: bool = True) -> None:
        super().__init__(path, create=create)
        self._names = names
        self._databases = databases

    @functools.cached_property
    def warehouses(self) -> Any:
        return super().warehouses if self._databases is None else self._databases.store

    @functools.cached_property
    def objects(self) -> Any:
        return S3ObjectStore(self._names.bucket)

    @functools.cached_property
    def hot(self) -> Any:
        return DynamoDbHotStore(self.clock, names=self._names.tables)

    @functools.cached_property
    def topics(self) -> Any:
        return SnsPublisher(self._names.topics)

    @functools.cached_property
    def queues(self) -> Any:
        return SqsQueueStore(self._names.queues)

    @functools.cached_property
    def exchange(self) -> Any:
        return DynamoDbExchange(self._names.tables)


class DynamoDbExchange:
    """A ``HotExchange`` over tables that nobody else writes to meanwhile: DynamoDB itself has none.

    Args:
        names: of tables in the account, by name.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._client = client("dynamodb")
        self._answers: dict[str, bytes] = {}

    def exchange(self, table: HotTable, key: Mapping[str, Tagged], decide: Decide, *, token: str) -> bytes:
        if token in self._answers:
            return self._answers[token]
        named = {"TableName": self._names[table.name]}
        with calling(f"exchange an item of {table.name}"):
            found = self._client.get_item(Key=key, ConsistentRead=True, **named).get("Item")
        replacement = decide(found)
        with calling(f"exchange an item of {table.name}"):
            if replacement.writes and replacement.item is not None:
                self._client.put_item(Item=replacement.item, **named)
            elif replacement.writes:
                self._client.delete_item(Key=key, **named)
        if replacement.writes:
            self._answers[token] = replacement.answer
        return replacement.answer
