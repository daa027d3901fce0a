"""Queues in the journal database: a message, and the step of a workflow that sent it, commit together."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.adapters.local.database import Database
from penstock.errors import ConditionFailedError, ValidationError
from penstock.model.queues import RETAIN_SECONDS, VISIBILITY_LIMIT_SECONDS, Queue
from penstock.ports.clock import Clock
from penstock.ports.queues import (
    KEY_ATTRIBUTE,
    RECEIVE_LIMIT,
    QueueCounts,
    QueueMessage,
    check_message,
    check_receive,
)

MIGRATION = """
CREATE TABLE queue_messages(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, queue TEXT NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL,
  sent_at REAL NOT NULL, visible_at REAL NOT NULL, expires_at REAL NOT NULL,
  receives INTEGER NOT NULL DEFAULT 0, received_at REAL, receipt TEXT
);
CREATE INDEX queue_messages_visible ON queue_messages(queue, visible_at);
CREATE INDEX queue_messages_expired ON queue_messages(expires_at);
CREATE TABLE queue_tokens(
  queue TEXT NOT NULL, token TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY(queue, token)
) WITHOUT ROWID;
CREATE INDEX queue_tokens_by_time ON queue_tokens(at);
"""

POLL_SECONDS = 0.1
TOKEN_SECONDS = RETAIN_SECONDS[1]
_COLUMNS = "id, body, receipt, sent_at, receives, attributes"
_TAKE = (
    "UPDATE queue_messages SET receives=receives+1, received_at=?, visible_at=?, receipt=lower(hex(randomblob(16)))"
    f" WHERE number=? RETURNING {_COLUMNS}"
)
_RECEIPT = re.compile(r"[0-9a-f]{32}", re.ASCII)


class SqliteQueueStore:
    """Queues in the tables that :data:`MIGRATION` makes. Here nothing is received before its time, nor forgotten.

    Args:
        sleep: how it waits for a message.
    """

    def __init__(self, database: Database, clock: Clock, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._database = database
        self._clock = clock
        self._sleep = sleep

    def send(
        self,
        queue: Queue,
        body: str,
        *,
        delay_seconds: int = 0,
        attributes: Mapping[str, str] | None = None,
        token: str = "",
    ) -> str:
        given = dict(attributes or {})
        check_message(body, given, delay_seconds, token)
        now = self._clock.now()
        with self._database.transaction() as connection:
            message = str(uuid.UUID(connection.execute("SELECT hex(randomblob(16))").fetchone()[0]))
            if token:
                given[KEY_ATTRIBUTE] = token
                connection.execute(
                    "INSERT OR IGNORE INTO queue_tokens VALUES(?,?,?,?)", (queue.name, token, message, now)
                )
                known = "SELECT id FROM queue_tokens WHERE queue=? AND token=?"
                (first,) = connection.execute(known, (queue.name, token)).fetchone()
                if first != message:
                    return str(first)
            connection.execute(
                "INSERT INTO queue_messages(id, queue, body, attributes, sent_at, visible_at, expires_at)"
                " VALUES(?,?,?,?,?,?,?)",
                (message, queue.name, body, msgspec.json.encode(given).decode(), now, now + delay_seconds,
                 now + queue.retain_seconds),
            )  # fmt: skip
        return message

    def receive(
        self, queue: Queue, *, limit: int = RECEIVE_LIMIT, visibility_seconds: int | None = None, wait_seconds: int = 0
    ) -> list[QueueMessage]:
        check_receive(limit, visibility_seconds, wait_seconds)
        hidden = queue.visibility_seconds if visibility_seconds is None else visibility_seconds
        found = self._take(queue, limit, hidden)
        # Counted, not timed: the clock of a test stands still.
        for _ in range(round(wait_seconds / POLL_SECONDS)):
            if found:
                break
            self._sleep(POLL_SECONDS)
            found = self._take(queue, limit, hidden)
        return found

    def delete(self, queue: Queue, receipt: str) -> None:
        _check_receipt(queue, receipt)
        self._database.execute("DELETE FROM queue_messages WHERE queue=? AND receipt=?", (queue.name, receipt))

    def change_visibility(self, queue: Queue, receipt: str, visibility_seconds: int) -> None:
        _check_receipt(queue, receipt)
        now = self._clock.now()
        with self._database.transaction() as connection:
            held = connection.execute(
                "SELECT number, received_at FROM queue_messages"
                " WHERE queue=? AND receipt=? AND visible_at>? AND expires_at>?",
                (queue.name, receipt, now, now),
            ).fetchone()
            if held is None:
                raise ConditionFailedError(
                    f"a message of queue {queue.name!r} is not hidden any more",
                    hint="receive it again; give it a longer visibility",
                )
            number, received_at = held
            left = VISIBILITY_LIMIT_SECONDS - (now - received_at)
            if not 0 <= visibility_seconds <= left:
                raise ValidationError(
                    f"visibility_seconds cannot be {visibility_seconds}",
                    hint=f"a receipt lasts 12 hours: 0 to {int(left)} are left of them",
                )
            connection.execute(
                "UPDATE queue_messages SET visible_at=? WHERE number=?", (now + visibility_seconds, number)
            )

    def counts(self, queue: Queue) -> QueueCounts:
        now = self._clock.now()
        sql = (
            "SELECT coalesce(sum(visible_at<=?), 0), coalesce(sum(visible_at>? AND receives>0), 0),"
            " coalesce(sum(visible_at>? AND receives=0), 0) FROM queue_messages WHERE queue=? AND expires_at>?"
        )
        return QueueCounts(*self._database.rows(sql, (now, now, now, queue.name, now))[0])

    def purge(self, queue: Queue) -> None:
        self._database.execute("DELETE FROM queue_messages WHERE queue=?", (queue.name,))

    def expire(self) -> int:
        """Deletes messages past their retention, and old tokens; returns how many messages."""
        now = self._clock.now()
        self._database.execute("DELETE FROM queue_tokens WHERE at<?", (now - TOKEN_SECONDS,))
        return self._database.execute("DELETE FROM queue_messages WHERE expires_at<=?", (now,)).rowcount

    def _take(self, queue: Queue, limit: int, visibility_seconds: int) -> list[QueueMessage]:
        now = self._clock.now()
        due = (
            "SELECT number FROM queue_messages WHERE queue=? AND visible_at<=? AND expires_at>?"
            " ORDER BY visible_at, number LIMIT ?"
        )
        parameters = (queue.name, now, now, limit)
        # Looking takes no lock: an idle receiver never makes writers wait.
        if not self._database.rows(due, parameters):
            return []
        with self._database.transaction() as connection:
            return [
                _message(connection.execute(_TAKE, (now, now + visibility_seconds, number)).fetchone())
                for (number,) in connection.execute(due, parameters).fetchall()
            ]


def _check_receipt(queue: Queue, receipt: str) -> None:
    if not _RECEIPT.fullmatch(receipt):
        raise ValidationError(
            f"{receipt[:100]!r} is no receipt of queue {queue.name!r}", hint="give a received message's"
        )


def _message(row: tuple[Any, ...]) -> QueueMessage:
    message, body, receipt, sent_at, receives, attributes = row
    return QueueMessage(
        id=message,
        body=body,
        receipt=receipt,
        sent_at=sent_at,
        receives=receives,
        attributes=msgspec.json.decode(attributes, type=dict[str, str]),
    )
