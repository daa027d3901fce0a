"""Handles on queues and event buses: each operation asks for its grant first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import ValidationError
from penstock.model.buses import EventBus
from penstock.model.queues import Queue
from penstock.ports.events import BusEvent
from penstock.ports.queues import RECEIVE_LIMIT, QueueMessage, QueueStore
from penstock.runtime.finite import not_finite

if TYPE_CHECKING:
    from penstock.runtime.handles import Scope


class ReceivedMessage:
    """A message of a queue. It comes again unless it is deleted before its visibility ends.

    Attributes:
        id: the same in each receipt of it.
        body: the text as it was sent.
        attributes: texts beside it.
        sent_at: in seconds since the epoch.
        receives: how many times it was received, this one included.
    """

    def __init__(self, store: QueueStore, queue: Queue, message: QueueMessage) -> None:
        self._store = store
        self._queue = queue
        self._receipt = message.receipt
        self.id = message.id
        self.body = message.body
        self.attributes = message.attributes
        self.sent_at = message.sent_at
        self.receives = message.receives

    @property
    def value(self) -> Any:
        """What the body is as JSON; the text itself where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return self.body

    def delete(self) -> None:
        """Deletes the message: it was dealt with."""
        self._store.delete(self._queue, self._receipt)

    def hide(self, span: timedelta) -> None:
        """Keeps the message from other receivers for so long from now on; a span of 0 gives it back at once.

        Raises:
            ConditionFailedError: its visibility has ended.
        """
        self._store.change_visibility(self._queue, self._receipt, round(span.total_seconds()))


class QueueHandle:
    """A queue, for one call."""

    def __init__(self, scope: Scope, queue: Queue) -> None:
        self._scope = scope
        self._queue = queue

    def send(self, value: Any, *, delay: timedelta | None = None, attributes: Mapping[str, str] | None = None) -> str:
        """Sends a value as JSON; returns the message's id. A retry does not send it again, on a machine.

        SQS takes it again; receivers can tell by the attribute ``idempotency_key``.

        Args:
            delay: when it can first be received, from now; 15 minutes at most.
            attributes: texts beside it, nine at most.

        Raises:
            AccessDeniedError: the task may not send to this queue.
            ValidationError: the value cannot be JSON, or is too long.
        """
        self._scope.require(self._queue.send)
        return self._scope.ports.queues.send(
            self._queue,
            _json(value),
            delay_seconds=0 if delay is None else round(delay.total_seconds()),
            attributes=attributes,
            token=self._scope.next_token(f"queue/{self._queue.name}"),
        )

    def receive(
        self, limit: int = RECEIVE_LIMIT, *, wait: timedelta | None = None, visibility: timedelta | None = None
    ) -> Iterator[ReceivedMessage]:
        """Yields up to so many messages, each hidden from other receivers until its visibility ends.

        Ten are fetched at a time, when they are asked for. There may be more in the queue than it yields.

        Args:
            wait: how long to wait for messages where there is none; 20 seconds at most.
            visibility: for how long they are hidden; what the queue says when absent.

        Raises:
            AccessDeniedError: the task may not receive from this queue.
        """
        self._scope.require(self._queue.receive)
        return self._received(limit, wait, visibility)

    def _received(self, limit: int, wait: timedelta | None, visibility: timedelta | None) -> Iterator[ReceivedMessage]:
        store = self._scope.ports.queues
        left = limit
        while left > 0:
            found = store.receive(
                self._queue,
                limit=min(left, RECEIVE_LIMIT),
                visibility_seconds=None if visibility is None else round(visibility.total_seconds()),
                wait_seconds=0 if wait is None else round(wait.total_seconds()),
            )
            if not found:
                return
            left -= len(found)
            yield from (ReceivedMessage(store, self._queue, message) for message in found)


class EventBusHandle:
    """An event bus, for one call."""

    def __init__(self, scope: Scope, bus: EventBus) -> None:
        self._scope = scope
        self._bus = bus

    def put(self, source: str, detail_type: str, detail: dict[str, Any], *, resources: Sequence[str] = ()) -> str:
        """Puts an event on the bus; returns its id. A retry does not put it again, on a machine.

        Args:
            source: who says it, such as ``shop.orders``.
            detail_type: what has happened, such as ``OrderPlaced``.
            detail: a JSON object.
            resources: names of what it is about.

        Raises:
            AccessDeniedError: the task may not put events on this bus.
            ValidationError: it is no event, or one that is too long.
        """
        self._scope.require(self._bus.put)
        _check_numbers(detail, "event")
        event = BusEvent(
            source=source,
            detail_type=detail_type,
            detail=detail,
            resources=tuple(resources),
            execution=self._scope.call.execution,
        )
        token = self._scope.next_token(f"bus/{self._bus.name}")
        return self._scope.ports.events.put(self._bus, event, token=token)


def _json(value: Any) -> str:
    _check_numbers(value, "message")
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValidationError(
            f"the message cannot be JSON: {error}",
            hint="send text, numbers, true, false, None, lists and dictionaries",
        ) from error


def _check_numbers(value: Any, noun: str) -> None:
    path = not_finite(value)
    if path is not None:
        raise ValidationError(
            f"the {noun} has a number that JSON cannot hold at {path}", hint="send None, or leave the value out"
        )
