from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.adapters.local import bus, journal
from penstock.adapters.local.database import Database
from penstock.testing.contracts.bus import BusContract
from penstock.testing.contracts.journal import JournalContract

MIGRATIONS = (journal.MIGRATION, bus.MIGRATION, journal.WAITING)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "journal.sqlite", MIGRATIONS)
    yield opened
    opened.close()


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    def journal(self, database: Database) -> journal.SqliteJournal:
        return journal.SqliteJournal(database)

    def test_the_writes_of_another_process_are_noticed(self, database: Database, tmp_path: Path) -> None:
        here = journal.SqliteJournal(database)
        here.has_changed()
        assert not here.has_changed()
        other = Database(tmp_path / "journal.sqlite", MIGRATIONS)
        bus.SqliteBus(other).withdraw("nothing")
        other.execute("CREATE TABLE anything(x)")
        other.close()
        assert here.has_changed()


def test_a_journal_from_before_executions_could_wait_is_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    old = Database(path, MIGRATIONS[:2])
    row = "INSERT INTO executions(id, pipeline, workflow, version, input, source, root, created_at, status, owner)"
    for name, owner in (("left", None), ("dead", "somebody")):
        old.execute(f"{row} VALUES(?, 'p', 'w', 'v', '{{}}', 'manual', 'r', 1.0, 'RUNNING', ?)", (name, owner))
    old.close()
    new = Database(path, MIGRATIONS)
    here = journal.SqliteJournal(new)
    assert here.owners() == ["somebody"]
    assert [(e.id, e.wake_at) for e in here.claim("me", ["p"], 9, 2.0)] == [("left", None)]
    assert here.park("left", 5.0)
    assert here.next_wake_at(["p"]) == 5.0
    new.close()


class TestSqliteBus(BusContract):
    @pytest.fixture
    def bus(self, database: Database) -> bus.SqliteBus:
        return bus.SqliteBus(database)
