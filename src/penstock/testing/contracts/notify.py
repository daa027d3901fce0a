"""What every notification channel and every outbox guarantees, as tests.

Subclass a suite, give it its fixture, and run it with pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
import pytest

from penstock.errors import DeliveryError
from penstock.ports.notify import Channel, Message, OutboxStore


def a_message(number: int = 1, **changes: object) -> Message:
    """Returns a message whose every field is told apart from the others."""
    message = Message(
        id=f"alarm-{number}",
        topic="alerts",
        subject=f"ALARM {number}: HighCPUUtilization",
        body="Threshold Crossed: 2 datapoints were greater than 80.0.\nLook at web-1.",
        data={"AlarmName": "HighCPUUtilization", "Threshold": 80.0},
        severity="CRITICAL",
        created_at=1_771_574_220.0,
    )
    return msgspec.structs.replace(message, **changes)


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A message as its receiver got it. ``id`` is None where the medium has no place for one."""

    subject: str
    body: str
    id: str | None = None


class ChannelUnderTest(msgspec.Struct, kw_only=True):
    """A channel and the far side of it.

    Attributes:
        endpoint: one that works.
        unusable_endpoint: one that can never work, if there is any.
        received: returns what has arrived at ``endpoint``, oldest first.
        cut: makes the far side unreachable.
    """

    channel: Channel
    endpoint: str
    unusable_endpoint: str = ""
    received: Callable[[], list[Received]]
    cut: Callable[[], None]


class ChannelContract:
    """The guarantees of :class:`penstock.ports.notify.Channel`."""

    carries_id: ClassVar[bool] = True
    """False for media without a place for a message id."""

    @pytest.fixture
    def subject(self) -> ChannelUnderTest:
        raise NotImplementedError("give the channel under test")

    def test_a_delivered_message_has_arrived(self, subject: ChannelUnderTest) -> None:
        subject.channel.deliver(a_message(), subject.endpoint)
        (received,) = subject.received()
        assert received.subject == "ALARM 1: HighCPUUtilization"
        lines = [line.strip() for line in received.body.strip().splitlines()]
        assert lines == ["Threshold Crossed: 2 datapoints were greater than 80.0.", "Look at web-1."]

    def test_messages_arrive_one_by_one(self, subject: ChannelUnderTest) -> None:
        for number in (1, 2, 3):
            subject.channel.deliver(a_message(number), subject.endpoint)
        subjects = [received.subject for received in subject.received()]
        assert sorted(subjects) == [f"ALARM {number}: HighCPUUtilization" for number in (1, 2, 3)]

    def test_a_second_copy_is_allowed_and_can_be_told(self, subject: ChannelUnderTest) -> None:
        subject.channel.deliver(a_message(), subject.endpoint)
        subject.channel.deliver(a_message(), subject.endpoint)
        ids = {received.id for received in subject.received()}
        assert len(ids) == 1
        assert (ids != {None}) == self.carries_id

    def test_line_breaks_in_the_subject_change_nothing_else(self, subject: ChannelUnderTest) -> None:
        hostile = a_message(subject="CPU\r\nBcc: everyone@example.com\r\n\r\nhigh\x1b[2J")
        subject.channel.deliver(hostile, subject.endpoint)
        (received,) = subject.received()
        assert received.body.strip().startswith("Threshold Crossed")


class RefusingChannelContract(ChannelContract):
    """For channels that have endpoints which can never work."""

    def test_an_endpoint_that_can_never_work_is_a_permanent_failure(self, subject: ChannelUnderTest) -> None:
        with pytest.raises(DeliveryError) as caught:
            subject.channel.deliver(a_message(), subject.unusable_endpoint)
        assert caught.value.data["permanent"] is True
        assert subject.received() == []


class OutboxContract:
    """The guarantees of :class:`penstock.ports.notify.OutboxStore`: a queue with leases, retries and dead letters."""

    deduplicates: ClassVar[bool] = True
    """False for queues that take one message id twice (Amazon SQS standard queues)."""

    @pytest.fixture
    def outbox(self) -> OutboxStore:
        raise NotImplementedError("give the outbox under test")

    def test_one_delivery_an_endpoint(self, outbox: OutboxStore) -> None:
        message = a_message(created_at=100.0)
        assert outbox.enqueue(message, ["console:", "mailto:ops@example.com"]) == 2
        claimed = outbox.claim(100.0, limit=10)
        assert sorted(delivery.endpoint for delivery in claimed) == ["console:", "mailto:ops@example.com"]
        assert [delivery.message for delivery in claimed] == [message, message]
        assert [delivery.attempts for delivery in claimed] == [1, 1]

    def test_a_message_id_is_stored_once(self, outbox: OutboxStore) -> None:
        if not self.deduplicates:
            pytest.skip("this queue takes one message id twice")
        outbox.enqueue(a_message(), ["console:"])
        assert outbox.enqueue(a_message(body="changed"), ["console:", "file:"]) == 1
        assert outbox.counts()["pending"] == 2

    def test_a_claimed_delivery_is_hidden_until_its_lease_ends(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["console:"])
        assert len(outbox.claim(100.0, lease_seconds=60.0)) == 1
        assert outbox.claim(159.0) == []
        (again,) = outbox.claim(160.0)
        assert again.attempts == 2

    def test_a_delivered_message_never_comes_back(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["console:"])
        (delivery,) = outbox.claim(100.0)
        outbox.delivered(delivery, 101.0)
        assert outbox.claim(1e12) == []
        assert outbox.counts() == {"pending": 0, "delivered": 1, "dead": 0}

    def test_a_failed_delivery_comes_back_when_it_is_due(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["console:"])
        (delivery,) = outbox.claim(100.0)
        assert outbox.failed(delivery, "no route", 130.0)
        assert outbox.next_due_at() == 130.0
        assert outbox.claim(129.9) == []
        (again,) = outbox.claim(130.0)
        assert (again.attempts, again.error) == (2, "no route")

    def test_a_dead_letter_waits_for_a_person(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["console:"])
        (delivery,) = outbox.claim(100.0)
        outbox.failed(delivery, "550 unknown", None)
        assert outbox.claim(1e12) == []
        assert outbox.next_due_at() is None
        (dead,) = outbox.rows("dead")
        assert dead.error == "550 unknown"
        assert outbox.retry_dead([dead.id], 200.0) == 1
        (again,) = outbox.claim(200.0)
        assert again.attempts == 1

    def test_all_dead_letters_can_be_retried_at_once(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["console:", "file:"])
        for delivery in outbox.claim(100.0, limit=2):
            outbox.failed(delivery, "broken", None)
        assert outbox.retry_dead(None, 200.0) == 2
        assert outbox.counts() == {"pending": 2, "delivered": 0, "dead": 0}

    def test_a_late_failure_does_not_touch_the_new_holders_claim(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["console:"])
        (slow,) = outbox.claim(100.0, lease_seconds=10.0)
        (quick,) = outbox.claim(110.0, lease_seconds=10.0)
        assert outbox.failed(slow, "too late", None) is False
        outbox.delivered(quick, 111.0)
        assert outbox.counts()["delivered"] == 1

    def test_a_late_success_counts(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["console:"])
        (slow,) = outbox.claim(100.0, lease_seconds=10.0)
        outbox.claim(110.0, lease_seconds=10.0)
        outbox.delivered(slow, 112.0)
        assert outbox.claim(1e12) == []

    def test_schemes_can_be_left_out(self, outbox: OutboxStore) -> None:
        outbox.enqueue(a_message(created_at=100.0), ["mailto:ops@example.com", "slack://x", "console:"])
        claimed = outbox.claim(100.0, limit=10, except_schemes=["mailto", "slack"])
        assert [delivery.endpoint for delivery in claimed] == ["console:"]
        assert outbox.next_due_at(except_schemes=["mailto", "slack", "console"]) is None

    def test_the_longest_due_comes_first(self, outbox: OutboxStore) -> None:
        for number, created_at in ((1, 300.0), (2, 100.0), (3, 200.0)):
            outbox.enqueue(a_message(number, created_at=created_at), ["console:"])
        claimed = outbox.claim(300.0, limit=2)
        assert [delivery.message.id for delivery in claimed] == ["alarm-2", "alarm-3"]

    def test_rows_are_newest_first(self, outbox: OutboxStore) -> None:
        for number in (1, 2, 3):
            outbox.enqueue(a_message(number), ["console:"])
        assert [row.message.id for row in outbox.rows(limit=2)] == ["alarm-3", "alarm-2"]
