"""Handles on resources: each operation asks for its grant first, and can be repeated by a retry without harm."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from penstock.errors import AlreadyExistsError, ThrottledError, ValidationError
from penstock.lake import layout, records
from penstock.lake.batching import DEFAULT_BYTES
from penstock.lake.compression import compress
from penstock.model.access import Grant
from penstock.model.alarms import Severity
from penstock.model.datasets import HotTable, LakeTable
from penstock.model.metrics import Datapoint, Metric
from penstock.model.pipeline import Definition
from penstock.model.topics import Topic
from penstock.ports.bus import ObjectCreated
from penstock.ports.invoke import Call
from penstock.ports.notify import Message
from penstock.runtime.lake_writer import LakeWriter

if TYPE_CHECKING:
    from penstock.model.items import Item
    from penstock.ports.hot import Condition, KeyRange, Page
    from penstock.runtime.context import Ports


class Scope:
    """What the handles of one call share."""

    def __init__(self, definition: Definition, call: Call, ports: Ports, require: Callable[[Grant], None]) -> None:
        self.definition = definition
        self.call = call
        self.ports = ports
        self.require = require
        self._counts: dict[str, int] = {}

    def next_number(self, kind: str) -> int:
        """Counts what a call does, so that a retry finds what it did before."""
        self._counts[kind] = number = self._counts.get(kind, 0) + 1
        return number

    def next_token(self, kind: str) -> str:
        """Returns a de-duplication token: equal for the same step of every attempt."""
        return f"{self.call.key}/{kind}/{self.next_number(kind)}"

    @property
    def visit(self) -> str:
        """A short name for this visit of this state."""
        return hashlib.sha256(self.call.key.encode()).hexdigest()[:6]


class Appended(msgspec.Struct, frozen=True):
    """An object in the lake. ``created`` is False when an earlier attempt had written it."""

    key: str
    records: int
    created: bool


class LakeHandle:
    """A lake table, for one call."""

    def __init__(self, scope: Scope, table: LakeTable) -> None:
        self._scope = scope
        self._table = table

    def append(self, items: Iterable[Any], *, source: str | None = None) -> Appended:
        """Writes records as one immutable object; a retry finds the object there and leaves it.

        Args:
            items: records of the table's type, or mappings of the same shape.
            source: begins the object's name; the task's name when absent.

        Raises:
            AccessDeniedError: the task may not append to this table.
            ValidationError: there is no record, or one that JSON cannot hold.
        """
        self._scope.require(self._table.append)
        rows = list(items)
        if not rows:
            raise ValidationError("there is nothing to append", hint="return early when there are no records")
        call = self._scope.call
        number = self._scope.next_number(f"append:{self._table.name}:{source}")
        suffix = "" if number == 1 else f".{number}"
        name, data, extension = f"{call.execution}.{self._scope.visit}{suffix}", records.encode(rows), ".json"
        if self._table.compress:
            data, extension = compress(data), ".json.zst"
        key = layout.raw_key(self._table, call.started_at, source or call.task, name, extension)
        created = create_object(self._scope.ports, self._scope.definition, call, self._table, key, data)
        return Appended(key, len(rows), created)

    def writer(
        self,
        *,
        source: str | None = None,
        max_bytes: int = DEFAULT_BYTES,
        max_age_seconds: float | None = None,
    ) -> LakeWriter:
        """Returns a writer of many records in few objects, for a ``with`` block.

        Args:
            source: begins the objects' names; the task's name when absent.
            max_bytes: of newline-delimited JSON; an object is written when there are as many.
            max_age_seconds: an object is written when its first record has waited so long and another comes.

        Raises:
            AccessDeniedError: the task may not append to this table.
            UsageError: a limit is not above zero.
        """
        self._scope.require(self._table.append)
        return LakeWriter(self._scope, self._table, source=source, max_bytes=max_bytes, max_age_seconds=max_age_seconds)

    def read(self, key: str) -> Iterator[records.Good | records.Bad]:
        """Yields an object's records in order, each checked against the table's type.

        The object is what its content says: JSON, Parquet, or CSV by its name; plain, with gzip or with zstd.

        Raises:
            AccessDeniedError: the task may not read this table.
            NotFoundError: there is no such object.
            ValidationError: the key is not one of this table.
        """
        self._scope.require(self._table.read)
        self._check_own(key)
        ports = self._scope.ports
        return records.decode(ports.objects.stream(key), self._table.record, key, rows=ports.rows)

    def quarantine(self, bads: Iterable[records.Bad], key: str) -> str:
        """Keeps records that did not fit, with reason, source object and line; returns the new object's key."""
        self._scope.require(self._table.quarantine)
        self._check_own(key)
        target = layout.quarantine_key(self._table, key, self._scope.next_number(f"quarantine:{key}"))
        # Replaced as a whole: another attempt may have seen fewer or more.
        self._scope.ports.objects.put(target, records.encode_quarantine(list(bads), key))
        return target

    def _check_own(self, key: str) -> None:
        parsed = layout.parse_key(key)
        if parsed.table != self._table.name:
            raise ValidationError(
                f"{key!r} is no object of lake table {self._table.name!r}", hint="give the event's key"
            )


def create_object(ports: Ports, definition: Definition, call: Call, table: LakeTable, key: str, data: bytes) -> bool:
    """Creates an object of a table, and tells whoever watches the table; False where an object was there already."""
    watched = any(trigger.table == table.name for trigger in definition.triggers.values())
    event = ObjectCreated(
        pipeline=definition.name,
        table=table.name,
        key=key,
        size=len(data),
        at=ports.clock.now(),
        execution=call.execution,
    )
    if watched:
        ports.bus.announce(event, writer=ports.writer)
    created = True
    try:
        ports.objects.create(key, data)
    except AlreadyExistsError:
        created = False
    if watched:
        ports.bus.confirm(event)
    return created


class HotHandle:
    """A hot table, for one call."""

    def __init__(self, scope: Scope, table: HotTable) -> None:
        self._scope = scope
        self._table = table
        self._store = scope.ports.hot

    def put(self, item: Item, *, condition: Condition | None = None) -> None:
        """Writes an item in place of any other with its key."""
        self._scope.require(self._table.put)
        with self._throttles_counted():
            self._store.put(self._table, item, condition=condition)

    def put_all(self, items: Sequence[Item]) -> None:
        """Writes many items in batches."""
        self._scope.require(self._table.put)
        with self._throttles_counted():
            self._store.batch_put(self._table, items)

    def get(self, key: Mapping[str, Any]) -> Item | None:
        """Returns the item with this key, or None."""
        self._scope.require(self._table.get)
        return self._store.get(self._table, key)

    def query(
        self,
        *,
        partition: Any,
        index: str | None = None,
        sort: KeyRange | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Page:
        """Returns items of one partition in the order of their sort key."""
        self._scope.require(self._table.query)
        return self._store.query(
            self._table,
            partition=partition,
            index=index,
            sort=sort,
            newest_first=newest_first,
            limit=limit,
            after=after,
        )

    def delete(self, key: Mapping[str, Any], *, condition: Condition | None = None) -> None:
        """Deletes the item with this key, if there is one."""
        self._scope.require(self._table.delete)
        self._store.delete(self._table, key, condition=condition)

    @contextlib.contextmanager
    def _throttles_counted(self) -> Iterator[None]:
        ports, metric = self._scope.ports, self._table.throttles
        try:
            yield
        except ThrottledError:
            if metric is not None:
                ports.metrics.publish([Datapoint(metric, ports.clock.now(), 1.0)])
            raise


class _Publisher(Protocol):
    def publish(self, data: Iterable[Any]) -> None: ...


class MetricHandle:
    """A metric, for one call."""

    def __init__(self, context: _Publisher, metric: Metric) -> None:
        self._context = context
        self._metric = metric

    def publish(self, value: float, at: float | None = None) -> None:
        """Publishes one value; ``at`` is in seconds since the epoch, now when absent."""
        self._context.publish([(self._metric, value) if at is None else (self._metric, value, at)])


class TopicHandle:
    """A topic, for one call."""

    def __init__(self, scope: Scope, topic: Topic) -> None:
        self._scope = scope
        self._topic = topic

    def publish(
        self, subject: str, message: str, *, data: dict[str, Any] | None = None, severity: Severity = "INFO"
    ) -> None:
        """Sends a message to everyone who subscribed to the topic; a retry does not send it again."""
        self._scope.require(self._topic.publish)
        token = self._scope.next_token(f"topic/{self._topic.name}")
        self._scope.ports.topics.publish(
            self._topic,
            Message(
                id=hashlib.sha256(token.encode()).hexdigest()[:32],
                topic=self._topic.name,
                subject=subject,
                body=message,
                data=data,
                severity=severity,
                created_at=self._scope.ports.clock.now(),
            ),
        )
