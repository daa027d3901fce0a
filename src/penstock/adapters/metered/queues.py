"""Queues: requests, each 64 KB of a message being one. https://aws.amazon.com/sqs/pricing/"""

from __future__ import annotations

from typing import Any

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import chunks
from penstock.model.queues import Queue
from penstock.ports.queues import QueueCounts, QueueMessage, size_bytes

REQUEST = "sqs-requests"


class MeteredQueueStore(Wrapper):
    """Requests to queues."""

    def send(self, queue: Queue, body: str, **asked: Any) -> str:
        sent: str = self._inner.send(queue, body, **asked)
        self._count(REQUEST, chunks(size_bytes(body, asked.get("attributes") or {})), "SendMessage", queue.name)
        return sent

    def receive(self, queue: Queue, **asked: Any) -> list[QueueMessage]:
        found: list[QueueMessage] = self._inner.receive(queue, **asked)
        size = sum(size_bytes(one.body, one.attributes) for one in found)
        self._count(REQUEST, chunks(size), "ReceiveMessage", queue.name)
        return found

    def delete(self, queue: Queue, receipt: str) -> None:
        self._count(REQUEST, 1, "DeleteMessage", queue.name)
        self._inner.delete(queue, receipt)

    def change_visibility(self, queue: Queue, receipt: str, visibility_seconds: int) -> None:
        self._count(REQUEST, 1, "ChangeMessageVisibility", queue.name)
        self._inner.change_visibility(queue, receipt, visibility_seconds)

    def counts(self, queue: Queue) -> QueueCounts:
        self._count(REQUEST, 1, "GetQueueAttributes", queue.name)
        return self._inner.counts(queue)  # type: ignore[no-any-return]

    def purge(self, queue: Queue) -> None:
        self._count(REQUEST, 1, "PurgeQueue", queue.name)
        self._inner.purge(queue)
