"""Queues of SQS: those of a pipeline, and one by its URL, such as that of the dead letters.

Standard queues deliver at least once and in no order.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from penstock.adapters.aws.batches import batches
from penstock.adapters.aws.session import ATTEMPTS, calling, client
from penstock.errors import ConditionFailedError, PortError, ThrottledError, UsageError, ValidationError
from penstock.model.queues import Queue
from penstock.ports.queues import (
    KEY_ATTRIBUTE,
    MESSAGE_LIMIT_BYTES,
    RECEIVE_LIMIT,
    QueueCounts,
    QueueMessage,
    check_message,
    check_receive,
)

BATCH_LIMIT = 10
# Of a whole batch. Queues can be set to take more; none takes less unless it is told to.
BATCH_LIMIT_BYTES = MESSAGE_LIMIT_BYTES
LONG_POLL_SECONDS = 20
BACKOFF_SECONDS = 0.05


class SqsQueueStore:
    """Queues of SQS, by their names in the definition.

    A standard queue takes a repeated token again: receivers tell by the attribute ``idempotency_key``.

    Args:
        urls: of each queue, by its name in the definition.
    """

    def __init__(self, urls: Mapping[str, str], *, region: str | None = None) -> None:
        self._urls = dict(urls)
        self._region = region
        self._client = client("sqs", region=region)
        self._queues: dict[str, SqsQueue] = {}

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
        if token:
            given[KEY_ATTRIBUTE] = token
        with calling(f"send to queue {queue.name}"):
            answer = self._client.send_message(
                QueueUrl=self._url(queue),
                MessageBody=body,
                DelaySeconds=delay_seconds,
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in given.items()},
            )
        return str(answer["MessageId"])

    def receive(
        self, queue: Queue, *, limit: int = RECEIVE_LIMIT, visibility_seconds: int | None = None, wait_seconds: int = 0
    ) -> list[QueueMessage]:
        check_receive(limit, visibility_seconds, wait_seconds)
        return self._queue(queue).receive(limit, wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)

    def delete(self, queue: Queue, receipt: str) -> None:
        with calling(f"delete from queue {queue.name}"):
            self._client.delete_message(QueueUrl=self._url(queue), ReceiptHandle=receipt)

    def change_visibility(self, queue: Queue, receipt: str, visibility_seconds: int) -> None:
        try:
            self._queue(queue).change_visibility(receipt, visibility_seconds)
        except PortError as error:
            if not str(error.data.get("aws_code", "")).endswith("MessageNotInflight"):
                raise
            raise ConditionFailedError(
                f"a message of queue {queue.name!r} is not hidden any more",
                hint="receive it again; give it a longer visibility",
            ) from error

    def counts(self, queue: Queue) -> QueueCounts:
        return self._queue(queue).counts()

    def purge(self, queue: Queue) -> None:
        with calling(f"purge queue {queue.name}"):
            self._client.purge_queue(QueueUrl=self._url(queue))

    def _url(self, queue: Queue) -> str:
        url = self._urls.get(queue.name)
        if url is None:
            raise UsageError(f"queue {queue.name!r} has no URL here", hint="grant it in may=[…], then deploy again")
        return url

    def _queue(self, queue: Queue) -> SqsQueue:
        if queue.name not in self._queues:
            self._queues[queue.name] = SqsQueue(self._url(queue), region=self._region)
        return self._queues[queue.name]


class SqsQueue:
    """One queue, by its URL."""

    def __init__(self, url: str, *, region: str | None = None) -> None:
        self._url = url
        self._client = client("sqs", region=region)

    def send(self, bodies: Iterable[str]) -> None:
        """Sends messages, ten a request; what a request left out is sent again.

        Raises:
            ValidationError: the queue refuses a message; the batches before it, and others of its own, were sent.
            ThrottledError: messages are left over after several attempts; the others were sent.
        """
        for batch in batches(bodies, _size_bytes, limit=BATCH_LIMIT, limit_bytes=BATCH_LIMIT_BYTES):
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
            self._in_batch("send to", self._client.send_message_batch, entries)

    def receive(
        self, limit: int = BATCH_LIMIT, *, wait_seconds: int = LONG_POLL_SECONDS, visibility_seconds: int | None = None
    ) -> list[QueueMessage]:
        """Returns up to ten messages; none if none came while it waited.

        Args:
            visibility_seconds: how long they are hidden from other receivers; by default what the queue is set to.
        """
        hidden = {} if visibility_seconds is None else {"VisibilityTimeout": visibility_seconds}
        with calling(f"receive from {self._url}"):
            found = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(limit, BATCH_LIMIT),
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                MessageAttributeNames=["All"],
                **hidden,
            )
        return [_message(one) for one in found.get("Messages", ())]

    def delete(self, receipts: Sequence[str]) -> None:
        """Deletes received messages. Raises ValidationError when a receipt is none of this queue."""
        for start in range(0, len(receipts), BATCH_LIMIT):
            batch = receipts[start : start + BATCH_LIMIT]
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(batch)]
            self._in_batch("delete from", self._client.delete_message_batch, entries)

    def change_visibility(self, receipt: str, seconds: int) -> None:
        """Hides a received message for so long from now on; 0 gives it back at once."""
        with calling(f"change the visibility of a message of {self._url}"):
            self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def counts(self) -> QueueCounts:
        """Returns about how many messages there are. Raises NotFoundError."""
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        with calling(f"count the messages of {self._url}"):
            found = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]
        return QueueCounts(*(int(found[name]) for name in names))

    def redrive(self, to: SqsQueue, *, limit: int | None = None) -> int:
        """Moves messages that are waiting to another queue; returns how many.

        Each is sent before it is deleted: one that this is interrupted at is in both. The service's own redrive serves
        only dead letters that come from queues, not those of functions, rules and schedules.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
        """
        moved = 0
        while limit is None or moved < limit:
            found = self.receive(BATCH_LIMIT if limit is None else limit - moved, wait_seconds=1)
            if not found:
                break
            to.send([message.body for message in found])
            self.delete([message.receipt for message in found])
            moved += len(found)
        return moved

    def _in_batch(self, what: str, call: Callable[..., dict[str, Any]], entries: list[dict[str, str]]) -> None:
        for attempt in range(ATTEMPTS):
            time.sleep(BACKOFF_SECONDS * (2**attempt - 1))
            with calling(f"{what} {self._url}"):
                failed = call(QueueUrl=self._url, Entries=entries).get("Failed", ())
            if not failed:
                return
            for one in failed:
                if one["SenderFault"]:
                    raise ValidationError(
                        f"cannot {what} {self._url}: {one['Code']}: {one.get('Message', '')}",
                        hint="see the message",
                        aws_code=one["Code"],
                    )
            left = {one["Id"] for one in failed}
            entries = [entry for entry in entries if entry["Id"] in left]
        raise ThrottledError(
            f"cannot {what} {self._url}: {len(entries)} messages are left over", hint="try again later"
        )


def _size_bytes(body: str) -> int:
    return len(body.encode())


def _message(found: dict[str, Any]) -> QueueMessage:
    return QueueMessage(
        id=found["MessageId"],
        body=found["Body"],
        receipt=found["ReceiptHandle"],
        sent_at=int(found["Attributes"]["SentTimestamp"]) / 1000,
        receives=int(found["Attributes"]["ApproximateReceiveCount"]),
        attributes={name: one.get("StringValue", "") for name, one in found.get("MessageAttributes", {}).items()},
    )
