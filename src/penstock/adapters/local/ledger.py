"""Slot ledgers in the journal database: a decision and the execution that it starts commit together."""

from __future__ import annotations

from penstock.adapters.local.database import Database
from penstock.ports.ledger import SlotEntry

MIGRATION = """
CREATE TABLE ledgers(
  pipeline TEXT NOT NULL, schedule TEXT NOT NULL, ledger BLOB NOT NULL, PRIMARY KEY(pipeline, schedule)
) WITHOUT ROWID;
CREATE TABLE slots(
  pipeline TEXT NOT NULL, schedule TEXT NOT NULL, at REAL NOT NULL, last REAL NOT NULL, count INTEGER NOT NULL,
  status TEXT NOT NULL, reason TEXT NOT NULL, execution TEXT, PRIMARY KEY(pipeline, schedule, at)
) WITHOUT ROWID;
"""


class SqliteLedgerStore:
    """The ledgers of all schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ledger(self, pipeline: str, schedule: str) -> bytes | None:
        sql = "SELECT ledger FROM ledgers WHERE pipeline=? AND schedule=?"
        rows = self._database.rows(sql, (pipeline, schedule))
        return bytes(rows[0][0]) if rows else None

    def keep(self, pipeline: str, schedule: str, ledger: bytes, entries: list[SlotEntry]) -> None:
        rows = [(pipeline, schedule, e.at, e.last, e.count, e.status, e.reason, e.execution) for e in entries]
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO ledgers VALUES(?,?,?)", (pipeline, schedule, ledger))
            # A queued slot that is started later keeps its row.
            connection.executemany("INSERT OR REPLACE INTO slots VALUES(?,?,?,?,?,?,?,?)", rows)

    def entries(self, pipeline: str, schedule: str, limit: int = 50) -> list[SlotEntry]:
        sql = (
            "SELECT at, last, count, status, reason, execution FROM slots WHERE pipeline=? AND schedule=?"
            " ORDER BY at DESC LIMIT ?"
        )
        rows = self._database.rows(sql, (pipeline, schedule, limit))
        return [
            SlotEntry(at=at, last=last, count=count, status=status, reason=reason, execution=execution)
            for at, last, count, status, reason, execution in rows
        ]
