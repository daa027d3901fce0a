"""A new database can be opened by several processes at once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

from penstock.adapters.local.database import Database

MIGRATION = "CREATE TABLE t(a INTEGER)"
PROCESSES = 6
ROUNDS = 10


def _write(folder: str, barrier: Any, number: int) -> None:
    for round_number in range(ROUNDS):
        barrier.wait(30)
        database = Database(Path(folder) / f"{round_number}.sqlite", (MIGRATION,))
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES(?)", (number,))
        database.close()


def test_all_that_open_it_at_once_write_into_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(PROCESSES)
    processes = [context.Process(target=_write, args=(str(tmp_path), barrier, number)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    for round_number in range(ROUNDS):
        found = Database(tmp_path / f"{round_number}.sqlite", (MIGRATION,))
        assert found.rows("SELECT a FROM t ORDER BY a") == [(number,) for number in range(PROCESSES)]
        found.close()
