"""Whatever the clock, the process and the executions do, each slot is decided once, in order."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock.model.schedule import CatchUp, Overlap, Schedule
from penstock.schedules import parse
from penstock.schedules.slots import Decision, Ledger, decide, new_ledger

EPOCH = 1_767_225_600  # 2026-01-01T00:00:00Z
# Each with the interval that it means; all slots are multiples of it.
EXPRESSIONS = [
    ("rate(10 seconds)", 10),
    ("rate(1 minute)", 60),
    ("rate(3 hours)", 10_800),
    ("cron(0/5 * * * ? *)", 300),
    ("cron(0 0 * * ? *)", 86_400),
]
LATE_AFTER_SECONDS = 60


class SlotLedger(RuleBasedStateMachine):
    """A schedule through forward and backward jumps, restarts and executions that end at any time."""

    @initialize(
        expression=st.sampled_from(EXPRESSIONS),
        catch_up=st.sampled_from(CatchUp),
        overlap=st.sampled_from(Overlap),
        jitter_seconds=st.sampled_from([0, 30, 7200]),
        first_seen=st.integers(0, 86_400),
    )
    def begin(
        self, expression: tuple[str, int], catch_up: CatchUp, overlap: Overlap, jitter_seconds: int, first_seen: int
    ) -> None:
        self.schedule = Schedule(
            name="s", workflow="w", expression=expression[0], catch_up=catch_up, overlap=overlap,
            jitter_seconds=jitter_seconds,
        )  # fmt: skip
        self.timetable = parse(expression[0])
        self.interval = expression[1]
        self.now = float(EPOCH + first_seen)
        self.baseline = self.now
        self.ledger = new_ledger(self.now)
        self.started: list[float] = []
        self.queued: list[float] = []
        self.skipped: list[tuple[float, float, int]] = []
        self.running = 0
        self.last_starts = 0

    @rule(seconds=st.one_of(st.floats(0, 120), st.floats(0, 7200), st.floats(0, 30 * 86_400)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.ask()

    @rule(seconds=st.floats(0, 10 * 86_400))
    def the_clock_is_set_back(self, seconds: float) -> None:
        self.now -= seconds
        decision = self.ask()
        behind = max(0.0, self.before.decided_until - self.now)
        assert decision.clock_behind_seconds == behind
        if behind:
            assert decision.queue == []
            assert decision.skip == []

    @rule()
    def it_wakes(self) -> None:
        wake_at = self.ask().wake_at
        if wake_at is not None and wake_at > self.now:
            self.now = wake_at
            decision = self.ask()
            assert decision.start or decision.queue or decision.skip

    @rule(count=st.integers(1, 5))
    def executions_end(self, count: int) -> None:
        self.running = max(0, self.running - count)
        self.ask()

    @rule()
    def the_process_restarts(self) -> None:
        self.ledger = msgspec.json.decode(msgspec.json.encode(self.ledger), type=Ledger)
        self.timetable = parse(self.schedule.expression, self.schedule.timezone)

    def ask(self) -> Decision:
        self.before = self.ledger
        decision = decide(self.schedule, self.timetable, self.ledger, self.now, self.running, LATE_AFTER_SECONDS)
        waiting = set(self.queued) - set(self.started)
        for slot in decision.start:
            assert slot.due_at <= self.now or slot.at in waiting
            assert slot.at <= slot.due_at < slot.at + max(1, self.schedule.jitter_seconds)
        self.started += [slot.at for slot in decision.start]
        self.queued += [slot.at for slot in decision.queue]
        self.skipped += [(skipped.first, skipped.last, skipped.count) for skipped in decision.skip]
        self.running += len(decision.start)
        self.last_starts = len(decision.start)
        if self.schedule.overlap is not Overlap.ALLOW:
            assert len(decision.start) <= 1
            assert self.running <= 1
        assert decision.ledger.decided_until >= self.before.decided_until
        self.ledger = decision.ledger
        return decision

    @invariant()
    def starts_are_in_order_and_never_repeated(self) -> None:
        assert all(earlier < later for earlier, later in pairwise(self.started))

    @invariant()
    def each_slot_is_decided_once(self) -> None:
        """Started, queued and skipped slots together are the multiples since the baseline: none lost, none twice."""
        waited = set(self.queued)
        rows = [(at, at, 1) for at in self.queued]
        rows += [(at, at, 1) for at in self.started if at not in waited]
        rows += self.skipped
        expected = (int(self.baseline) // self.interval + 1) * self.interval
        for first, last, count in sorted(rows):
            assert first == expected
            assert (last - first) / self.interval == count - 1
            expected = int(last) + self.interval
        if rows:
            assert self.ledger.decided_until == expected - self.interval
        assert set(self.ledger.queued) == waited - set(self.started)

    @invariant()
    def nothing_due_is_left_over(self) -> None:
        """Unless a portion is full, no slot whose jitter window has passed is undecided."""
        if len(self.ledger.queued) >= 1000 or self.last_starts >= 1000:
            assert self.schedule.catch_up is CatchUp.ALL or self.schedule.overlap is Overlap.QUEUE
            return
        oldest = (self.ledger.decided_until // self.interval + 1) * self.interval
        assert oldest + min(self.interval, self.schedule.jitter_seconds) > self.now


SlotLedger.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
TestSlotLedger = SlotLedger.TestCase
