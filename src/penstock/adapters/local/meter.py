"""The meter on SQLite: added up in memory, written when it is flushed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.adapters.local.database import Database, Durability
from penstock.model.metering import HOUR_SECONDS, Held, Span, Used

MIGRATION = """
CREATE TABLE used (
    hour      REAL NOT NULL,
    item      TEXT NOT NULL,
    operation TEXT NOT NULL,
    resource  TEXT NOT NULL,
    quantity  INTEGER NOT NULL,
    PRIMARY KEY (hour, item, operation, resource)
) WITHOUT ROWID;
CREATE TABLE held (
    hour      REAL NOT NULL,
    item      TEXT NOT NULL,
    operation TEXT NOT NULL,
    resource  TEXT NOT NULL,
    change    INTEGER NOT NULL,
    moment    INTEGER NOT NULL,
    PRIMARY KEY (hour, item, operation, resource)
) WITHOUT ROWID;
CREATE TABLE touched (
    hour      REAL NOT NULL,
    item      TEXT NOT NULL,
    operation TEXT NOT NULL,
    resource  TEXT NOT NULL,
    PRIMARY KEY (hour, item, operation, resource)
) WITHOUT ROWID;
CREATE TABLE span (began REAL NOT NULL, ended REAL NOT NULL);
"""

# Hour, item, operation, resource.
Key = tuple[float, str, str, str]
# Quantities are kept as whole billionths, so that a sum does not depend on who was first; a byte is one of a GB.
SCALE = 1e9
# So many keys in memory are written before more are taken: a long simulation stays small.
KEYS_IN_MEMORY = 20_000


class SqliteMeter:
    """A home's meter, in a database of its own, so that metering never waits for what is metered.

    Args:
        path: the file; it is made when something is first flushed.
    """

    def __init__(self, path: Path, *, durability: Durability = "normal") -> None:
        self._path = path
        self._durability = durability
        self._lock = threading.Lock()
        self._database: Database | None = None
        self._clear()

    def count(self, item: str, quantity: float, *, at: float, operation: str, resource: str) -> None:
        with self._lock:
            self._used[at // HOUR_SECONDS * HOUR_SECONDS, item, operation, resource] += round(quantity * SCALE)
            self._taken(at)

    def hold(self, item: str, change: float, *, at: float, operation: str, resource: str) -> None:
        hour = at // HOUR_SECONDS * HOUR_SECONDS
        with self._lock:
            kept = self._held[hour, item, operation, resource]
            kept[0] += round(change * SCALE)
            kept[1] += round(change * SCALE * (at - hour))
            self._taken(at)

    def found(self, item: str, amount: float, *, at: float, operation: str, resource: str) -> None:
        # In an hour that is over when the meter begins, and that was not measured.
        before = (at // HOUR_SECONDS - 1) * HOUR_SECONDS
        with self._lock:
            self._held[before, item, operation, resource][0] += round(amount * SCALE)
            self._reach(at)

    def touch(self, item: str, *, at: float, operation: str, resource: str) -> None:
        with self._lock:
            self._touched.add((at // HOUR_SECONDS * HOUR_SECONDS, item, operation, resource))
            self._taken(at)

    def observe(self, at: float) -> None:
        with self._lock:
            self._reach(at)

    def flush(self) -> None:
        with self._lock:
            self._flush()

    def used(self) -> Iterator[Used]:
        self.flush()
        rows = self._rows(
            "SELECT hour, item, operation, resource, quantity FROM used "
            "UNION ALL SELECT hour, item, operation, resource, 1000000000 FROM touched ORDER BY 1, 2, 3, 4"
        )
        for hour, item, operation, resource, quantity in rows:
            yield Used(hour=hour, item=item, operation=operation, resource=resource, quantity=quantity / SCALE)

    def held(self) -> Iterator[Held]:
        self.flush()
        for hour, item, operation, resource, change, moment in self._rows("SELECT * FROM held ORDER BY 1, 2, 3, 4"):
            yield Held(
                hour=hour, item=item, operation=operation, resource=resource,
                change=change / SCALE, moment=moment / SCALE,
            )  # fmt: skip

    def span(self) -> Span | None:
        self.flush()
        found = self._rows("SELECT began, ended FROM span")
        return Span(*found[0]) if found else None

    def close(self) -> None:
        self.flush()
        if self._database is not None:
            self._database.close()
            self._database = None

    def _clear(self) -> None:
        self._used: defaultdict[Key, int] = defaultdict(int)
        self._held: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0])
        self._touched: set[Key] = set()
        self._span: tuple[float, float] | None = None

    def _reach(self, at: float) -> None:
        self._span = (at, at) if self._span is None else (min(self._span[0], at), max(self._span[1], at))

    def _taken(self, at: float) -> None:
        self._reach(at)
        if len(self._used) + len(self._held) + len(self._touched) > KEYS_IN_MEMORY:
            self._flush()

    def _opened(self) -> Database:
        if self._database is None:
            self._database = Database(self._path, (MIGRATION,), durability=self._durability)
        return self._database

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._opened().rows(sql) if self._database is not None or self._path.is_file() else []

    def _flush(self) -> None:
        if self._span is None:
            return
        with self._opened().transaction() as connection:
            connection.executemany(
                "INSERT INTO used VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
                [(*key, quantity) for key, quantity in sorted(self._used.items())],
            )
            connection.executemany(
                "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET change = change + excluded.change, moment = moment + excluded.moment",
                [(*key, *kept) for key, kept in sorted(self._held.items())],
            )
            connection.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?, ?, ?)", sorted(self._touched))
            known = connection.execute("SELECT min(began), max(ended) FROM span").fetchone()
            began, ended = self._span
            if known[0] is None:
                connection.execute("INSERT INTO span VALUES (?, ?)", (began, ended))
            else:
                connection.execute("UPDATE span SET began = ?, ended = ?", (min(began, known[0]), max(ended, known[1])))
        self._clear()
