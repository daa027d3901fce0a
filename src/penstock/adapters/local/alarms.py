"""Alarm states and history in the journal database: a change and its notification commit together."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.adapters.local.database import Database
from penstock.ports.alarms import AlarmChange

MIGRATION = """
CREATE TABLE alarm_records(
  pipeline TEXT NOT NULL, alarm TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY(pipeline, alarm)
) WITHOUT ROWID;
CREATE TABLE alarm_history(
  id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, alarm TEXT NOT NULL, at REAL NOT NULL, change BLOB NOT NULL
);
CREATE INDEX alarm_history_by_alarm ON alarm_history(pipeline, alarm, at);
"""


class SqliteAlarmStore:
    """Alarm states and their history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, pipeline: str, alarm: str) -> bytes | None:
        sql = "SELECT record FROM alarm_records WHERE pipeline=? AND alarm=?"
        rows = self._database.rows(sql, (pipeline, alarm))
        return bytes(rows[0][0]) if rows else None

    def records(self, pipeline: str) -> dict[str, bytes]:
        return dict(self._database.rows("SELECT alarm, record FROM alarm_records WHERE pipeline=?", (pipeline,)))

    def keep(self, pipeline: str, alarm: str, record: bytes, change: AlarmChange | None) -> None:
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO alarm_records VALUES(?,?,?)", (pipeline, alarm, record))
            if change is not None:
                connection.execute(
                    "INSERT INTO alarm_history(pipeline, alarm, at, change) VALUES(?,?,?,?)",
                    (pipeline, alarm, change.at, msgspec.json.encode(change)),
                )

    def history(self, pipelines: Sequence[str], alarm: str | None = None, limit: int = 50) -> list[AlarmChange]:
        marks = ",".join("?" * len(pipelines))
        values: list[object] = [*pipelines]
        chosen = ""
        if alarm is not None:
            chosen = " AND alarm=?"
            values.append(alarm)
        sql = f"SELECT change FROM alarm_history WHERE pipeline IN ({marks}){chosen} ORDER BY id DESC LIMIT ?"
        return [msgspec.json.decode(row[0], type=AlarmChange) for row in self._database.rows(sql, (*values, limit))]
