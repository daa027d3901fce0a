"""A database that commits only now and then keeps its transactions whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from penstock.adapters.local.database import Database

MIGRATION = "CREATE TABLE t(a INTEGER)"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "d.sqlite", (MIGRATION,), durability="off")


def seen_by_others(database: Database) -> list[int]:
    other = sqlite3.connect(database.path)
    try:
        return [row[0] for row in other.execute("SELECT a FROM t ORDER BY a")]
    finally:
        other.close()


def write(database: Database, *numbers: int, fails: bool = False) -> None:
    with database.transaction() as connection:
        connection.executemany("INSERT INTO t VALUES(?)", [(number,) for number in numbers])
        if fails:
            raise RuntimeError


def test_others_see_what_was_written_when_it_is_gathered_again(database: Database) -> None:
    database.gather()
    write(database, 1)
    database.execute("INSERT INTO t VALUES(2)")
    assert database.rows("SELECT count(*) FROM t") == [(2,)]
    assert seen_by_others(database) == []
    database.gather()
    assert seen_by_others(database) == [1, 2]


def test_pages_that_wait_for_the_commit_are_not_written_before(database: Database) -> None:
    database.gather()
    for _ in range(20):
        # 2 MB is what SQLite keeps in memory by itself.
        write(database, *range(50_000))
    assert database.path.with_name("d.sqlite-wal").stat().st_size < 1_000_000
    database.gather()
    assert len(seen_by_others(database)) == 1_000_000


def test_a_transaction_that_fails_takes_nothing_else_with_it(database: Database) -> None:
    database.gather()
    write(database, 1)
    with pytest.raises(RuntimeError):
        write(database, 2, 3, fails=True)
    write(database, 4)
    database.close()
    assert seen_by_others(database) == [1, 4]


def test_transactions_within_one_another_are_one(database: Database) -> None:
    def both() -> None:
        with database.transaction():
            write(database, 1)
            write(database, 2, fails=True)

    database.gather()
    with pytest.raises(RuntimeError):
        both()
    assert database.rows("SELECT count(*) FROM t") == [(0,)]


def test_closed_it_has_committed(database: Database) -> None:
    database.gather()
    write(database, 1)
    database.close()
    assert seen_by_others(database) == [1]
    write(database, 2)
    assert seen_by_others(database) == [1, 2]
