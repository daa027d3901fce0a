"""Queues: messages that wait until a receiver has dealt with them, as SQS has them.

Guarantees that every adapter gives: a message that was taken is not lost; it is received at least once, and again each
time that its visibility ends before it was deleted; messages have no order. It is gone once it was deleted, or when
the queue's retention has passed since it was sent.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

import msgspec

from penstock.errors import ValidationError
from penstock.model.queues import VISIBILITY_LIMIT_SECONDS, Queue

# SQS can be told to take 1 MiB; Terraform's provider, in the version that deployments ask for, makes queues of this.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MESSAGE_LIMIT_BYTES = 256 * 1024
RECEIVE_LIMIT = 10
WAIT_LIMIT_SECONDS = 20
DELAY_LIMIT_SECONDS = 900
# SQS takes ten; one is the token's.
ATTRIBUTE_LIMIT = 9
KEY_ATTRIBUTE = "idempotency_key"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageAttributeValue.html
_ATTRIBUTE_NAME = re.compile(r"(?!(?i:aws|amazon)\.)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)


class QueueMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A received message.

    Attributes:
        receipt: by what this receipt of it is deleted; each receipt has its own.
        sent_at: when it was sent, in seconds since the epoch.
        receives: how many times it was received, this one included.
        attributes: what was sent beside the body, texts by name; the sender's token is ``idempotency_key``.
    """

    id: str
    body: str
    receipt: str
    sent_at: float
    receives: int
    attributes: dict[str, str] = {}


class QueueCounts(msgspec.Struct, frozen=True):
    """About how many messages a queue holds: waiting, received and not deleted, not due yet."""

    waiting: int
    in_flight: int
    delayed: int


class QueueStore(Protocol):
    """Queues of a home."""

    def send(
        self,
        queue: Queue,
        body: str,
        *,
        delay_seconds: int = 0,
        attributes: Mapping[str, str] | None = None,
        token: str = "",
    ) -> str:
        """Takes a message; returns its id.

        Args:
            delay_seconds: when it can first be received, from now; 900 at most.
            attributes: texts beside the body, nine at most.
            token: of one sending. A machine's queue takes a message with the same token once; SQS takes it again, and
                receivers can tell by the attribute ``idempotency_key``.

        Raises:
            ValidationError: no queue could take it: see ``check_message``.
            NotFoundError: there is no such queue.
        """
        ...

    def receive(
        self, queue: Queue, *, limit: int = RECEIVE_LIMIT, visibility_seconds: int | None = None, wait_seconds: int = 0
    ) -> list[QueueMessage]:
        """Returns up to ten messages, perhaps fewer than there are, and hides them from other receivers.

        Args:
            limit: 1 to 10.
            visibility_seconds: for how long they are hidden; what the queue says when absent. 12 hours at most.
            wait_seconds: how long to wait for a message where there is none; 20 at most.
        """
        ...

    def delete(self, queue: Queue, receipt: str) -> None:
        """Deletes a received message; one that is not there any more is none the worse.

        The receipt of a message that was received again since then may delete nothing.

        Raises:
            ValidationError: it is no receipt of this queue.
        """
        ...

    def change_visibility(self, queue: Queue, receipt: str, visibility_seconds: int) -> None:
        """Hides a received message for so long from now on; 0 gives it back at once.

        Raises:
            ConditionFailedError: the message is not hidden any more.
            ValidationError: it is no receipt of this queue, or the message would be hidden for more than 12 hours.
        """
        ...

    def counts(self, queue: Queue) -> QueueCounts:
        """Returns about how many messages there are."""
        ...

    def purge(self, queue: Queue) -> None:
        """Deletes every message. SQS takes up to a minute, and allows it once a minute."""
        ...


class ExpiringQueues(Protocol):
    """Queues of which a home itself deletes what is past its retention."""

    def expire(self) -> int:
        """Deletes messages past their retention, and old tokens; returns how many messages."""
        ...


def check_message(body: str, attributes: Mapping[str, str], delay_seconds: int = 0, token: str = "") -> None:
    """Checks that every home's queues can take a message, whose token counts as an attribute.

    Raises:
        ValidationError: it is empty or too long, holds what SQS does not carry, or is delayed for too long.
    """
    mistake = _body_mistake(body) or _attribute_mistake(attributes)
    sent = {**attributes, KEY_ATTRIBUTE: token} if token else attributes
    size = size_bytes(body, sent) if not mistake else 0
    if size > MESSAGE_LIMIT_BYTES:
        mistake = f"has {size} bytes, {MESSAGE_LIMIT_BYTES} are possible"
    elif not 0 <= delay_seconds <= DELAY_LIMIT_SECONDS:
        mistake = f"is to wait for {delay_seconds} s, 0 to {DELAY_LIMIT_SECONDS} are possible"
    if mistake:
        raise ValidationError(
            f"the message {mistake}", hint="put large content into the lake, and its key into the message"
        )


def check_receive(limit: int, visibility_seconds: int | None, wait_seconds: int) -> None:
    """Raises ValidationError when messages cannot be received like this."""
    for name, value, least, most in (
        ("limit", limit, 1, RECEIVE_LIMIT),
        ("visibility_seconds", visibility_seconds or 0, 0, VISIBILITY_LIMIT_SECONDS),
        ("wait_seconds", wait_seconds, 0, WAIT_LIMIT_SECONDS),
    ):
        if not least <= value <= most:
            raise ValidationError(f"{name} cannot be {value}", hint=f"it is {least} to {most}")


def size_bytes(body: str, attributes: Mapping[str, str]) -> int:
    """Returns how long a message is: its body, and the names, types and values of its attributes."""
    return len(body.encode()) + sum(
        len(name.encode()) + len("String") + len(value.encode()) for name, value in attributes.items()
    )


def _body_mistake(body: str) -> str:
    if not body:
        return "is empty"
    found = _FORBIDDEN.search(body)
    return f"holds {found[0]!r}, which no queue carries" if found else ""


def _attribute_mistake(attributes: Mapping[str, str]) -> str:
    if len(attributes) > ATTRIBUTE_LIMIT:
        return f"has {len(attributes)} attributes, {ATTRIBUTE_LIMIT} are possible"
    for name, value in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name) or len(name) > 256 or name == KEY_ATTRIBUTE:
            return f"has an attribute {name!r}, which is no name for one"
        if not isinstance(value, str) or _body_mistake(value):
            return f"has an attribute {name!r} that is no text, or an empty one"
    return ""
