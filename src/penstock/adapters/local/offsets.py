"""Offsets of followed files in a SQLite file of their own, synced at each commit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from penstock.adapters.local.database import Database
from penstock.ports.offsets import Batch, FileOffset

MIGRATION = """
CREATE TABLE offsets(stream TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, offset BLOB NOT NULL,
  PRIMARY KEY(stream, id)) WITHOUT ROWID;
CREATE TABLE patterns(stream TEXT NOT NULL, pattern TEXT NOT NULL, PRIMARY KEY(stream, pattern)) WITHOUT ROWID;
CREATE TABLE batches(stream TEXT PRIMARY KEY, sequence INTEGER NOT NULL, batch BLOB) WITHOUT ROWID;
"""


class SqliteOffsetStore:
    """Offsets in one file.

    Args:
        path: the file; created, readable by its owner only, when it is absent.

    Raises:
        HomeError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        # A commit that a power cut took back would have its lines stored twice.
        self._database = Database(path, (MIGRATION,), durability="full")

    def offsets(self, stream: str) -> list[FileOffset]:
        sql = "SELECT offset FROM offsets WHERE stream=? ORDER BY at, id"
        rows = self._database.rows(sql, (stream,))
        return [msgspec.msgpack.decode(row[0], type=FileOffset) for row in rows]

    def keep(self, stream: str, offsets: Sequence[FileOffset], forget: Sequence[str] = ()) -> None:
        rows = [(stream, one.id, one.seen_at, msgspec.msgpack.encode(one)) for one in offsets]
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO offsets VALUES(?,?,?,?)", rows)
            connection.executemany("DELETE FROM offsets WHERE stream=? AND id=?", [(stream, id_) for id_ in forget])

    def patterns(self, stream: str) -> set[str]:
        return {row[0] for row in self._database.rows("SELECT pattern FROM patterns WHERE stream=?", (stream,))}

    def register(self, stream: str, pattern: str, offsets: Sequence[FileOffset]) -> None:
        with self._database.transaction() as connection:
            self.keep(stream, offsets)
            connection.execute("INSERT OR REPLACE INTO patterns VALUES(?,?)", (stream, pattern))

    def sequence(self, stream: str) -> int:
        rows = self._database.rows("SELECT sequence FROM batches WHERE stream=?", (stream,))
        return int(rows[0][0]) if rows else 0

    def begin(self, stream: str, batch: Batch) -> None:
        with self._database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO batches VALUES(?,0,NULL)", (stream,))
            sql = "UPDATE batches SET sequence=sequence+1, batch=? WHERE stream=?"
            connection.execute(sql, (msgspec.msgpack.encode(batch), stream))

    def pending(self, stream: str) -> Batch | None:
        rows = self._database.rows("SELECT batch FROM batches WHERE stream=? AND batch IS NOT NULL", (stream,))
        return msgspec.msgpack.decode(rows[0][0], type=Batch) if rows else None

    def commit(self, stream: str) -> None:
        with self._database.transaction():
            batch = self.pending(stream)
            if batch is not None:
                self.keep(stream, batch.offsets)
                self.discard(stream)

    def discard(self, stream: str) -> None:
        self._database.execute("UPDATE batches SET batch=NULL WHERE stream=?", (stream,))

    def close(self) -> None:
        self._database.close()
