"""Metrics in SQLite: one row a datapoint, in order of series and time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.local.database import Database, Durability
from penstock.model.metrics import Datapoint, Metric, Statistics, Unit
from penstock.ports.clock import Clock
from penstock.ports.metrics import Value, check_datapoints

MIGRATION = """
CREATE TABLE series(
  id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL, unit TEXT NOT NULL,
  UNIQUE(namespace, name, dimensions)
);
CREATE TABLE datapoints(series INTEGER NOT NULL, at REAL NOT NULL, value REAL NOT NULL, count REAL NOT NULL);
CREATE INDEX datapoints_by_time ON datapoints(series, at, value, count);
CREATE TABLE tokens(token TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
"""


class SqliteMetricStore:
    """The metrics of a home, in a file of their own."""

    def __init__(self, path: Path, clock: Clock, *, durability: Durability = "normal") -> None:
        self._database = Database(path, (MIGRATION,), durability=durability)
        self._clock = clock
        # Numbers and units of series, which are never deleted.
        self._known: dict[Any, tuple[int, Unit]] = {}

    def publish(self, data: Sequence[Datapoint], *, token: str | None = None) -> bool:
        now = self._clock.now()
        check_datapoints(data, now)
        with self._database.transaction() as connection:
            if token is not None:
                fresh = connection.execute("INSERT OR IGNORE INTO tokens VALUES(?,?)", (token, now)).rowcount
                if not fresh:
                    return False
            # Most datapoints of a batch share the very object that says of which metric they are.
            metrics = {id(point.metric): point.metric for point in data}
            numbers = {metric: self._number(connection, metric) for metric in dict.fromkeys(metrics.values())}
            by_object = {one: numbers[metric] for one, metric in metrics.items()}
            rows = [(by_object[id(p.metric)], p.at, p.value, p.count) for p in data]
            connection.executemany("INSERT INTO datapoints VALUES(?,?,?,?)", rows)
        # Only what is committed is known.
        self._known.update((metric.key, (number, metric.unit)) for metric, number in numbers.items())
        return True

    def statistics(self, metric: Metric, start: float, end: float, period_seconds: int) -> list[Statistics]:
        sql = (
            "SELECT CAST(at / ? AS INTEGER) * ? AS period, sum(count), sum(value * count), min(value), max(value)"
            " FROM datapoints WHERE series=? AND at>=? AND at<? GROUP BY period ORDER BY period"
        )
        rows = self._rows(sql, metric, (float(period_seconds), period_seconds), (start, end))
        return [Statistics(*(float(value) for value in row)) for row in rows]

    def values(self, metric: Metric, start: float, end: float) -> list[Value]:
        sql = "SELECT at, value, count FROM datapoints WHERE series=? AND at>=? AND at<? ORDER BY at"
        return [(at, value, count) for at, value, count in self._rows(sql, metric, (), (start, end))]

    def series(self, namespace: str | None = None) -> list[Metric]:
        sql = "SELECT namespace, name, dimensions, unit FROM series ORDER BY namespace, name, dimensions"
        found = [_metric(*row) for row in self._database.rows(sql)]
        return [metric for metric in found if namespace in {None, metric.namespace}]

    def published_after(self, position: int, limit: int) -> list[tuple[int, Datapoint]]:
        """Returns datapoints in the order of their publication, each with its position; positions begin at 1."""
        sql = (
            "SELECT d.rowid, namespace, name, dimensions, unit, at, value, count FROM datapoints d"
            " JOIN series ON series.id = d.series WHERE d.rowid > ? ORDER BY d.rowid LIMIT ?"
        )
        return [
            (row, Datapoint(_metric(space, name, dimensions, unit), at, value, count))
            for row, space, name, dimensions, unit, at, value, count in self._database.rows(sql, (position, limit))
        ]

    def count(self) -> int:
        """Returns how many datapoints there are."""
        return int(self._database.rows("SELECT count(*) FROM datapoints")[0][0])

    def span(self) -> tuple[float, float] | None:
        """Returns the times of the first and the last datapoint, in seconds since the epoch; None without any."""
        first, last = self._database.rows("SELECT min(at), max(at) FROM datapoints")[0]
        return None if first is None else (first, last)

    def version(self) -> tuple[int, ...]:
        # The first tells of other connections' writes, the second of this one's.
        connection = self._database.connection
        return int(self._database.rows("PRAGMA data_version")[0][0]), connection.total_changes

    def expire(self, before: float) -> int:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM tokens WHERE at<?", (before,))
            return int(connection.execute("DELETE FROM datapoints WHERE at<?", (before,)).rowcount)

    def gather(self) -> None:
        """Commits only now and then, see ``Database.gather``."""
        self._database.gather()

    def close(self) -> None:
        self._database.close()

    def _rows(self, sql: str, metric: Metric, before: tuple[Any, ...], after: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        known = self._known.get(metric.key)
        if known is not None:
            return self._database.rows(sql, (*before, known[0], *after))
        found = self._database.rows("SELECT id FROM series WHERE namespace=? AND name=? AND dimensions=?", _key(metric))
        return self._database.rows(sql, (*before, found[0][0], *after)) if found else []

    def _number(self, connection: Any, metric: Metric) -> int:
        """Returns a series' number, and keeps its unit."""
        known = self._known.get(metric.key)
        if known is not None and known[1] == metric.unit:
            return known[0]
        sql = (
            "INSERT INTO series(namespace, name, dimensions, unit) VALUES(?,?,?,?)"
            " ON CONFLICT DO UPDATE SET unit=excluded.unit RETURNING id"
        )
        return int(connection.execute(sql, (*_key(metric), metric.unit)).fetchone()[0])


def _metric(namespace: str, name: str, dimensions: str, unit: Unit) -> Metric:
    return Metric(namespace, name, msgspec.json.decode(dimensions, type=tuple[tuple[str, str], ...]), unit)


def _key(metric: Metric) -> tuple[str, str, str]:
    return metric.namespace, metric.name, msgspec.json.encode(sorted(metric.dimensions)).decode()
