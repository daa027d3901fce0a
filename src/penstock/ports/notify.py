"""Notifications: what is sent, the channels that send it, and the durable store between the two.

A message is stored first, in the transaction of the event that caused it, and delivered afterwards. Each
(message id, endpoint) is stored once and delivered at least once: a process that dies between a delivery and its
record delivers again, with the same message id, by which receivers can tell.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from penstock.model.alarms import Severity
from penstock.model.topics import Topic

if TYPE_CHECKING:
    import sqlite3

DeliveryStatus = Literal["pending", "delivered", "dead"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One notification.

    Attributes:
        id: the de-duplication id; the same event always makes the same id.
        topic: the topic that it was published to.
        subject: one line.
        body: text for people.
        data: the same for programs, as JSON: an alarm's notification, for one.
        created_at: seconds since the epoch.
    """

    id: str
    topic: str
    subject: str
    body: str
    data: dict[str, Any] | None = None
    severity: Severity = "INFO"
    created_at: float


class Channel(Protocol):
    """Sends messages to the endpoints of one kind."""

    def deliver(self, message: Message, endpoint: str) -> None:
        """Sends a message; returns once the receiving side has taken responsibility for it.

        Blocks for seconds at the most, never for ever. Delivering a message again is allowed; every copy carries the
        message's id where the medium has a place for it.

        Args:
            endpoint: as written in the subscription; ``${NAME}`` is looked up here.

        Raises:
            DeliveryError: not sent, or not known to be. ``data["permanent"]`` is True when trying again cannot help.
                Its text holds no secret.
        """
        ...


class Publisher(Protocol):
    """Sends messages to everyone who subscribed to a topic."""

    def publish(self, topic: Topic, message: Message) -> None:
        """Takes a message for all subscribers; on a machine, each of them gets one message id once.

        Raises:
            ValidationError: the message cannot be sent as it is.
        """
        ...


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way to one endpoint.

    Attributes:
        id: the row's number.
        endpoint: as written in the subscription, secrets unresolved.
        attempts: how many were begun, the present one included.
        due_at: when it is (again) tried; of a claimed delivery the end of its lease.
        claim: the token of the newest claim.
        error: why the last attempt failed.
    """

    id: int
    message: Message
    endpoint: str
    status: DeliveryStatus = "pending"
    attempts: int = 0
    due_at: float = 0.0
    claim: str | None = None
    error: str | None = None
    delivered_at: float | None = None


class OutboxStore(Protocol):
    """The durable queue of deliveries. Safe for several threads and processes."""

    def enqueue(self, message: Message, endpoints: Sequence[str], connection: sqlite3.Connection | None = None) -> int:
        """Stores a delivery for each endpoint that this message id does not have yet; returns how many are new.

        Part of the caller's open transaction, if there is one: the event and its notification are stored together.
        """
        ...

    def claim(
        self, now: float, *, limit: int = 1, lease_seconds: float = 60.0, except_schemes: Collection[str] = ()
    ) -> list[Delivery]:
        """Returns deliveries that are due, longest due first, and keeps them from others until the lease runs out.

        A lease that ran out without :meth:`delivered` or :meth:`failed` makes the delivery due again.
        """
        ...

    def delivered(self, delivery: Delivery, now: float) -> None:
        """Records that a delivery was made, whoever holds the claim by now."""
        ...

    def failed(self, delivery: Delivery, error: str, retry_at: float | None) -> bool:
        """Records a failed attempt; ``retry_at=None`` makes it a dead letter.

        Returns:
            False when the claim had run out and somebody else has taken over: nothing was changed.
        """
        ...

    def next_due_at(self, *, except_schemes: Collection[str] = ()) -> float | None:
        """Returns when the next delivery becomes due, in seconds since the epoch; None when none is pending."""
        ...

    def rows(self, status: DeliveryStatus | None = None, limit: int = 100) -> list[Delivery]:
        """Returns the newest deliveries first."""
        ...

    def retry_dead(self, ids: Sequence[int] | None, now: float) -> int:
        """Makes dead letters due again with a fresh count of attempts: these rows, or all; returns how many."""
        ...

    def forget_delivered(self, before: float) -> int:
        """Deletes deliveries that were made before a time; returns how many."""
        ...

    def counts(self) -> dict[DeliveryStatus, int]:
        """Returns how many deliveries are in each status; every status is present."""
        ...
