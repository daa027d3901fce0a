"""What every queue promises: at least once, hidden while somebody deals with it, gone once it was deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
import pytest

from penstock.errors import ConditionFailedError, NotFoundError, ValidationError
from penstock.model.queues import Queue
from penstock.ports.queues import MESSAGE_LIMIT_BYTES, QueueCounts, QueueMessage, QueueStore

JOBS = Queue(name="jobs")


class QueuesUnderTest(msgspec.Struct, kw_only=True):
    """A home's queues, of which ``jobs`` and ``other`` are there and empty.

    Attributes:
        pass_time: makes so many seconds pass.
    """

    store: QueueStore
    pass_time: Callable[[float], None]

    def drain(self, queue: Queue = JOBS) -> list[QueueMessage]:
        """Takes everything out of a queue that can be received; a receiver may get fewer messages than there are."""
        found: list[QueueMessage] = []
        empty = 0
        while empty < 3:
            batch = self.store.receive(queue, wait_seconds=0)
            empty = 0 if batch else empty + 1
            for message in batch:
                self.store.delete(queue, message.receipt)
            found += batch
        return found


class QueueStoreContract:
    """Subclass it with a ``subject`` fixture."""

    deduplicates: ClassVar[bool] = True
    """False for queues that take one token twice (Amazon SQS standard queues)."""
    knows_its_queues: ClassVar[bool] = True
    """False where a queue needs not be made before it is used (a machine)."""

    @pytest.fixture
    def subject(self) -> QueuesUnderTest:
        raise NotImplementedError("give the queues under test")

    def test_what_was_sent_is_received_as_it_was(self, subject: QueuesUnderTest) -> None:
        body = '{"text": "gr\u00fc\u00df\u4f60\U0001f600\\u0000", "lines": "a\tb\r\nc"}'
        sent = subject.store.send(JOBS, body, attributes={"kind": "order", "X-Trace.id": "1 2"})
        (message,) = subject.store.receive(JOBS)
        assert (message.id, message.body, message.receives) == (sent, body, 1)
        assert message.attributes == {"kind": "order", "X-Trace.id": "1 2"}

    def test_each_message_is_received_and_once_deleted_it_is_gone(self, subject: QueuesUnderTest) -> None:
        sent = {subject.store.send(JOBS, f"message {number}") for number in range(23)}
        assert len(sent) == 23
        received = subject.drain()
        assert {message.id for message in received} == sent
        assert {message.body for message in received} == {f"message {number}" for number in range(23)}
        assert subject.store.counts(JOBS) == QueueCounts(0, 0, 0)

    def test_a_receiver_gets_no_more_than_it_asks_for(self, subject: QueuesUnderTest) -> None:
        for number in range(5):
            subject.store.send(JOBS, str(number))
        assert 1 <= len(subject.store.receive(JOBS, limit=2)) <= 2

    def test_a_received_message_is_hidden_until_its_visibility_ends(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "a")
        (first,) = subject.store.receive(JOBS, visibility_seconds=1)
        assert subject.store.receive(JOBS) == []
        subject.pass_time(1.2)
        (second,) = subject.store.receive(JOBS)
        assert (second.id, second.receives, second.sent_at) == (first.id, 2, first.sent_at)
        assert second.receipt != first.receipt

    def test_the_queue_says_how_long_a_message_is_hidden(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "a")
        subject.store.receive(JOBS)
        subject.pass_time(1.2)
        assert subject.store.receive(JOBS) == []

    def test_a_message_can_be_given_back_at_once(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "a")
        (message,) = subject.store.receive(JOBS)
        subject.store.change_visibility(JOBS, message.receipt, 0)
        (again,) = subject.store.receive(JOBS)
        assert again.id == message.id

    def test_a_message_can_be_kept_for_longer(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "a")
        (message,) = subject.store.receive(JOBS, visibility_seconds=1)
        subject.store.change_visibility(JOBS, message.receipt, 600)
        subject.pass_time(1.2)
        assert subject.store.receive(JOBS) == []

    def test_a_message_that_is_not_hidden_any_more_cannot_be_kept(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "a")
        (message,) = subject.store.receive(JOBS, visibility_seconds=1)
        subject.pass_time(1.2)
        with pytest.raises(ConditionFailedError):
            subject.store.change_visibility(JOBS, message.receipt, 600)

    def test_deleting_twice_is_no_error(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "a")
        (message,) = subject.store.receive(JOBS)
        subject.store.delete(JOBS, message.receipt)
        subject.store.delete(JOBS, message.receipt)
        assert subject.store.counts(JOBS) == QueueCounts(0, 0, 0)

    def test_a_delayed_message_waits(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "later", delay_seconds=1)
        assert subject.store.receive(JOBS) == []
        assert subject.store.counts(JOBS) == QueueCounts(0, 0, 1)
        subject.pass_time(1.2)
        assert [message.body for message in subject.store.receive(JOBS)] == ["later"]

    def test_messages_are_counted(self, subject: QueuesUnderTest) -> None:
        for body in ("a", "b", "c"):
            subject.store.send(JOBS, body)
        subject.store.receive(JOBS, limit=1)
        assert subject.store.counts(JOBS) == QueueCounts(2, 1, 0)

    def test_queues_do_not_mix(self, subject: QueuesUnderTest) -> None:
        other = Queue(name="other")
        subject.store.send(JOBS, "for jobs", token="same")
        subject.store.send(other, "for others", token="same")
        assert [message.body for message in subject.drain(other)] == ["for others"]
        assert [message.body for message in subject.drain()] == ["for jobs"]

    def test_a_token_tells_a_repeated_message(self, subject: QueuesUnderTest) -> None:
        first = subject.store.send(JOBS, "a", token="step-1")
        (message,) = subject.drain()
        second = subject.store.send(JOBS, "a", token="step-1")
        again = subject.drain()
        assert message.attributes["idempotency_key"] == "step-1"
        if self.deduplicates:
            assert (second, again) == (first, [])
        else:
            assert again[0].attributes["idempotency_key"] == "step-1"

    def test_a_purged_queue_is_empty(self, subject: QueuesUnderTest) -> None:
        subject.store.send(JOBS, "a")
        subject.store.receive(JOBS)
        subject.store.send(JOBS, "b")
        subject.store.purge(JOBS)
        assert subject.store.counts(JOBS) == QueueCounts(0, 0, 0)

    def test_the_longest_message_is_taken_and_no_longer_one(self, subject: QueuesUnderTest) -> None:
        longest = "x" * (MESSAGE_LIMIT_BYTES - len("a") - len("String") - len("b"))
        subject.store.send(JOBS, longest, attributes={"a": "b"})
        with pytest.raises(ValidationError):
            subject.store.send(JOBS, longest + "x", attributes={"a": "b"})
        assert [len(message.body) for message in subject.drain()] == [len(longest)]

    def test_the_token_is_part_of_the_message(self, subject: QueuesUnderTest) -> None:
        room = MESSAGE_LIMIT_BYTES - len("idempotency_key") - len("String") - len("step-1")
        subject.store.send(JOBS, "x" * room, token="step-1")
        with pytest.raises(ValidationError):
            subject.store.send(JOBS, "x" * (room + 1), token="step-2")

    @pytest.mark.parametrize(
        ("body", "attributes", "delay_seconds"),
        [
            ("", {}, 0),
            ("\x00", {}, 0),
            ("\x1b[2J", {}, 0),
            ("\ufffe", {}, 0),
            ("\ud800", {}, 0),
            ("a", {}, 901),
            ("a", {}, -1),
            ("a", {"": "b"}, 0),
            ("a", {"AWS.x": "b"}, 0),
            ("a", {".x": "b"}, 0),
            ("a", {"a..b": "b"}, 0),
            ("a", {"k": ""}, 0),
            ("a", {f"k{number}": "v" for number in range(10)}, 0),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_what_no_queue_takes_is_refused(
        self, subject: QueuesUnderTest, body: str, attributes: dict[str, str], delay_seconds: int
    ) -> None:
        with pytest.raises(ValidationError):
            subject.store.send(JOBS, body, attributes=attributes, delay_seconds=delay_seconds)
        assert subject.store.receive(JOBS) == []

    @pytest.mark.parametrize(
        "asked", [{"limit": 0}, {"limit": 11}, {"visibility_seconds": 43_201}, {"wait_seconds": 21}], ids=str
    )
    def test_what_cannot_be_asked_for_is_refused(self, subject: QueuesUnderTest, asked: dict[str, int]) -> None:
        with pytest.raises(ValidationError):
            subject.store.receive(JOBS, **asked)

    def test_what_is_no_receipt_is_refused(self, subject: QueuesUnderTest) -> None:
        with pytest.raises(ValidationError):
            subject.store.delete(JOBS, "nonsense")

    def test_a_queue_that_is_not_there_is_told(self, subject: QueuesUnderTest) -> None:
        if not self.knows_its_queues:
            pytest.skip("a machine makes a queue of any name")
        with pytest.raises(NotFoundError):
            subject.store.send(Queue(name="absent"), "a")
