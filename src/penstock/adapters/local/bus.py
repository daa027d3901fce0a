"""Object-created events in the journal database: the event and what follows from it commit together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.adapters.local.database import Database
from penstock.ports.bus import ObjectCreated

MIGRATION = """
CREATE TABLE object_events(
  key TEXT PRIMARY KEY, pipeline TEXT NOT NULL, lake_table TEXT NOT NULL, size INTEGER NOT NULL, at REAL NOT NULL,
  execution TEXT NOT NULL, writer TEXT NOT NULL, status TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX object_events_open ON object_events(status, at) WHERE status <> 'dispatched';
"""

SELECT = "SELECT pipeline, lake_table, key, size, at, execution FROM object_events"


class SqliteBus:
    """Object-created events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def announce(self, event: ObjectCreated, *, writer: str) -> None:
        # The newest writer of an object that is not there yet answers for it.
        self._database.execute(
            "INSERT INTO object_events VALUES(?,?,?,?,?,?,?,'announced')"
            " ON CONFLICT(key) DO UPDATE SET writer=excluded.writer WHERE status='announced'",
            (event.key, event.pipeline, event.table, event.size, event.at, event.execution, writer),
        )

    def confirm(self, event: ObjectCreated) -> None:
        self._database.execute(
            "INSERT INTO object_events VALUES(?,?,?,?,?,?,'','due')"
            " ON CONFLICT(key) DO UPDATE SET status='due', size=excluded.size WHERE status='announced'",
            (event.key, event.pipeline, event.table, event.size, event.at, event.execution),
        )

    def withdraw(self, key: str) -> None:
        self._database.execute("DELETE FROM object_events WHERE key=? AND status='announced'", (key,))

    def announced(self, *, alive: Sequence[str] = (), execution: str | None = None) -> list[ObjectCreated]:
        sql = f"{SELECT} WHERE status='announced'"
        if execution is not None:
            return [_event(row) for row in self._database.rows(f"{sql} AND execution=?", (execution,))]
        marks = ",".join("?" * len(alive))
        return [_event(row) for row in self._database.rows(f"{sql} AND writer NOT IN ({marks})", tuple(alive))]

    def due(self, pipelines: Sequence[str], limit: int) -> list[ObjectCreated]:
        marks = ",".join("?" * len(pipelines))
        sql = f"{SELECT} WHERE status='due' AND pipeline IN ({marks}) ORDER BY at LIMIT ?"
        return [_event(row) for row in self._database.rows(sql, (*pipelines, limit))]

    def dispatched(self, keys: Sequence[str]) -> None:
        with self._database.transaction() as connection:
            connection.executemany("UPDATE object_events SET status='dispatched' WHERE key=?", [(key,) for key in keys])

    def waiting(self, execution: str) -> int:
        sql = "SELECT count(*) FROM object_events WHERE status <> 'dispatched' AND execution=?"
        return int(self._database.rows(sql, (execution,))[0][0])

    def known(self, keys: Sequence[str]) -> set[str]:
        rows = []
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            rows += self._database.rows(f"SELECT key FROM object_events WHERE key IN ({marks})", part)
        return {row[0] for row in rows}


def _event(row: tuple[Any, ...]) -> ObjectCreated:
    pipeline, table, key, size, at, execution = row
    return ObjectCreated(pipeline=pipeline, table=table, key=key, size=size, at=at, execution=execution)
