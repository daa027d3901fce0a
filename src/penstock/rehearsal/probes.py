"""Every operation of every grant, done once in the name of the task's role; and one that it was not granted.

A run need not reach all of them: a task that may put items may have put them in batches only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.notify import SnsPublisher
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.errors import AccessDeniedError
from penstock.lake.layout import quarantine_key, raw_key
from penstock.model.access import Grant, HotAction, Kind, LakeAction
from penstock.model.datasets import HotTable, Index, Key
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.ports.clock import Clock
from penstock.ports.notify import Message

SAMPLES: dict[str, Any] = {"S": "penstock-probe", "N": 0, "B": b"penstock-probe"}


class Refused(msgspec.Struct, frozen=True, order=True):
    """A grant that the emulator did not honour, or a thing not granted that it allowed."""

    task: str
    grant: str
    reason: str


class Probe:
    """Uses AWS as the environment's credentials allow.

    Args:
        outputs: of the deployment's Terraform.
        keys: of each lake table that has one, the key of an object.
    """

    def __init__(
        self, definition: Definition, outputs: Mapping[str, Any], keys: Mapping[str, str], clock: Clock
    ) -> None:
        self._keys = dict(keys)
        self._definition = definition
        self._outputs = outputs
        self._clock = clock

    def use(self, task: Task) -> Iterator[Refused]:
        """Does everything that a task was granted; yields what was refused."""
        for grant in sorted(task.grants):
            try:
                self._use(task, grant)
            except AccessDeniedError as error:
                yield Refused(task.name, str(grant), error.message)

    def overstep(self, task: Task) -> Iterator[Refused]:
        """Tries what a task was not granted; yields what was allowed."""
        for name, key in self._keys.items():
            table = self._definition.lake_tables[name]
            if table.read not in task.grants and self._is_allowed(key):
                yield Refused(task.name, str(table.read), "it was not granted, and was allowed")

    def _is_allowed(self, key: str) -> bool:
        try:
            self._objects.head(key)
        except AccessDeniedError:
            return False
        return True

    @property
    def _objects(self) -> S3ObjectStore:
        return S3ObjectStore(self._outputs["lake_bucket"])

    def _use(self, task: Task, grant: Grant) -> None:
        match grant.kind:
            case Kind.LAKE:
                self._use_lake(task, grant)
            case Kind.HOT_TABLE:
                self._use_hot(self._definition.hot_tables[grant.resource], HotAction(grant.action))
            case Kind.TOPIC:
                said = Message(
                    id=f"probe-{task.name}", topic=grant.resource, subject="Rehearsal", body="Rehearsal",
                    created_at=self._clock.now(),
                )  # fmt: skip
                SnsPublisher(self._outputs["topics"]).publish(self._definition.topics[grant.resource], said)
            case _:
                # Metrics go through the function's log.
                return

    def _use_lake(self, task: Task, grant: Grant) -> None:
        key = raw_key(self._definition.lake_tables[grant.resource], self._clock.now(), "probe", task.name)
        match LakeAction(grant.action):
            case LakeAction.APPEND:
                self._objects.put(key, b"")
            case LakeAction.READ:
                self._objects.head(self._keys.get(grant.resource, key))
            case LakeAction.QUARANTINE:
                self._objects.put(quarantine_key(self._definition.lake_tables[grant.resource], key), b"")

    def _use_hot(self, table: HotTable, action: HotAction) -> None:
        store = DynamoDbHotStore(self._clock, names=self._outputs["hot_tables"])
        keys = {key.name: SAMPLES[key.type] for key in _keys(table)}
        item = {**{key.name: SAMPLES[key.type] for index in table.indexes for key in _keys(index)}, **keys}
        match action:
            case HotAction.PUT:
                store.put(table, item)
                store.batch_put(table, [item])
            case HotAction.GET:
                store.get(table, keys)
            case HotAction.DELETE:
                store.delete(table, keys)
            case HotAction.QUERY:
                store.query(table, partition=item[table.partition.name], limit=1)
                for index in table.indexes:
                    store.query(table, partition=item[index.partition.name], index=index.name, limit=1)


def _keys(keyed: HotTable | Index) -> list[Key]:
    return [key for key in (keyed.partition, keyed.sort) if key is not None]
