"""Queues: messages that wait until somebody has dealt with them. SQS's model of a standard queue."""

from __future__ import annotations

import msgspec

from penstock.model.access import Grant, Kind, QueueAction

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
VISIBILITY_LIMIT_SECONDS = 12 * 3600
RETAIN_SECONDS = (60, 14 * 86_400)
DEFAULT_VISIBILITY_SECONDS = 30
DEFAULT_RETAIN_SECONDS = 4 * 86_400


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A standard queue: at least once, in no order.

    Attributes:
        visibility_seconds: for how long a received message is hidden from other receivers, unless they ask otherwise;
            one that is not deleted by then comes again.
        retain_seconds: when a message that nobody deletes is gone.
    """

    name: str
    visibility_seconds: int = DEFAULT_VISIBILITY_SECONDS
    retain_seconds: int = DEFAULT_RETAIN_SECONDS
    place: str = ""

    @property
    def send(self) -> Grant:
        return Grant(Kind.QUEUE, self.name, QueueAction.SEND)

    @property
    def receive(self) -> Grant:
        return Grant(Kind.QUEUE, self.name, QueueAction.RECEIVE)
