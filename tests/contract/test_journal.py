from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.adapters.local import bus, journal
from penstock.adapters.local.database import Database
from penstock.testing.contracts.bus import BusContract
from penstock.testing.contracts.journal import JournalContract


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "journal.sqlite", (journal.MIGRATION, bus.MIGRATION))
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
        other = Database(tmp_path / "journal.sqlite", (journal.MIGRATION, bus.MIGRATION))
        bus.SqliteBus(other).withdraw("nothing")
        other.execute("CREATE TABLE anything(x)")
        other.close()
        assert here.has_changed()


class TestSqliteBus(BusContract):
    @pytest.fixture
    def bus(self, database: Database) -> bus.SqliteBus:
        return bus.SqliteBus(database)
