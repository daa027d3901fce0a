"""Queues in SQS, on moto."""

import json

import pytest

from penstock.adapters.aws.queues import QueueCounts, SqsQueue
from penstock.adapters.aws.session import client
from penstock.errors import NotFoundError, ValidationError


def make(name: str, **attributes: str) -> str:
    return str(client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


@pytest.fixture
def queue(aws: str) -> SqsQueue:
    return SqsQueue(make("work"))


def bodies(queue: SqsQueue) -> list[str]:
    """Takes everything out of a queue."""
    found = []
    while batch := queue.receive(wait_seconds=0):
        found += [message.body for message in batch]
        queue.delete([message.receipt for message in batch])
    return sorted(found)


def test_more_messages_than_a_batch_holds(queue: SqsQueue) -> None:
    sent = [f"message {number:02}" for number in range(23)]
    queue.send(sent)
    assert queue.counts() == QueueCounts(23, 0, 0)
    assert bodies(queue) == sent
    assert queue.counts() == QueueCounts(0, 0, 0)


def test_a_received_message_is_hidden_until_it_is_given_back(queue: SqsQueue) -> None:
    queue.send(["a"])
    (first,) = queue.receive(wait_seconds=0, visibility_seconds=600)
    assert (first.body, first.receives) == ("a", 1)
    assert queue.receive(wait_seconds=0) == []
    assert queue.counts() == QueueCounts(0, 1, 0)
    queue.change_visibility(first.receipt, 0)
    (second,) = queue.receive(wait_seconds=0)
    assert (second.id, second.receives) == (first.id, 2)
    assert second.sent_at == first.sent_at


def test_dead_letters_are_sent_through_again(queue: SqsQueue) -> None:
    dead = SqsQueue(make("dead"))
    dead.send([f"{number:02}" for number in range(25)])
    assert dead.redrive(queue, limit=12) == 12
    assert (dead.counts().waiting, queue.counts().waiting) == (13, 12)
    assert dead.redrive(queue) == 13
    assert bodies(queue) == [f"{number:02}" for number in range(25)]
    assert bodies(dead) == []


def test_what_fails_too_often_becomes_a_dead_letter(aws: str) -> None:
    dead = SqsQueue(make("dead"))
    target = client("sqs").get_queue_attributes(QueueUrl=make("dead"), AttributeNames=["QueueArn"])["Attributes"]
    policy = {"deadLetterTargetArn": target["QueueArn"], "maxReceiveCount": "1"}
    queue = SqsQueue(make("work", RedrivePolicy=json.dumps(policy)))
    queue.send(["a"])
    (message,) = queue.receive(wait_seconds=0)
    queue.change_visibility(message.receipt, 0)
    assert queue.receive(wait_seconds=0) == []
    assert bodies(dead) == ["a"]


def test_what_is_no_message_is_refused(queue: SqsQueue) -> None:
    with pytest.raises(ValidationError, match="send to"):
        queue.send(["x" * 1_100_000])
    with pytest.raises(ValidationError):
        queue.delete(["no receipt"])


def test_a_queue_that_is_not_there(queue: SqsQueue, aws: str) -> None:
    gone = SqsQueue(f"{aws}/123456789012/gone")
    for ask in (gone.counts, lambda: gone.receive(wait_seconds=0), lambda: gone.send(["a"])):
        with pytest.raises(NotFoundError, match="gone"):
            ask()
