"""Every operation of every grant, done once in the name of the task's role; and what it was not granted, tried once.

A run need not reach all of them: a task that may put items may have put them in batches only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.events import EventBridgePublisher
from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.notify import SnsPublisher
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.queues import SqsQueueStore
from penstock.deploy.resources.glue_job import scratch
from penstock.errors import AccessDeniedError, NotFoundError, PortError
from penstock.lake.inbox_keys import inbox_prefix
from penstock.lake.layout import quarantine_key, raw_key, table_prefix
from penstock.model.access import Grant, HotAction, InboxAction, Kind, LakeAction, QueueAction, WarehouseAction
from penstock.model.datasets import HotTable, Index, Key, LakeTable
from penstock.model.pipeline import Definition
from penstock.model.queues import Queue
from penstock.model.task import Task
from penstock.ports.clock import Clock
from penstock.ports.events import BusEvent
from penstock.ports.notify import Message
from penstock.rehearsal.databases import Databases

NO_RECEIPT = "penstock-probe"
PROBE_BODY = '{"penstock": "probe"}'
SAMPLES: dict[str, Any] = {"S": "penstock-probe", "N": 0, "B": b"penstock-probe"}
Operation = Callable[[], object]
NOT_GRANTED = "it was not granted, and was allowed"


class Refused(msgspec.Struct, frozen=True, order=True):
    """A grant that the emulator did not honour, or a thing not granted that it allowed."""

    task: str
    grant: str
    reason: str


class Probe:
    """Uses AWS as the environment's credentials allow.

    Args:
        outputs: of the deployment's Terraform.
        databases: of the pipeline's warehouses; needed where it has any.

    Attributes:
        used, tried: how many grants were used, and how many things not granted were tried.
        keys: of an object to read, by lake table; see ``lay_out``.
    """

    def __init__(
        self,
        definition: Definition,
        outputs: Mapping[str, Any],
        clock: Clock,
        databases: Databases | None = None,
    ) -> None:
        self._definition = definition
        self._outputs = outputs
        self._clock = clock
        self._databases = databases
        self.keys: dict[str, str] = {}
        self.used = self.tried = 0

    def lay_out(self) -> None:
        """Sees to it that each lake table has an object to read. Call it as the owner of the account."""
        for name, table in self._definition.lake_tables.items():
            found = next(self._objects.list(table_prefix(name)), None)
            self.keys[name] = raw_key(table, self._clock.now(), "probe", "laid-out") if found is None else found.key
            if found is None:
                self._objects.put(self.keys[name], b"")
        for inbox in self._definition.inboxes:
            self.keys[inbox] = f"{inbox_prefix(inbox)}penstock-probe"
            self._objects.put(self.keys[inbox], b"")

    def use(self, task: Task) -> Iterator[Refused]:
        """Does everything that a task was granted; yields what was refused."""
        for grant in sorted(task.grants):
            self.used += 1
            refused = [reason for operation in self._operations(task, grant) if (reason := refusal(operation))]
            if refused:
                yield Refused(task.name, str(grant), "; ".join(dict.fromkeys(refused)))

    def use_as_job(self, task: Task) -> Iterator[Refused]:
        """Does what Spark does with the scratch of a task's job; yields what was refused."""
        folder = scratch(task)
        for key in (f"{folder}/penstock-probe", f"{folder}_$folder$"):
            for operation in (
                lambda key=key: self._objects.put(key, b""),
                lambda key=key: self._objects.get(key),
                lambda key=key: self._objects.delete(key),
                lambda: next(self._objects.list(f"{folder}/"), None),
            ):
                if reason := refusal(operation):
                    yield Refused(f"job {task.name}", f"its scratch, {key}", reason)

    def overstep(self, task: Task) -> Iterator[Refused]:
        """Tries what a task was not granted; yields what was allowed."""
        # Who writes into a warehouse can read it as well.
        read_too = {one.read for one in self._definition.warehouses.values() if one.write in task.grants}
        for grant in sorted({*self._every_grant()} - {*task.grants} - read_too):
            self.tried += 1
            if not all(refusal(operation) for operation in self._operations(task, grant)):
                yield Refused(task.name, str(grant), NOT_GRANTED)

    def _every_grant(self) -> Iterator[Grant]:
        """Yields what a task could be granted and IAM tells apart; metrics go through the function's log."""
        for lake in self._definition.lake_tables.values():
            yield from (lake.append, lake.read, lake.quarantine)
        for hot in self._definition.hot_tables.values():
            yield from (hot.put, hot.get, hot.query, hot.delete)
        for topic in self._definition.topics.values():
            yield topic.publish
        for queue in self._definition.queues.values():
            yield from (queue.send, queue.receive)
        for bus in self._definition.event_buses.values():
            yield bus.put
        for inbox in self._definition.inboxes.values():
            yield from (inbox.read, inbox.list)
        for warehouse in self._definition.warehouses.values() if self._databases is not None else ():
            yield from (warehouse.write, warehouse.read)

    @property
    def _objects(self) -> S3ObjectStore:
        return S3ObjectStore(self._outputs["lake_bucket"])

    def _operations(self, task: Task, grant: Grant) -> list[Operation]:
        match grant.kind:
            case Kind.LAKE:
                return [self._on_lake(task, self._definition.lake_tables[grant.resource], LakeAction(grant.action))]
            case Kind.HOT_TABLE:
                return self._on_hot_table(self._definition.hot_tables[grant.resource], HotAction(grant.action))
            case Kind.TOPIC:
                return [lambda: self._publish(task, grant.resource)]
            case Kind.METRIC | Kind.NAMESPACE:
                # Metrics go through the function's log.
                return []
            case Kind.QUEUE:
                return self._on_queue(self._definition.queues[grant.resource], QueueAction(grant.action))
            case Kind.EVENT_BUS:
                return [lambda: self._put(task, grant.resource)]
            case Kind.INBOX:
                return [self._on_inbox(task, grant.resource, InboxAction(grant.action))]
            case Kind.WAREHOUSE:
                return self._on_warehouse(task, grant)
            case Kind.WORKFLOW:
                # A task's function has no way to it.
                return []

    def _publish(self, task: Task, topic: str) -> None:
        said = Message(
            id=f"probe-{task.name}", topic=topic, subject="Rehearsal", body="Rehearsal", created_at=self._clock.now()
        )
        SnsPublisher(self._outputs["topics"]).publish(self._definition.topics[topic], said)

    def _put(self, task: Task, bus: str) -> None:
        said = BusEvent(source="penstock.probe", detail_type="Probe", detail={"task": task.name})
        EventBridgePublisher(self._outputs["event_buses"]).put(self._definition.event_buses[bus], said)

    def _on_queue(self, queue: Queue, action: QueueAction) -> list[Operation]:
        store = SqsQueueStore(self._outputs["queues"])
        match action:
            case QueueAction.SEND:
                return [lambda: store.send(queue, PROBE_BODY)]
            case QueueAction.RECEIVE:
                # Nothing is taken from anybody: what is received is not hidden, and what is deleted is not there.
                return [
                    lambda: store.receive(queue, limit=1, visibility_seconds=0),
                    lambda: store.counts(queue),
                    in_vain(lambda: store.delete(queue, NO_RECEIPT)),
                    in_vain(lambda: store.change_visibility(queue, NO_RECEIPT, 0)),
                ]

    def _on_lake(self, task: Task, table: LakeTable, action: LakeAction) -> Operation:
        key = raw_key(table, self._clock.now(), "probe", task.name)
        match action:
            case LakeAction.APPEND:
                return lambda: self._objects.put(key, b"")
            case LakeAction.READ:
                return lambda: self._objects.get(self.keys.get(table.name, key))
            case LakeAction.QUARANTINE:
                return lambda: self._objects.put(quarantine_key(table, key), b"")
            case LakeAction.LIST | LakeAction.QUERY:
                # Only workflows have these.
                return lambda: None

    def _on_inbox(self, task: Task, inbox: str, action: InboxAction) -> Operation:
        match action:
            case InboxAction.READ:
                return lambda: self._objects.get(self.keys.get(inbox, f"{inbox_prefix(inbox)}probe-{task.name}"))
            case InboxAction.LIST:
                return lambda: next(self._objects.list(inbox_prefix(inbox)), None)

    def _on_warehouse(self, task: Task, grant: Grant) -> list[Operation]:
        """What a user may do in the database is the database's to say: IAM lets users in."""
        databases, warehouse = self._databases, self._definition.warehouses[grant.resource]
        if databases is None:
            return []
        writes = WarehouseAction.WRITE in (grant.action, *(one.action for one in task.grants if one == warehouse.write))
        user = warehouse.writing_user if writes else warehouse.reading_user
        return [lambda: databases.log_in(warehouse, user)]

    def _on_hot_table(self, table: HotTable, action: HotAction) -> list[Operation]:
        store = DynamoDbHotStore(self._clock, names=self._outputs["hot_tables"])
        keys = {key.name: SAMPLES[key.type] for key in _keys(table)}
        item = {**{key.name: SAMPLES[key.type] for index in table.indexes for key in _keys(index)}, **keys}
        match action:
            case HotAction.PUT:
                return [lambda: store.put(table, item), lambda: store.batch_put(table, [item])]
            case HotAction.GET:
                return [lambda: store.get(table, keys)]
            case HotAction.DELETE:
                return [lambda: store.delete(table, keys)]
            case HotAction.UPDATE:
                # Only workflows have it.
                return []
            case HotAction.QUERY:
                asked = [(None, table.partition), *((index.name, index.partition) for index in table.indexes)]
                return [_query(store, table, item[key.name], name) for name, key in asked]


def in_vain(operation: Operation) -> Operation:
    """Returns an operation that the service may say makes no sense, as long as it does not say that it is denied."""

    def attempt() -> None:
        with contextlib.suppress(PortError):
            operation()

    return attempt


def _query(store: DynamoDbHotStore, table: HotTable, partition: Any, index: str | None) -> Operation:
    return lambda: store.query(table, partition=partition, index=index, limit=1)


def refusal(operation: Operation) -> str:
    """Does an operation; returns why it was refused. Whoever may read is told that there is nothing."""
    try:
        operation()
    except AccessDeniedError as error:
        return error.message
    except NotFoundError:
        return ""
    return ""


def _keys(keyed: HotTable | Index) -> list[Key]:
    return [key for key in (keyed.partition, keyed.sort) if key is not None]
