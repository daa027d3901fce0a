"""The outbox on SQLite: notifications are rows of the database that also holds the events which caused them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from penstock.adapters.local.database import Database
from penstock.errors import ValidationError
from penstock.model.endpoints import scheme_of
from penstock.model.topics import Topic
from penstock.ports.notify import Delivery, DeliveryStatus, Message

MIGRATION = """
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    message_id   TEXT NOT NULL,
    endpoint     TEXT NOT NULL,
    scheme       TEXT NOT NULL,
    message      TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'dead')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_at       REAL NOT NULL,
    claim        TEXT,
    error        TEXT,
    delivered_at REAL,
    UNIQUE (message_id, endpoint)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE status = 'pending';
"""

_COLUMNS = "id, message, endpoint, status, attempts, due_at, claim, error, delivered_at"
_CLAIM = (
    "UPDATE outbox SET attempts = attempts + 1, due_at = ?, claim = lower(hex(randomblob(8))) "
    f"WHERE id = ? RETURNING {_COLUMNS}"
)
_ERROR_CHARACTERS = 1000


class OutboxPublisher:
    """Puts a topic's messages into the outbox, one for each subscription."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def publish(self, topic: Topic, message: Message) -> None:
        """Stores the message for each subscriber that does not have it yet."""
        self._outbox.enqueue(message, [subscription.endpoint for subscription in topic.subscriptions])


class Outbox:
    """Deliveries in the table ``outbox``, which :data:`MIGRATION` makes.

    A claim moves ``due_at`` to the end of its lease, so that a crashed deliverer's rows come back by themselves.
    Endpoints are stored as they were written: secrets stay ``${NAME}``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, message: Message, endpoints: Sequence[str], connection: sqlite3.Connection | None = None) -> int:
        """Stores the message for each endpoint; returns how many of them are new.

        Args:
            connection: the one with the caller's transaction; by default this thread's.

        Raises:
            ValidationError: ``message.data`` holds what JSON cannot.
        """
        try:
            encoded = msgspec.json.encode(message).decode()
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValidationError(
                f"message {message.id!r} cannot be stored as JSON: {error}",
                hint="publish strings, numbers, booleans, lists and dictionaries with string keys",
            ) from error
        parameters = [
            (message.id, endpoint, scheme_of(endpoint), encoded, message.created_at) for endpoint in endpoints
        ]
        if connection is not None:
            with self._database.translated_errors():
                return _insert(connection, parameters)
        with self._database.transaction() as own:
            return _insert(own, parameters)

    def claim(
        self, now: float, *, limit: int = 1, lease_seconds: float = 60.0, except_schemes: Collection[str] = ()
    ) -> list[Delivery]:
        """Takes deliveries that are due, longest due first, for ``lease_seconds``."""
        due = (
            f"SELECT id FROM outbox WHERE status = 'pending' AND due_at <= ? {_without(except_schemes)}"
            "ORDER BY due_at, id LIMIT ?"
        )
        parameters = (now, *except_schemes, limit)
        # Looking takes no lock: an idle notifier never makes writers wait.
        if not self._database.rows(due, parameters):
            return []
        with self._database.transaction() as connection:
            return [
                _delivery(connection.execute(_CLAIM, (now + lease_seconds, row)).fetchone())
                for (row,) in connection.execute(due, parameters).fetchall()
            ]

    def delivered(self, delivery: Delivery, now: float) -> None:
        """Records that a delivery was made."""
        self._database.execute(
            "UPDATE outbox SET status = 'delivered', delivered_at = ?, claim = NULL, error = NULL "
            "WHERE id = ? AND status <> 'delivered'",
            (now, delivery.id),
        )

    def failed(self, delivery: Delivery, error: str, retry_at: float | None) -> bool:
        """Records a failed attempt; ``retry_at=None`` makes it a dead letter. False: the claim was lost."""
        cursor = self._database.execute(
            "UPDATE outbox SET status = ?, due_at = coalesce(?, due_at), claim = NULL, error = ? "
            "WHERE id = ? AND claim = ? AND status = 'pending'",
            (
                "dead" if retry_at is None else "pending",
                retry_at,
                error[:_ERROR_CHARACTERS],
                delivery.id,
                delivery.claim,
            ),
        )
        return cursor.rowcount == 1

    def next_due_at(self, *, except_schemes: Collection[str] = ()) -> float | None:
        """Returns when the next pending delivery is due or its lease ends."""
        rows = self._database.rows(
            f"SELECT min(due_at) FROM outbox WHERE status = 'pending' {_without(except_schemes)}",
            tuple(except_schemes),
        )
        due_at: float | None = rows[0][0]
        return due_at

    def rows(self, status: DeliveryStatus | None = None, limit: int = 100) -> list[Delivery]:
        """Returns the newest deliveries first."""
        return [
            _delivery(row)
            for row in self._database.rows(
                f"SELECT {_COLUMNS} FROM outbox WHERE ? IS NULL OR status = ? ORDER BY id DESC LIMIT ?",
                (status, status, limit),
            )
        ]

    def retry_dead(self, ids: Sequence[int] | None, now: float) -> int:
        """Makes dead letters due again: the rows with these ids, or all of them; returns how many."""
        with self._database.transaction() as connection:
            return sum(
                connection.execute(
                    "UPDATE outbox SET status = 'pending', attempts = 0, due_at = ?, claim = NULL "
                    "WHERE status = 'dead' AND (? IS NULL OR id = ?)",
                    (now, row, row),
                ).rowcount
                for row in ([None] if ids is None else ids)
            )

    def counts(self) -> dict[DeliveryStatus, int]:
        """Returns how many deliveries are in each status."""
        counts: dict[DeliveryStatus, int] = {"pending": 0, "delivered": 0, "dead": 0}
        counts.update(dict(self._database.rows("SELECT status, count(*) FROM outbox GROUP BY status")))
        return counts

    def forget_delivered(self, before: float) -> int:
        """Deletes deliveries that were made before a time; their message ids are no longer recognised."""
        return self._database.execute(
            "DELETE FROM outbox WHERE status = 'delivered' AND delivered_at < ?", (before,)
        ).rowcount


def _insert(connection: sqlite3.Connection, parameters: list[tuple[Any, ...]]) -> int:
    return sum(
        connection.execute(
            "INSERT INTO outbox (message_id, endpoint, scheme, message, due_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (message_id, endpoint) DO NOTHING",
            row,
        ).rowcount
        for row in parameters
    )


def _without(schemes: Collection[str]) -> str:
    return f"AND scheme NOT IN ({', '.join('?' * len(schemes))}) " if schemes else ""


def _delivery(row: tuple[Any, ...]) -> Delivery:
    number, message, endpoint, status, attempts, due_at, claim, error, delivered_at = row
    return Delivery(
        id=number,
        message=msgspec.json.decode(message, type=Message),
        endpoint=endpoint,
        status=status,
        attempts=attempts,
        due_at=due_at,
        claim=claim,
        error=error,
        delivered_at=delivered_at,
    )
