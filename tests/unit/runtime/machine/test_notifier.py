"""The notifier: what becomes of successes, failures, slow channels and crashes."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock import faultpoints
from penstock.adapters.local.database import Database
from penstock.adapters.local.outbox import MIGRATION, Outbox
from penstock.errors import DeliveryError, NotFoundError
from penstock.ports.notify import Message
from penstock.runtime.machine.notifier import Notifier, backoff_seconds
from penstock.testing.contracts.notify import a_message


class ManualClock:
    def __init__(self, now: float = 1000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class ScriptedChannel:
    """Fails with the given errors in turn, then delivers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.delivered: list[tuple[str, str]] = []
        self.threads: set[str] = set()

    def deliver(self, message: Message, endpoint: str) -> None:
        self.threads.add(threading.current_thread().name)
        if self.failures:
            raise self.failures.pop(0)
        self.delivered.append((message.id, endpoint))


class HighestChance(random.Random):
    """Draws the upper end of every range."""

    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    database = Database(tmp_path / "journal.db", [MIGRATION])
    yield Outbox(database)
    database.close()
    faultpoints.disarm()


def enqueue(outbox: Outbox, *endpoints: str, number: int = 1) -> None:
    outbox.enqueue(a_message(number, created_at=1000.0), endpoints)


def test_backoff_is_drawn_below_an_exponential_limit() -> None:
    limits = [backoff_seconds(attempts, HighestChance()) for attempts in range(1, 8)]
    assert limits == [30, 120, 480, 1920, 7680, 30720, 122880]
    # Full jitter halves them on average: eight attempts take 81 915 s, just under a day.
    assert sum(limits) / 2 == 81915
    drawn = [backoff_seconds(1, random.Random(seed)) for seed in range(200)]
    assert 0 <= min(drawn) < 3
    assert 27 < max(drawn) <= 30


def test_everything_due_is_delivered_once(outbox: Outbox) -> None:
    enqueue(outbox, "console:", "file:", "slack://a", "slack://b", "mailto:ops@example.com")
    channel = ScriptedChannel()
    notifier = Notifier(outbox, lambda _: channel, ManualClock())
    assert notifier.deliver_due() == 5
    assert notifier.deliver_due() == 0
    assert sorted(endpoint for _, endpoint in channel.delivered) == [
        "console:", "file:", "mailto:ops@example.com", "slack://a", "slack://b",
    ]  # fmt: skip
    assert outbox.rows("delivered")[0].delivered_at == 1000.0


def test_one_lane_delivers_in_the_callers_thread(outbox: Outbox) -> None:
    enqueue(outbox, "console:", "file:")
    channel = ScriptedChannel()
    assert Notifier(outbox, lambda _: channel, ManualClock(), lanes=1).deliver_due() == 2
    assert channel.threads == {threading.current_thread().name}
    assert [endpoint for _, endpoint in channel.delivered] == ["console:", "file:"]


def test_a_passing_failure_is_retried_when_the_backoff_is_over(outbox: Outbox) -> None:
    enqueue(outbox, "console:")
    clock = ManualClock()
    channel = ScriptedChannel(DeliveryError("no route", hint="plug it in", permanent=False))
    notifier = Notifier(outbox, {"console": channel}, clock, chance=HighestChance())
    assert notifier.deliver_due() == 0
    (row,) = outbox.rows("pending")
    assert (row.due_at, row.error) == (1030.0, "no route (plug it in)")
    clock.time = 1029.0
    assert notifier.deliver_due() == 0
    clock.time = 1030.0
    assert notifier.deliver_due() == 1


def test_a_permanent_failure_is_a_dead_letter_at_once(outbox: Outbox) -> None:
    enqueue(outbox, "console:")
    channel = ScriptedChannel(DeliveryError("550 unknown", permanent=True))
    Notifier(outbox, {"console": channel}, ManualClock()).deliver_due()
    (dead,) = outbox.rows("dead")
    assert (dead.attempts, dead.error) == (1, "550 unknown")


def test_eight_failures_make_a_dead_letter_after_a_day(outbox: Outbox) -> None:
    enqueue(outbox, "console:")
    clock = ManualClock()
    channel = ScriptedChannel(*[DeliveryError(f"failure {number}", permanent=False) for number in range(1, 10)])
    notifier = Notifier(outbox, {"console": channel}, clock, chance=HighestChance())
    while (due_at := outbox.next_due_at()) is not None:
        clock.time = due_at
        notifier.deliver_due()
    (dead,) = outbox.rows("dead")
    assert (dead.attempts, dead.error) == (8, "failure 8")
    assert clock.time == 1000.0 + 30 + 120 + 480 + 1920 + 7680 + 30720 + 122880


def test_an_unexpected_error_is_told_by_its_type_only(outbox: Outbox) -> None:
    enqueue(outbox, "slack://${TOKEN}")
    channel = ScriptedChannel(KeyError("xoxb-secret"))
    Notifier(outbox, {"slack": channel}, ManualClock()).deliver_due()
    (row,) = outbox.rows("pending")
    assert row.error == "slack://${TOKEN}: KeyError while sending"


def test_an_error_without_a_verdict_is_retried(outbox: Outbox) -> None:
    enqueue(outbox, "console:")
    channel = ScriptedChannel(NotFoundError("secret TOKEN is not set", hint="set it"))
    Notifier(outbox, {"console": channel}, ManualClock()).deliver_due()
    assert outbox.rows("pending")[0].error == "secret TOKEN is not set (set it)"


def test_a_scheme_without_a_channel_waits_for_one(outbox: Outbox) -> None:
    enqueue(outbox, "mailto:ops@example.com")
    Notifier(outbox, {}, ManualClock()).deliver_due()
    assert outbox.rows("pending")[0].error == "no channel delivers to mailto:ops@example.com"


def test_a_message_that_kills_every_process_is_given_up(outbox: Outbox) -> None:
    enqueue(outbox, "console:")
    for attempt in range(8):
        assert outbox.claim(1000.0 + 200 * attempt, lease_seconds=100)
    channel = ScriptedChannel()
    Notifier(outbox, {"console": channel}, ManualClock(9999.0)).deliver_due()
    assert channel.delivered == []
    assert "8 attempts" in (outbox.rows("dead")[0].error or "")


@pytest.mark.parametrize(
    ("point", "sent_by_then"),
    [("notifier.before_deliver", 0), ("notifier.after_deliver", 1), ("notifier.before_mark", 1)],
)
def test_a_crash_loses_nothing(outbox: Outbox, point: str, sent_by_then: int) -> None:
    enqueue(outbox, "console:")
    clock = ManualClock()
    channel = ScriptedChannel()
    notifier = Notifier(outbox, {"console": channel}, clock, lease_seconds=60.0)
    faultpoints.arm(point, "raise")
    with pytest.raises(RuntimeError, match=point):
        notifier.deliver_due()
    assert len(channel.delivered) == sent_by_then
    assert notifier.deliver_due() == 0
    clock.time += 60.0
    assert notifier.deliver_due() == 1
    assert channel.delivered == [("alarm-1", "console:")] * (sent_by_then + 1)


class BlockedChannel:
    """Blocks every delivery until it is released."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def deliver(self, message: Message, endpoint: str) -> None:
        self.entered.set()
        assert self.released.wait(20)


class SignallingChannel:
    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.count = 0
        self.complete = threading.Event()

    def deliver(self, message: Message, endpoint: str) -> None:
        self.count += 1
        if self.count == self.expected:
            self.complete.set()


def test_a_slow_channel_holds_up_no_other(outbox: Outbox) -> None:
    for number in range(5):
        enqueue(outbox, "mailto:ops@example.com", "console:", number=number)
    slow, quick, stop = BlockedChannel(), SignallingChannel(5), threading.Event()
    notifier = Notifier(outbox, {"mailto": slow, "console": quick}, ManualClock())
    thread = threading.Thread(target=notifier.run, args=(stop,))
    thread.start()
    try:
        assert quick.complete.wait(10)
        assert slow.entered.is_set()
        assert not slow.released.is_set()
    finally:
        stop.set()
        notifier.wake()
        slow.released.set()
        thread.join(10)
    assert not thread.is_alive()
    assert [thread.name for thread in threading.enumerate() if "notifier" in thread.name] == []


def test_run_hears_of_new_messages_at_once_and_finishes_what_is_under_way(outbox: Outbox) -> None:
    channel, stop = BlockedChannel(), threading.Event()
    notifier = Notifier(outbox, {"console": channel}, ManualClock(), poll_seconds=3600.0)
    thread = threading.Thread(target=notifier.run, args=(stop,))
    thread.start()
    enqueue(outbox, "console:")
    notifier.wake()
    assert channel.entered.wait(10)
    stop.set()
    notifier.wake()
    channel.released.set()
    thread.join(10)
    assert not thread.is_alive()
    assert outbox.counts() == {"pending": 0, "delivered": 1, "dead": 0}
