"""The journal in SQLite. Only what happened is stored; states and histories follow by replay."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from penstock.adapters.local.database import Database
from penstock.errors import NotFoundError, UsageError
from penstock.model.workflow import Workflow
from penstock.ports.journal import Execution, Filter, Outcome, Recorded, Status

MIGRATION = """
CREATE TABLE workflow_versions(
  version TEXT PRIMARY KEY, pipeline TEXT NOT NULL, name TEXT NOT NULL, definition BLOB NOT NULL, first_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE executions(
  id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, workflow TEXT NOT NULL, version TEXT NOT NULL, input BLOB NOT NULL,
  source TEXT NOT NULL, root TEXT NOT NULL, created_at REAL NOT NULL, slot REAL, status TEXT NOT NULL,
  started_at REAL, stopped_at REAL, output BLOB, error TEXT, cause TEXT, owner TEXT,
  redrives INTEGER NOT NULL DEFAULT 0, dead_letter INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX executions_by_time ON executions(created_at);
CREATE INDEX executions_open ON executions(owner, created_at) WHERE status IN ('PENDING', 'RUNNING');
CREATE INDEX executions_by_root ON executions(root);
CREATE INDEX executions_dead ON executions(created_at) WHERE dead_letter;
CREATE TABLE events(
  execution TEXT NOT NULL, sequence INTEGER NOT NULL, event BLOB NOT NULL, report BLOB,
  PRIMARY KEY(execution, sequence)
) WITHOUT ROWID;
"""

COLUMNS = Execution.__struct_fields__
SELECT = f"SELECT {', '.join(COLUMNS)} FROM executions"
OPEN = "status IN ('PENDING', 'RUNNING')"


class SqliteJournal:
    """Executions and their events in a home's journal database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._data_version: int | None = None

    def transaction(self) -> AbstractContextManager[Any]:
        return self._database.transaction()

    def register(self, pipeline: str, workflows: Sequence[Workflow], at: float) -> None:
        rows = [(workflow.version, pipeline, workflow.name, workflow.definition, at) for workflow in workflows]
        with self.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO workflow_versions VALUES(?,?,?,?,?)", rows)

    def definition(self, version: str) -> bytes:
        rows = self._database.rows("SELECT definition FROM workflow_versions WHERE version=?", (version,))
        if not rows:
            raise NotFoundError(f"workflow version {version[:12]} is not in the journal")
        return bytes(rows[0][0])

    def create(self, execution: Execution) -> bool:
        values = [getattr(execution, column) for column in COLUMNS]
        marks = ",".join("?" * len(COLUMNS))
        sql = f"INSERT OR IGNORE INTO executions({','.join(COLUMNS)}) VALUES({marks})"
        return self._database.execute(sql, values).rowcount == 1

    def start(self, execution: str, at: float) -> None:
        self._database.execute(
            "UPDATE executions SET status='RUNNING', started_at=coalesce(started_at, ?) WHERE id=?", (at, execution)
        )

    def append(self, events: Sequence[tuple[str, Recorded]]) -> None:
        rows = [(execution, event.sequence, event.event, event.report) for execution, event in events]
        with self.transaction() as connection:
            connection.executemany("INSERT INTO events VALUES(?,?,?,?)", rows)

    def finish(self, execution: str, outcome: Outcome) -> None:
        self._database.execute(
            "UPDATE executions SET status=?, stopped_at=?, output=?, error=?, cause=?, owner=NULL, dead_letter=?"
            " WHERE id=?",
            (
                outcome.status, outcome.at, outcome.output, outcome.error, outcome.cause,
                outcome.status in {Status.FAILED, Status.TIMED_OUT}, execution,
            ),
        )  # fmt: skip

    def reopen(self, execution: str) -> None:
        self._database.execute(
            "UPDATE executions SET status='PENDING', stopped_at=NULL, output=NULL, error=NULL, cause=NULL, owner=NULL,"
            " dead_letter=0, redrives=redrives+1 WHERE id=?",
            (execution,),
        )

    def bury(self, execution: str) -> None:
        self._database.execute("UPDATE executions SET dead_letter=0 WHERE id=?", (execution,))

    def claim(self, owner: str, pipelines: Sequence[str], limit: int) -> list[Execution]:
        marks = ",".join("?" * len(pipelines))
        where = f"owner IS NULL AND {OPEN} AND pipeline IN ({marks}) ORDER BY created_at LIMIT ?"
        if not self._database.rows(f"SELECT 1 FROM executions WHERE {where}", (*pipelines, 1)):
            return []
        with self.transaction() as connection:
            found = connection.execute(f"{SELECT} WHERE {where}", (*pipelines, limit)).fetchall()
            claimed = [_execution(row) for row in found]
            connection.executemany("UPDATE executions SET owner=? WHERE id=?", [(owner, e.id) for e in claimed])
        for execution in claimed:
            execution.owner = owner
        return claimed

    def release(self, owner: str) -> int:
        return self._database.execute(f"UPDATE executions SET owner=NULL WHERE owner=? AND {OPEN}", (owner,)).rowcount

    def owners(self) -> list[str]:
        rows = self._database.rows(f"SELECT DISTINCT owner FROM executions WHERE {OPEN} AND owner IS NOT NULL")
        return [row[0] for row in rows]

    def get(self, execution: str) -> Execution:
        # An upper bound by the last code point keeps the primary key's index in use, whatever characters are asked.
        upper = execution + "\U0010ffff"
        found = self._database.rows(f"{SELECT} WHERE id>=? AND id<? ORDER BY id LIMIT 2", (execution, upper))
        exact = [row for row in found if row[0] == execution]
        if not found:
            raise NotFoundError(f"there is no execution {execution!r}", hint="`penstock executions` lists them")
        if len(found) > 1 and not exact:
            names = ", ".join(row[0] for row in found)
            raise UsageError(f"{execution!r} stands for several executions: {names}, …", hint="type more of its id")
        return _execution((exact or found)[0])

    def find(self, which: Filter) -> list[Execution]:
        conditions, values = _conditions(which)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = f"{SELECT}{where} ORDER BY created_at DESC, id DESC LIMIT ?"
        return [_execution(row) for row in self._database.rows(sql, (*values, which.limit))]

    def unfinished(self, *, root: str | None = None, source: str | None = None, pipeline: str | None = None) -> int:
        conditions, values = [OPEN], []
        for column, value in (("root", root), ("source", source), ("pipeline", pipeline)):
            if value is not None:
                conditions.append(f"{column}=?")
                values.append(value)
        rows = self._database.rows(f"SELECT count(*) FROM executions WHERE {' AND '.join(conditions)}", values)
        return int(rows[0][0])

    def events(self, execution: str) -> list[Recorded]:
        sql = "SELECT sequence, event, report FROM events WHERE execution=? ORDER BY sequence"
        return [Recorded(*row) for row in self._database.rows(sql, (execution,))]

    def has_changed(self) -> bool:
        version = int(self._database.rows("PRAGMA data_version")[0][0])
        changed, self._data_version = version != self._data_version, version
        return changed


def _conditions(which: Filter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for column, wanted in (("pipeline", which.pipelines), ("status", which.statuses)):
        if wanted:
            conditions.append(f"{column} IN ({','.join('?' * len(wanted))})")
            values.extend(wanted)
    for column, value in (("workflow", which.workflow), ("root", which.root), ("source", which.source)):
        if value is not None:
            conditions.append(f"{column}=?")
            values.append(value)
    if which.dead_letter is not None:
        conditions.append("dead_letter" if which.dead_letter else "NOT dead_letter")
    return conditions, values


def _execution(row: tuple[Any, ...]) -> Execution:
    execution = Execution(**dict(zip(COLUMNS, row, strict=True)))
    execution.status = Status(execution.status)
    execution.dead_letter = bool(execution.dead_letter)
    return execution
