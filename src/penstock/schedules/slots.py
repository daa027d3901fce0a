"""The slot ledger: which logical times of a schedule are decided, and what becomes of each.

``decide`` is a pure function; the runtime stores the ledger that it returns together with what it starts. Each slot
after the ledger's baseline is started, queued or skipped once, in order, whatever the clock and the process do:

- ``decided_until`` never goes back, and no slot at or before it is looked at again.
- A clock that was set forward, a suspended machine and a stopped process are the same: slots become late.
- A clock that was set back finds its slots decided already; the decision says how far behind it is.
"""

from __future__ import annotations

import math
from hashlib import sha256
from itertools import islice

import msgspec

from penstock.model.schedule import CatchUp, Overlap, Schedule
from penstock.schedules.timetable import Timetable

MAXIMUM_STARTS = 1000
MAXIMUM_QUEUED = 1000
LATE_AFTER_SECONDS = 60.0


class Slot(msgspec.Struct, frozen=True):
    """A logical time of a schedule, in seconds since the epoch. ``due_at`` is ``at`` with its jitter."""

    at: float
    due_at: float


class SkippedRange(msgspec.Struct, frozen=True):
    """Consecutive slots that never start.

    Attributes:
        first, last: the outermost of them; equal for a single one.
        count: how many they are.
        reason: ``missed`` (catch-up), ``overlap`` (the predecessor was running) or ``queue-full``.
    """

    first: float
    last: float
    count: int
    reason: str


class Ledger(msgspec.Struct, frozen=True):
    """What is decided of one schedule.

    Attributes:
        decided_until: every slot up to here, and including it, is decided.
        queued: slots that wait for their predecessors, in order.
        timetable: the expression and time zone that these slots are of; empty before the first decision.
    """

    decided_until: float
    queued: tuple[float, ...] = ()
    timetable: str = ""


class Decision(msgspec.Struct, frozen=True):
    """What to do now.

    Attributes:
        start: slots to start, in this order.
        queue: slots that newly wait.
        skip: slots that never start.
        ledger: the ledger to store with all of this, in one transaction.
        wake_at: when ``decide`` must be asked again; None for not before what is running changes, or never.
            It must also be asked whenever an execution of the schedule ends.
        clock_behind_seconds: how far ``now`` lies before what is decided already. Until the clock has passed that
            point again, no new slot starts.
    """

    start: list[Slot]
    queue: list[Slot]
    skip: list[SkippedRange]
    ledger: Ledger
    wake_at: float | None
    clock_behind_seconds: float = 0.0


def new_ledger(now: float) -> Ledger:
    """Returns the ledger of a schedule that is seen for the first time: no slot up to now ever runs."""
    return Ledger(decided_until=now)


def jitter(schedule_name: str, slot: float, window_seconds: int) -> float:
    """Returns by how many seconds a slot is delayed: at least 0, less than the window, the same each time."""
    if window_seconds <= 0:
        return 0.0
    digest = sha256(f"{schedule_name}\n{float(slot)!r}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (window_seconds * 1000) / 1000


def slot_of(schedule: Schedule, timetable: Timetable, at: float) -> Slot:
    """Returns a slot with its due time. The jitter window ends before the next slot, so that order is kept."""
    window = schedule.jitter_seconds
    if window > 0:
        following = timetable.next(at)
        window = window if following is None else min(window, int(following - at))
    return Slot(at, at + jitter(schedule.name, at, window))


def decide(
    schedule: Schedule,
    timetable: Timetable,
    ledger: Ledger,
    now: float,
    running: int,
    late_after_seconds: float = LATE_AFTER_SECONDS,
) -> Decision:
    """Returns what becomes of the slots that are due.

    Args:
        ledger: what was decided before; ``new_ledger(now)`` for a schedule that was never seen.
        now: seconds since the epoch, by a clock that may jump.
        running: how many executions of this schedule have not ended.
        late_after_seconds: a slot is missed when it was due longer ago than this.

    A decision starts at most 1000 slots; ``wake_at`` is then already past, and the next one takes the rest. Its cost
    in time and memory does not grow with the number of slots that it skips.
    """
    turn = _Turn(schedule, timetable, _for_timetable(ledger, schedule, now), now, running)
    turn.start_queued()
    missed_until = turn.last_due(math.nextafter(now - late_after_seconds, -math.inf))
    if missed_until is not None:
        turn.skip_missed(missed_until)
    due_until = turn.last_due(now)
    if due_until is not None:
        turn.run(due_until)
    return turn.decision()


def _for_timetable(ledger: Ledger, schedule: Schedule, now: float) -> Ledger:
    """The ledger for the schedule's present timetable: a changed one has no slots from before the change was seen."""
    timetable = f"{schedule.expression} {schedule.timezone}"
    if ledger.timetable in {"", timetable}:
        return msgspec.structs.replace(ledger, timetable=timetable)
    return msgspec.structs.replace(ledger, timetable=timetable, decided_until=max(ledger.decided_until, now))


class _Turn:
    """One decision in the making."""

    def __init__(self, schedule: Schedule, timetable: Timetable, ledger: Ledger, now: float, running: int) -> None:
        self._schedule = schedule
        self._timetable = timetable
        self._ledger = ledger
        self._now = now
        self._running = running
        self._decided_until = ledger.decided_until
        self._waiting = list(ledger.queued)
        self._start: list[Slot] = []
        self._queue: list[Slot] = []
        self._skip: list[SkippedRange] = []

    def last_due(self, limit: float) -> float | None:
        """The last slot that is due at or before a moment, decided or not."""
        last = self._timetable.previous(limit)
        if last is not None and self._slot(last).due_at > limit:
            last = self._timetable.previous(math.nextafter(last, -math.inf))
        return last

    def start_queued(self) -> None:
        """Starts what waits: one at a time, or all of it when the schedule has come to allow overlap."""
        limit = MAXIMUM_STARTS if self._schedule.overlap is Overlap.ALLOW else int(self._is_idle)
        self._start += [self._slot(at) for at in self._waiting[:limit]]
        del self._waiting[:limit]

    def skip_missed(self, until: float) -> None:
        """Skips the missed slots that the catch-up policy gives up."""
        if self._schedule.catch_up is CatchUp.ALL:
            return
        last: float | None = until
        if self._schedule.catch_up is CatchUp.LATEST:
            last = self._timetable.previous(math.nextafter(until, -math.inf))
        if last is not None:
            self._skip_until(last, "missed")

    def run(self, until: float) -> None:
        """Starts, queues or skips the slots that are due, as the overlap policy says."""
        if self._schedule.overlap is Overlap.ALLOW:
            self._start_many(until)
            return
        if self._is_idle:
            at = self._timetable.next(self._decided_until)
            if at is not None and at <= until:
                self._start.append(self._slot(at))
                self._decided_until = at
        if self._schedule.overlap is Overlap.SKIP:
            self._skip_until(until, "overlap")
        else:
            self._enqueue(until)

    def decision(self) -> Decision:
        """The decision, once every step is done."""
        return Decision(
            start=self._start,
            queue=self._queue,
            skip=self._skip,
            ledger=Ledger(self._decided_until, tuple(self._waiting), self._ledger.timetable),
            wake_at=self._wake_at(),
            clock_behind_seconds=max(0.0, self._ledger.decided_until - self._now),
        )

    @property
    def _is_idle(self) -> bool:
        return self._running == 0 and not self._start

    def _slot(self, at: float) -> Slot:
        return slot_of(self._schedule, self._timetable, at)

    def _start_many(self, until: float) -> None:
        room = MAXIMUM_STARTS - len(self._start)
        for at in islice(self._timetable.between(self._decided_until, until), room):
            self._start.append(self._slot(at))
            self._decided_until = at

    def _enqueue(self, until: float) -> None:
        room = MAXIMUM_QUEUED - len(self._waiting)
        for at in islice(self._timetable.between(self._decided_until, until), room):
            self._queue.append(self._slot(at))
            self._waiting.append(at)
            self._decided_until = at
        if self._schedule.catch_up is not CatchUp.ALL:
            self._skip_until(until, "queue-full")

    def _skip_until(self, last: float, reason: str) -> None:
        count = self._timetable.count(self._decided_until, last)
        first = self._timetable.next(self._decided_until)
        if count and first is not None:
            self._skip.append(SkippedRange(first, last, count, reason))
            self._decided_until = last

    def _wake_at(self) -> float | None:
        waits_for_room = self._schedule.overlap is Overlap.QUEUE and self._schedule.catch_up is CatchUp.ALL
        if waits_for_room and len(self._waiting) >= MAXIMUM_QUEUED:
            return None
        following = self._timetable.next(self._decided_until)
        return None if following is None else self._slot(following).due_at
