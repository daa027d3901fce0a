"""Events of buses in the journal database: an event and the executions that it starts commit together."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.adapters.local.database import Database
from penstock.model.buses import EventBus
from penstock.ports.clock import Clock
from penstock.ports.events import BusEvent, PutEvent, check_event

MIGRATION = """
CREATE TABLE bus_events(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, bus TEXT NOT NULL, source TEXT NOT NULL,
  detail_type TEXT NOT NULL, detail BLOB NOT NULL, resources TEXT NOT NULL, at REAL NOT NULL, put_at REAL NOT NULL,
  execution TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'due'
);
CREATE INDEX bus_events_due ON bus_events(bus) WHERE status='due';
CREATE INDEX bus_events_dispatched ON bus_events(put_at) WHERE status='dispatched';
"""


class SqliteEventStore:
    """Events in the table that :data:`MIGRATION` makes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(self, bus: EventBus, event: BusEvent, *, token: str = "") -> str:
        detail = check_event(event)
        now = self._clock.now()
        name = _id_of(f"{bus.name}/{token}") if token else self._new_id()
        self._database.execute(
            "INSERT OR IGNORE INTO bus_events"
            "(id, bus, source, detail_type, detail, resources, at, put_at, execution) VALUES(?,?,?,?,?,?,?,?,?)",
            (name, bus.name, event.source, event.detail_type, detail, msgspec.json.encode(event.resources).decode(),
             now if event.at is None else event.at, now, event.execution),
        )  # fmt: skip
        return name

    def due(self, buses: Sequence[str], limit: int) -> list[PutEvent]:
        marks = ",".join("?" * len(buses))
        sql = (
            "SELECT id, bus, source, detail_type, detail, resources, at, execution FROM bus_events"
            f" WHERE status='due' AND bus IN ({marks}) ORDER BY number LIMIT ?"
        )
        return [_event(row) for row in self._database.rows(sql, (*buses, limit))]

    def dispatched(self, ids: Sequence[str]) -> None:
        with self._database.transaction() as connection:
            connection.executemany("UPDATE bus_events SET status='dispatched' WHERE id=?", [(one,) for one in ids])

    def forget_dispatched(self, before: float) -> int:
        return self._database.execute(
            "DELETE FROM bus_events WHERE status='dispatched' AND put_at<?", (before,)
        ).rowcount

    def _new_id(self) -> str:
        return str(uuid.UUID(self._database.rows("SELECT hex(randomblob(16))")[0][0]))


def _id_of(token: str) -> str:
    return str(uuid.UUID(hashlib.sha256(token.encode()).hexdigest()[:32]))


def _event(row: tuple[Any, ...]) -> PutEvent:
    name, bus, source, detail_type, detail, resources, at, execution = row
    return PutEvent(
        id=name,
        bus=bus,
        source=source,
        detail_type=detail_type,
        detail=bytes(detail),
        resources=msgspec.json.decode(resources, type=tuple[str, ...]),
        at=at,
        execution=execution,
    )
