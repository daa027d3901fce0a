from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.adapters.local.database import Database
from penstock.adapters.local.journal import SqliteJournal
from penstock.adapters.local.map_runs import SqliteMapRunStore
from penstock.runtime.machine.stores import JOURNAL_MIGRATIONS
from penstock.testing.contracts.map_runs import MapRunStoreContract


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "journal.sqlite", JOURNAL_MIGRATIONS)
    yield opened
    opened.close()


class TestSqliteMapRunStore(MapRunStoreContract):
    @pytest.fixture
    def map_runs(self, database: Database) -> SqliteMapRunStore:
        return SqliteMapRunStore(database)

    @pytest.fixture
    def journal(self, database: Database) -> SqliteJournal:
        return SqliteJournal(database)

    def test_finished_children_are_not_looked_at_to_count_those_that_are_not(self, database: Database) -> None:
        question = "SELECT count(*) FROM executions WHERE status IN ('PENDING', 'RUNNING') AND root=?"
        plan = " ".join(str(row) for row in database.rows(f"EXPLAIN QUERY PLAN {question}", ("r",)))
        assert "root=? AND status=?" in plan
