"""The journal in SQLite. Only what happened is stored; states and histories follow by replay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from penstock.adapters.local.database import Database
from penstock.errors import NotFoundError, UsageError
from penstock.model.workflow import Workflow
from penstock.ports.journal import Execution, Filter, Mail, Outcome, Recorded, Status

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
# Waiting executions are rows that no question but the right one looks at: each has an index of its own.
WAITING = """
ALTER TABLE executions ADD COLUMN wake_at REAL;
DROP INDEX executions_open;
CREATE INDEX executions_owned ON executions(owner) WHERE owner IS NOT NULL;
CREATE INDEX executions_fresh ON executions(created_at)
  WHERE owner IS NULL AND wake_at IS NULL AND status IN ('PENDING', 'RUNNING');
CREATE INDEX executions_parked ON executions(wake_at, pipeline) WHERE wake_at IS NOT NULL;
CREATE INDEX executions_open ON executions(source, pipeline) WHERE status IN ('PENDING', 'RUNNING');
CREATE TABLE mail(number INTEGER PRIMARY KEY AUTOINCREMENT, execution TEXT NOT NULL, event BLOB NOT NULL);
CREATE INDEX mail_by_execution ON mail(execution);
CREATE TABLE waiters(execution TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY(execution, token)) WITHOUT ROWID;
"""

COLUMNS = Execution.__struct_fields__
LIST = ", ".join(COLUMNS)
SELECT = f"SELECT {LIST} FROM executions"
OPEN = "status IN ('PENDING', 'RUNNING')"
FRESH = f"FROM executions INDEXED BY executions_fresh WHERE owner IS NULL AND wake_at IS NULL AND {OPEN}"
PARKED = "FROM executions INDEXED BY executions_parked WHERE wake_at IS NOT NULL"


class SqliteJournal:
    """Executions and their events in a home's journal database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._data_version: int | None = None
        self._has_posted = self._has_posted_unseen = False

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
        with self.transaction() as connection:
            connection.execute(
                "UPDATE executions SET status=?, stopped_at=?, output=?, error=?, cause=?, owner=NULL, wake_at=NULL,"
                " dead_letter=? WHERE id=?",
                (
                    outcome.status, outcome.at, outcome.output, outcome.error, outcome.cause,
                    outcome.status in {Status.FAILED, Status.TIMED_OUT}, execution,
                ),
            )  # fmt: skip
            connection.execute("DELETE FROM mail WHERE execution=?", (execution,))

    def reopen(self, execution: str) -> None:
        self._database.execute(
            "UPDATE executions SET status='PENDING', stopped_at=NULL, output=NULL, error=NULL, cause=NULL, owner=NULL,"
            " dead_letter=0, redrives=redrives+1 WHERE id=?",
            (execution,),
        )

    def bury(self, execution: str) -> None:
        self._database.execute("UPDATE executions SET dead_letter=0 WHERE id=?", (execution,))

    def claim(self, owner: str, pipelines: Sequence[str], limit: int, now: float) -> list[Execution]:
        marks = ",".join("?" * len(pipelines))
        fresh = f"{FRESH} AND pipeline IN ({marks}) ORDER BY created_at LIMIT ?"
        due = f"{PARKED} AND wake_at<=? AND pipeline IN ({marks}) ORDER BY wake_at LIMIT ?"
        asked = ((*pipelines, 1), (now, *pipelines, 1))
        if not any(
            self._database.rows(f"SELECT 1 {which}", values) for which, values in zip((fresh, due), asked, strict=True)
        ):
            return []
        with self.transaction() as connection:
            found = connection.execute(f"SELECT {LIST} {fresh}", (*pipelines, limit)).fetchall()
            found += connection.execute(f"SELECT {LIST} {due}", (now, *pipelines, limit)).fetchall()
            claimed = sorted(map(_execution, found), key=_claimable_at)[:limit]
            connection.executemany(
                "UPDATE executions SET owner=?, wake_at=NULL WHERE id=?", [(owner, e.id) for e in claimed]
            )
        for execution in claimed:
            execution.owner, execution.wake_at = owner, None
        return claimed

    def park(self, execution: str, wake_at: float) -> bool:
        sql = (
            f"UPDATE executions SET owner=NULL, wake_at=? WHERE id=? AND {OPEN}"
            " AND NOT EXISTS (SELECT 1 FROM mail WHERE execution=id)"
        )
        return self._database.execute(sql, (wake_at, execution)).rowcount == 1

    def next_wake_at(self, pipelines: Sequence[str]) -> float | None:
        marks = ",".join("?" * len(pipelines))
        sql = f"SELECT wake_at {PARKED} AND pipeline IN ({marks}) ORDER BY wake_at LIMIT 1"
        rows = self._database.rows(sql, pipelines)
        return None if not rows or rows[0][0] == math.inf else float(rows[0][0])

    def post(self, execution: str, event: bytes) -> bool:
        with self.transaction() as connection:
            sql = f"INSERT INTO mail(execution, event) SELECT id, ? FROM executions WHERE id=? AND {OPEN}"
            if connection.execute(sql, (event, execution)).rowcount != 1:
                return False
            # Mail makes it due: a claim has but one question to ask.
            connection.execute("UPDATE executions SET wake_at=0 WHERE id=? AND wake_at IS NOT NULL", (execution,))
        self._has_posted = self._has_posted_unseen = True
        return True

    def mail(self, owner: str) -> list[Mail]:
        sql = (
            "SELECT number, execution, event FROM mail CROSS JOIN executions ON id=execution WHERE owner=?"
            " ORDER BY number"
        )
        return [Mail(*row) for row in self._database.rows(sql, (owner,))]

    def mailbox(self, execution: str) -> list[Mail]:
        sql = "SELECT number, execution, event FROM mail WHERE execution=? ORDER BY number"
        return [Mail(*row) for row in self._database.rows(sql, (execution,))]

    def take(self, mail: Mail) -> bool:
        return self._database.execute("DELETE FROM mail WHERE number=?", (mail.number,)).rowcount == 1

    def await_end(self, execution: str, token: str) -> None:
        self._database.execute("INSERT OR IGNORE INTO waiters VALUES(?,?)", (execution, token))

    def take_waiters(self, execution: str) -> list[str]:
        rows = self._database.rows("DELETE FROM waiters WHERE execution=? RETURNING token", (execution,))
        return sorted(row[0] for row in rows)

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

    def has_posted(self) -> bool:
        has_posted, self._has_posted = self._has_posted, False
        return has_posted

    def has_changed(self) -> bool:
        version = int(self._database.rows("PRAGMA data_version")[0][0])
        changed, self._data_version = version != self._data_version or self._has_posted_unseen, version
        self._has_posted_unseen = False
        return changed


def _claimable_at(execution: Execution) -> float:
    return execution.created_at if execution.wake_at is None else max(execution.wake_at, execution.created_at)


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
    if which.source is None and not which.with_map_children:
        conditions.append("source NOT LIKE 'map:%'")
    if which.dead_letter is not None:
        conditions.append("dead_letter" if which.dead_letter else "NOT dead_letter")
    return conditions, values


def _execution(row: tuple[Any, ...]) -> Execution:
    execution = Execution(**dict(zip(COLUMNS, row, strict=True)))
    execution.status = Status(execution.status)
    execution.dead_letter = bool(execution.dead_letter)
    return execution
