"""A queue under any interleaving of senders, receivers and time, against a list that is kept beside it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.adapters.local import queues
from penstock.adapters.local.database import Database
from penstock.adapters.local.queues import SqliteQueueStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import ConditionFailedError
from penstock.model.queues import Queue

JOBS = Queue(name="jobs", visibility_seconds=30, retain_seconds=120)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 40), st.sampled_from(["", "a", "b"])),
        st.tuples(st.just("receive"), st.integers(1, 3), st.integers(0, 45)),
        st.tuples(st.just("delete"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("keep"), st.integers(0, 20), st.integers(0, 45)),
        st.tuples(st.just("wait"), st.integers(1, 50), st.just(0)),
        st.tuples(st.just("expire"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


class Kept(msgspec.Struct):
    """A message as it should be."""

    visible_at: float
    expires_at: float
    receipt: str = ""
    receives: int = 0


class Model:
    """What SQS documents of a standard queue, and that here nothing is received late or in vain."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(1000.0)
        self.database = Database(folder / "journal.sqlite", [queues.MIGRATION])
        self.store = SqliteQueueStore(self.database, self.clock)
        self.kept: dict[str, Kept] = {}
        self.tokens: dict[str, str] = {}
        self.receipts: list[tuple[str, str]] = []

    def send(self, delay: int, token: str) -> None:
        message = self.store.send(JOBS, "body", delay_seconds=delay, token=token)
        if token and token in self.tokens:
            assert message == self.tokens[token]
            return
        assert message not in self.kept
        self.tokens[token] = message
        self.kept[message] = Kept(self.clock.now() + delay, self.clock.now() + 120)

    def receive(self, limit: int, visibility: int) -> None:
        now = self.clock.now()
        due = {name for name, one in self.kept.items() if one.visible_at <= now < one.expires_at}
        found = self.store.receive(JOBS, limit=limit, visibility_seconds=visibility)
        assert {one.id for one in found} <= due
        assert len(found) == min(limit, len(due))
        for one in found:
            kept = self.kept[one.id]
            kept.receives, kept.receipt, kept.visible_at = kept.receives + 1, one.receipt, now + visibility
            assert one.receives == kept.receives
            self.receipts.append((one.id, one.receipt))

    def delete(self, number: int) -> None:
        if not self.receipts:
            return
        name, receipt = self.receipts[number % len(self.receipts)]
        self.store.delete(JOBS, receipt)
        if name in self.kept and self.kept[name].receipt == receipt:
            del self.kept[name]

    def keep(self, number: int, visibility: int) -> None:
        if not self.receipts:
            return
        name, receipt = self.receipts[number % len(self.receipts)]
        now, kept = self.clock.now(), self.kept.get(name)
        if kept is None or kept.receipt != receipt or kept.visible_at <= now or kept.expires_at <= now:
            with pytest.raises(ConditionFailedError):
                self.store.change_visibility(JOBS, receipt, visibility)
            return
        self.store.change_visibility(JOBS, receipt, visibility)
        kept.visible_at = now + visibility

    def check(self) -> None:
        now = self.clock.now()
        alive = [one for one in self.kept.values() if now < one.expires_at]
        counts = self.store.counts(JOBS)
        assert counts.waiting == sum(one.visible_at <= now for one in alive)
        assert counts.in_flight == sum(one.visible_at > now and one.receives > 0 for one in alive)
        assert counts.delayed == sum(one.visible_at > now and one.receives == 0 for one in alive)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_no_message_is_lost_doubled_or_held_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any, Any]]
) -> None:
    model = Model(tmp_path_factory.mktemp("queue"))
    for what, first, second in steps:
        match what:
            case "send":
                model.send(first, second)
            case "receive":
                model.receive(first, second)
            case "delete":
                model.delete(first)
            case "keep":
                model.keep(first, second)
            case "wait":
                model.clock.advance(first)
            case "expire":
                model.store.expire()
        model.check()
    model.database.close()
