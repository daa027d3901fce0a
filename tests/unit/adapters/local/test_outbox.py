"""What the SQLite outbox adds to its contract: the caller's transaction, several processes, what is stored."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.adapters.local.database import Database
from penstock.adapters.local.outbox import MIGRATION, Outbox
from penstock.errors import ValidationError
from penstock.testing.contracts.notify import a_message


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "journal.db", [MIGRATION])
    yield database
    database.close()


def test_a_message_shares_the_fate_of_the_callers_transaction(database: Database) -> None:
    outbox = Outbox(database)
    with contextlib.suppress(RuntimeError), database.transaction() as connection:
        outbox.enqueue(a_message(1), ["console:"])
        outbox.enqueue(a_message(2), ["console:"], connection)
        assert outbox.counts()["pending"] == 2
        raise RuntimeError
    assert outbox.counts()["pending"] == 0
    with database.transaction() as connection:
        outbox.enqueue(a_message(1), ["console:"], connection)
    assert outbox.counts()["pending"] == 1


def test_two_deliverers_never_hold_the_same_row(database: Database, tmp_path: Path) -> None:
    Outbox(database).enqueue(a_message(created_at=0.0), [f"file:{number}" for number in range(40)])
    claimed: list[int] = []

    def take() -> None:
        other = Database(tmp_path / "journal.db", [MIGRATION])
        while rows := Outbox(other).claim(1.0, limit=3):
            claimed.extend(row.id for row in rows)
        other.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(1, 41))


def test_secrets_are_stored_by_name(database: Database) -> None:
    outbox = Outbox(database)
    outbox.enqueue(a_message(), ["slack://${SLACK_TOKEN}"])
    assert database.rows("SELECT endpoint, scheme FROM outbox") == [("slack://${SLACK_TOKEN}", "slack")]


def test_data_that_json_cannot_hold_is_refused(database: Database) -> None:
    outbox = Outbox(database)
    with pytest.raises(ValidationError, match="alarm-1"):
        outbox.enqueue(a_message(data={"handle": object()}), ["console:"])
    assert outbox.counts()["pending"] == 0


def test_no_endpoints_no_rows(database: Database) -> None:
    assert Outbox(database).enqueue(a_message(), []) == 0


def test_looking_for_work_does_not_wait_for_a_writer(database: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "journal.db", [MIGRATION])
    with other.transaction() as connection:
        connection.execute("DELETE FROM outbox")
        database.connection.execute("PRAGMA busy_timeout=0")
        assert Outbox(database).claim(1e12) == []
        assert Outbox(database).next_due_at() is None
    other.close()


def test_old_deliveries_can_be_forgotten(database: Database) -> None:
    outbox = Outbox(database)
    outbox.enqueue(a_message(created_at=0.0), ["console:", "file:", "mailto:ops@example.com"])
    first, second, third = outbox.claim(0.0, limit=3)
    outbox.delivered(first, 10.0)
    outbox.delivered(second, 20.0)
    outbox.failed(third, "broken", None)
    assert outbox.forget_delivered(20.0) == 1
    assert outbox.counts() == {"pending": 0, "delivered": 1, "dead": 1}
