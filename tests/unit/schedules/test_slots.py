"""The slot ledger by example: catch-up, overlap, jitter, clocks that jump. Slots of rate(1 minute) are 0, 60, 120…"""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from penstock.model.schedule import CatchUp, Overlap, Schedule
from penstock.schedules import jitter, parse
from penstock.schedules.slots import Decision, Ledger, SkippedRange, Slot, decide, new_ledger, slot_of

EPOCH = 1_767_225_600.0  # 2026-01-01T00:00:00Z, a multiple of every interval below
YEAR = 365 * 86_400


def schedule(
    expression: str = "rate(1 minute)",
    catch_up: CatchUp = CatchUp.LATEST,
    overlap: Overlap = Overlap.ALLOW,
    jitter_seconds: int = 0,
) -> Schedule:
    return Schedule(
        name="s", workflow="w", expression=expression, catch_up=catch_up, overlap=overlap, jitter_seconds=jitter_seconds
    )


def decided(what: Schedule, ledger: Ledger, now: float, running: int = 0) -> Decision:
    return decide(what, parse(what.expression, what.timezone), ledger, EPOCH + now, running)


def seen_at(now: float) -> Ledger:
    return new_ledger(EPOCH + now)


def starts(decision: Decision) -> list[float]:
    return [slot.at - EPOCH for slot in decision.start]


def queued(decision: Decision) -> list[float]:
    return [slot.at - EPOCH for slot in decision.queue]


def skipped(decision: Decision) -> list[tuple[float, float, int, str]]:
    return [(s.first - EPOCH, s.last - EPOCH, s.count, s.reason) for s in decision.skip]


def test_a_new_schedule_runs_no_slot_from_before_it_was_seen() -> None:
    decision = decided(schedule(), seen_at(60), 60)
    assert starts(decision) == queued(decision) == skipped(decision) == []
    assert decision.wake_at == EPOCH + 120


def test_a_slot_starts_when_it_is_due_and_never_again() -> None:
    first = decided(schedule(), seen_at(10), 60)
    assert starts(first) == [60]
    assert first.wake_at == EPOCH + 120
    again = decided(schedule(), first.ledger, 61)
    assert starts(again) == []
    assert again.ledger == first.ledger


@pytest.mark.parametrize(
    ("catch_up", "started", "skips"),
    [
        # 360 is 59 seconds late, which is in time; 60 to 300 are missed.
        (CatchUp.SKIP, [360], [(60, 300, 5, "missed")]),
        (CatchUp.LATEST, [300, 360], [(60, 240, 4, "missed")]),
        (CatchUp.ALL, [60, 120, 180, 240, 300, 360], []),
    ],
)
def test_catch_up(catch_up: CatchUp, started: list[float], skips: list[tuple[float, float, int, str]]) -> None:
    decision = decided(schedule(catch_up=catch_up), seen_at(10), 419)
    assert starts(decision) == started
    assert skipped(decision) == skips


def test_a_slot_is_missed_only_beyond_the_tolerance() -> None:
    hourly = schedule("rate(1 hour)", CatchUp.SKIP)
    assert starts(decided(hourly, seen_at(10), 3660)) == [3600]
    assert skipped(decided(hourly, seen_at(10), 3660.001)) == [(3600, 3600, 1, "missed")]


def test_the_tolerance_can_be_chosen() -> None:
    hourly = schedule("rate(1 hour)", CatchUp.SKIP)
    decision = decide(hourly, parse(hourly.expression), seen_at(10), EPOCH + 3611, 0, late_after_seconds=10)
    assert skipped(decision) == [(3600, 3600, 1, "missed")]


def test_latest_runs_the_only_missed_slot() -> None:
    decision = decided(schedule("rate(1 hour)"), seen_at(10), 5000)
    assert starts(decision) == [3600]
    assert skipped(decision) == []


def test_all_is_taken_in_portions() -> None:
    everything = schedule(catch_up=CatchUp.ALL)
    first = decided(everything, seen_at(10), 1500 * 60)
    assert starts(first) == [60 * number for number in range(1, 1001)]
    assert first.wake_at == EPOCH + 1001 * 60
    second = decided(everything, first.ledger, 1500 * 60)
    assert starts(second) == [60 * number for number in range(1001, 1501)]
    assert second.wake_at == EPOCH + 1501 * 60


def test_overlap_skip_gives_up_what_comes_while_the_predecessor_runs() -> None:
    one_at_a_time = schedule(overlap=Overlap.SKIP)
    busy = decided(one_at_a_time, seen_at(10), 60, running=1)
    assert starts(busy) == []
    assert skipped(busy) == [(60, 60, 1, "overlap")]
    assert starts(decided(one_at_a_time, busy.ledger, 120, running=0)) == [120]


def test_overlap_skip_starts_one_of_several() -> None:
    decision = decided(schedule(catch_up=CatchUp.ALL, overlap=Overlap.SKIP), seen_at(10), 300)
    assert starts(decision) == [60]
    assert skipped(decision) == [(120, 300, 4, "overlap")]


def test_overlap_queue_starts_one_when_nothing_runs() -> None:
    in_turn = schedule(overlap=Overlap.QUEUE)
    first = decided(in_turn, seen_at(10), 60)
    assert (starts(first), queued(first)) == ([60], [])
    second = decided(in_turn, first.ledger, 120, running=1)
    assert (starts(second), queued(second)) == ([], [120])
    third = decided(in_turn, second.ledger, 180, running=1)
    assert (starts(third), queued(third)) == ([], [180])
    fourth = decided(in_turn, third.ledger, 190, running=0)
    assert (starts(fourth), queued(fourth)) == ([120], [])
    fifth = decided(in_turn, fourth.ledger, 240, running=0)
    assert (starts(fifth), queued(fifth)) == ([180], [240])


def test_a_full_queue_gives_up_what_comes_next() -> None:
    full = Ledger(EPOCH + 60, tuple(EPOCH - 60 * n for n in range(1000, 0, -1)), "rate(1 minute) UTC")
    decision = decided(schedule(overlap=Overlap.QUEUE), full, 120, running=1)
    assert skipped(decision) == [(120, 120, 1, "queue-full")]


def test_a_full_queue_holds_back_what_all_must_run() -> None:
    everything = schedule(catch_up=CatchUp.ALL, overlap=Overlap.QUEUE)
    first = decided(everything, seen_at(10), 1100 * 60, running=1)
    assert len(first.queue) == 1000
    assert skipped(first) == []
    assert first.wake_at is None
    second = decided(everything, first.ledger, 1100 * 60, running=0)
    assert (starts(second), queued(second)) == ([60], [1001 * 60])


def test_a_queue_that_has_just_become_full_wakes_for_room_only() -> None:
    everything = schedule(catch_up=CatchUp.ALL, overlap=Overlap.QUEUE)
    decision = decided(everything, seen_at(10), 1000 * 60, running=1)
    assert len(decision.queue) == 1000
    assert decision.wake_at is None


def test_what_waits_is_started_after_the_schedule_has_come_to_allow_overlap() -> None:
    waiting = Ledger(EPOCH + 180, (EPOCH + 120, EPOCH + 180), "rate(1 minute) UTC")
    assert starts(decided(schedule(), waiting, 240, running=1)) == [120, 180, 240]


def test_a_clock_that_is_set_back_repeats_nothing_and_says_so() -> None:
    ledger = decided(schedule(), seen_at(10), 3600).ledger
    back = decided(schedule(), ledger, 1800)
    assert starts(back) == skipped(back) == []
    assert back.clock_behind_seconds == 1800
    assert back.ledger == ledger
    assert back.wake_at == EPOCH + 3660
    assert starts(decided(schedule(), ledger, 3660)) == [3660]


def test_what_waits_is_started_even_while_the_clock_is_behind() -> None:
    waiting = Ledger(EPOCH + 180, (EPOCH + 180,), "rate(1 minute) UTC")
    decision = decided(schedule(overlap=Overlap.QUEUE), waiting, 0)
    assert starts(decision) == [180]
    assert decision.clock_behind_seconds == 180


def test_a_changed_timetable_has_no_slots_from_before_the_change() -> None:
    daily = decided(schedule("rate(1 day)"), seen_at(10), 86_400)
    assert starts(daily) == [86_400]
    every_minute = decided(schedule(catch_up=CatchUp.ALL), daily.ledger, 86_400 + 3630)
    assert starts(every_minute) == []
    assert every_minute.wake_at == EPOCH + 86_400 + 3660


def test_a_change_that_is_seen_while_the_clock_is_behind_repeats_nothing() -> None:
    ledger = decided(schedule(), seen_at(10), 3600).ledger
    changed = decided(schedule("cron(* * * * ? *)", CatchUp.ALL), ledger, 1800)
    assert changed.ledger.decided_until == EPOCH + 3600
    assert changed.wake_at == EPOCH + 3660


def test_jitter_is_fixed_scattered_and_within_its_window() -> None:
    offsets = [jitter("collect", EPOCH + 60 * number, 300) for number in range(1000)]
    assert offsets == [jitter("collect", EPOCH + 60 * number, 300) for number in range(1000)]
    assert all(0 <= offset < 300 for offset in offsets)
    # The mean of 1000 uniform offsets has a standard deviation of 300 / sqrt(12 * 1000) = 2.7.
    assert abs(sum(offsets) / 1000 - 150) < 14
    assert jitter("collect", EPOCH, 300) != jitter("process", EPOCH, 300)
    assert jitter("collect", EPOCH, 0) == 0.0


def test_jitter_delays_the_start_and_nothing_else() -> None:
    scattered = schedule("rate(1 hour)", jitter_seconds=600)
    due_at = EPOCH + 3600 + jitter("s", EPOCH + 3600, 600)
    early = decided(scattered, seen_at(10), 3600)
    assert starts(early) == []
    assert early.wake_at == due_at
    assert decided(scattered, early.ledger, due_at - EPOCH).start == [Slot(EPOCH + 3600, due_at)]


def test_a_slot_within_its_jitter_window_is_not_missed() -> None:
    scattered = schedule("rate(1 hour)", CatchUp.SKIP, jitter_seconds=3000)
    due_at = EPOCH + 3600 + jitter("s", EPOCH + 3600, 3000)
    assert due_at > EPOCH + 3660
    assert starts(decided(scattered, seen_at(10), due_at - EPOCH + 60)) == [3600]


def test_a_jitter_window_longer_than_the_interval_keeps_the_order() -> None:
    scattered = schedule(jitter_seconds=3600)
    slots = [slot_of(scattered, parse(scattered.expression), EPOCH + 60 * number) for number in range(200)]
    assert all(earlier.due_at < later.at for earlier, later in pairwise(slots))


@pytest.mark.parametrize("overlap", list(Overlap))
@pytest.mark.parametrize("expression", ["rate(1 minute)", "cron(* * * * ? *)"])
def test_a_year_of_downtime_is_one_range(expression: str, overlap: Overlap) -> None:
    started = time.perf_counter()
    decision = decided(schedule(expression, overlap=overlap), seen_at(0), YEAR)
    assert time.perf_counter() - started < 0.5
    # The newest slot is due now and the one before it 60 s late, which is in time. Of the missed ones before these,
    # the latest runs, and the rest are one row.
    missed = YEAR // 60 - 3
    assert decision.skip[0] == SkippedRange(EPOCH + 60, EPOCH + 60 * missed, missed, "missed")
    assert len(decision.start) + len(decision.queue) + len(decision.skip) <= 4


def test_a_schedule_that_is_over_never_wakes() -> None:
    decision = decided(schedule("at(2026-01-01T00:10:00)"), seen_at(0), 600)
    assert starts(decision) == [600]
    assert decision.wake_at is None
