"""Map runs in the journal's database: what they were asked beside what changes, which is rewritten at every child."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.adapters.local.database import Database
from penstock.errors import NotFoundError
from penstock.ports.journal import Execution, Status
from penstock.ports.map_runs import Ends, MapRun, MapRunStatus

# Finished children are many: those of a root, or of a map run, that are not over must be found among them.
MIGRATION = """
CREATE TABLE map_runs(
  id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, execution TEXT NOT NULL, arn TEXT NOT NULL, pipeline TEXT NOT NULL,
  workflow TEXT NOT NULL, version TEXT NOT NULL, root TEXT NOT NULL, label TEXT NOT NULL, started_at REAL NOT NULL,
  is_batched INTEGER NOT NULL, status TEXT NOT NULL, stopped_at REAL, error TEXT NOT NULL, cause TEXT NOT NULL,
  owner TEXT, redrives INTEGER NOT NULL, given INTEGER NOT NULL, children INTEGER NOT NULL, is_read INTEGER NOT NULL,
  waiting INTEGER NOT NULL, changes INTEGER NOT NULL, items_running INTEGER NOT NULL, items_succeeded INTEGER NOT NULL,
  items_failed INTEGER NOT NULL, items_timed_out INTEGER NOT NULL, items_aborted INTEGER NOT NULL,
  executions_running INTEGER NOT NULL, executions_succeeded INTEGER NOT NULL, executions_failed INTEGER NOT NULL,
  executions_timed_out INTEGER NOT NULL, executions_aborted INTEGER NOT NULL, is_due INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE INDEX map_runs_open ON map_runs(owner) WHERE status IN ('RUNNING', 'STOPPING', 'ABORTING');
CREATE INDEX map_runs_due ON map_runs(owner, started_at) WHERE is_due;
CREATE INDEX map_runs_by_execution ON map_runs(execution);
CREATE TABLE map_commands(run TEXT PRIMARY KEY, command BLOB NOT NULL);
CREATE TABLE map_redrives(run TEXT NOT NULL, execution TEXT NOT NULL, PRIMARY KEY(run, execution)) WITHOUT ROWID;
DROP INDEX executions_by_root;
CREATE INDEX executions_by_root ON executions(root, status);
"""

ENDS = Ends.__struct_fields__
PLAIN = tuple(name for name in MapRun.__struct_fields__ if name not in {"items", "executions"})
COLUMNS = (*PLAIN, *(f"items_{name}" for name in ENDS), *(f"executions_{name}" for name in ENDS))
SELECT = f"SELECT {', '.join(COLUMNS)} FROM map_runs"
CHANGED = "changes=changes+1, is_due=1"
OPEN = "status IN ('RUNNING', 'STOPPING', 'ABORTING')"
EXECUTION = Execution.__struct_fields__
CHILDREN = f"SELECT {', '.join(f'e.{name}' for name in EXECUTION)} FROM executions e"


class SqliteMapRunStore:
    """Map runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, run: MapRun, command: bytes) -> bool:
        values = [getattr(run, name) for name in PLAIN]
        values += [getattr(ends, name) for ends in (run.items, run.executions) for name in ENDS]
        marks = ",".join("?" * len(COLUMNS))
        with self._database.transaction() as connection:
            sql = f"INSERT OR IGNORE INTO map_runs({','.join(COLUMNS)}) VALUES({marks})"
            if connection.execute(sql, values).rowcount != 1:
                return False
            connection.execute("INSERT INTO map_commands VALUES(?,?)", (run.id, command))
        return True

    def get(self, run: str) -> MapRun:
        rows = self._database.rows(f"{SELECT} WHERE id=?", (run,))
        if not rows:
            raise NotFoundError(f"there is no map run {run!r}", hint="`penstock executions` lists what ran")
        return _run(rows[0])

    def by_token(self, token: str) -> MapRun | None:
        rows = self._database.rows(f"{SELECT} WHERE token=?", (token,))
        return _run(rows[0]) if rows else None

    def command(self, run: str) -> bytes:
        rows = self._database.rows("SELECT command FROM map_commands WHERE run=?", (run,))
        if not rows:
            raise NotFoundError(f"there is no map run {run!r}", hint="`penstock executions` lists what ran")
        return bytes(rows[0][0])

    def due(self, owner: str) -> list[MapRun]:
        rows = self._database.rows(f"{SELECT} WHERE is_due AND owner=? ORDER BY started_at, id", (owner,))
        return [_run(row) for row in rows]

    def rest(self, run: MapRun) -> None:
        self._database.execute("UPDATE map_runs SET is_due=0 WHERE id=? AND changes=?", (run.id, run.changes))

    def claim(self, owner: str, pipelines: Sequence[str]) -> int:
        marks = ",".join("?" * len(pipelines))
        where = f"owner IS NULL AND {OPEN} AND pipeline IN ({marks})"
        if not self._database.rows(f"SELECT 1 FROM map_runs WHERE {where} LIMIT 1", pipelines):
            return 0
        return self._database.execute(
            f"UPDATE map_runs SET owner=?, {CHANGED} WHERE {where}", (owner, *pipelines)
        ).rowcount

    def release(self, owner: str) -> int:
        return self._database.execute(f"UPDATE map_runs SET owner=NULL WHERE owner=? AND {OPEN}", (owner,)).rowcount

    def owners(self) -> list[str]:
        rows = self._database.rows(f"SELECT DISTINCT owner FROM map_runs WHERE {OPEN} AND owner IS NOT NULL")
        return [row[0] for row in rows]

    def begun(self, run: str, *, children: int, items: int, is_read: bool) -> None:
        self._database.execute(
            f"UPDATE map_runs SET {CHANGED}, given=given+?, children=children+?, is_read=is_read OR ?,"
            " items_running=items_running+?, executions_running=executions_running+? WHERE id=?",
            (items, children, is_read, items, children, run),
        )

    def resumed(self, run: str, status: Status, items: int) -> None:
        self._move(run, status, -items, -1)

    def ended(self, run: str, status: Status, items: int) -> bool:
        return self._move(run, status, items, 1)

    def _move(self, run: str, status: Status, items: int, executions: int) -> bool:
        name = status.lower()
        sql = (
            f"UPDATE map_runs SET {CHANGED}, items_running=items_running-?, items_{name}=items_{name}+?,"
            f" executions_running=executions_running-?, executions_{name}=executions_{name}+? WHERE id=? AND {OPEN}"
        )
        return self._database.execute(sql, (items, items, executions, executions, run)).rowcount == 1

    def stop(self, run: str, status: MapRunStatus, error: str = "", cause: str = "") -> bool:
        sql = f"UPDATE map_runs SET {CHANGED}, status=?, error=?, cause=? WHERE id=? AND status IN ('RUNNING', ?)"
        # What is aborted need not be told why it would have failed.
        lesser = MapRunStatus.STOPPING if status is MapRunStatus.ABORTING else MapRunStatus.RUNNING
        return self._database.execute(sql, (status, error, cause, run, lesser)).rowcount == 1

    def finish(self, run: str, status: MapRunStatus, at: float) -> bool:
        with self._database.transaction() as connection:
            sql = f"UPDATE map_runs SET status=?, stopped_at=?, owner=NULL, is_due=0 WHERE id=? AND {OPEN}"
            if connection.execute(sql, (status, at, run)).rowcount != 1:
                return False
            connection.execute("DELETE FROM map_redrives WHERE run=?", (run,))
            connection.execute("UPDATE map_runs SET waiting=0 WHERE id=?", (run,))
        return True

    def redrive(self, run: str, *, token: str, owner: str, command: bytes) -> None:
        with self._database.transaction() as connection:
            first, last = _range(run)
            waiting = connection.execute(
                "INSERT INTO map_redrives SELECT ?, id FROM executions WHERE id>? AND id<?"
                " AND status IN ('FAILED', 'TIMED_OUT', 'ABORTED')",
                (run, first, last),
            ).rowcount
            connection.execute(
                f"UPDATE map_runs SET {CHANGED}, token=?, owner=?, status='RUNNING', stopped_at=NULL, error='',"
                f" cause='', redrives=redrives+1, waiting=? WHERE id=? AND NOT {OPEN}",
                (token, owner, waiting, run),
            )
            connection.execute("UPDATE map_commands SET command=? WHERE run=?", (command, run))

    def redriven(self, run: str, limit: int) -> list[Execution]:
        with self._database.transaction() as connection:
            sql = f"{CHILDREN} JOIN map_redrives r ON r.execution=e.id WHERE r.run=? ORDER BY r.execution LIMIT ?"
            found = [_execution(row) for row in connection.execute(sql, (run, limit)).fetchall()]
            pairs = [(run, execution.id) for execution in found]
            connection.executemany("DELETE FROM map_redrives WHERE run=? AND execution=?", pairs)
            connection.execute(f"UPDATE map_runs SET {CHANGED}, waiting=waiting-? WHERE id=?", (len(found), run))
        return found

    def children(self, run: str, after: str, limit: int) -> list[Execution]:
        return self._children(run, after, limit, "")

    def unfinished(self, run: str, after: str, limit: int) -> list[Execution]:
        return self._children(run, after, limit, " AND e.status IN ('PENDING', 'RUNNING')")

    def _children(self, run: str, after: str, limit: int, condition: str) -> list[Execution]:
        first, last = _range(run)
        sql = f"{CHILDREN} WHERE e.id>? AND e.id<?{condition} ORDER BY e.id LIMIT ?"
        return [_execution(row) for row in self._database.rows(sql, (after or first, last, limit))]


def _range(run: str) -> tuple[str, str]:
    """Returns what the ids of a map run's children lie between: each is the run's, a hyphen, and a number."""
    return f"{run}-", f"{run}."


def _run(row: tuple[Any, ...]) -> MapRun:
    values = dict(zip(COLUMNS, row, strict=True))
    ends = {which: {name: values.pop(f"{which}_{name}") for name in ENDS} for which in ("items", "executions")}
    return msgspec.convert({**values, **ends}, MapRun, strict=False)


def _execution(row: tuple[Any, ...]) -> Execution:
    execution = Execution(**dict(zip(EXECUTION, row, strict=True)))
    execution.status = Status(execution.status)
    execution.dead_letter = bool(execution.dead_letter)
    return execution
