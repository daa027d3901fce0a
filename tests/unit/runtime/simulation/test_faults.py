"""Faults as they are written, and back."""

from __future__ import annotations

import math

import pytest

from penstock.errors import UsageError
from penstock.model.faults import Fault, FaultKind
from penstock.pipelines.metrics import pipeline
from penstock.runtime.simulation.faults import check_targets, describe, parse_fault, random_faults
from penstock.runtime.simulation.plan import Plan, last_days, span_text

START = 1_769_904_000.0  # 2026-02-01T00:00:00Z
DAY = 86_400.0


def test_a_window_is_counted_from_the_start() -> None:
    fault = parse_fault("hot-throttled:InfraMetrics,from=3d,for=6h,rate=0.5", START)
    assert fault == Fault(
        kind=FaultKind.HOT_THROTTLED, target="InfraMetrics", start=START + 3 * DAY, end=START + 3.25 * DAY, rate=0.5
    )


def test_a_window_can_be_given_by_times() -> None:
    fault = parse_fault("mail-down,from=2026-02-02,until=2026-02-02T12:00:00Z", START)
    assert (fault.start, fault.end) == (START + DAY, START + 1.5 * DAY)


def test_without_a_window_it_is_always() -> None:
    assert parse_fault("task-slow:collect_cpu,seconds=60", START) == Fault(
        kind=FaultKind.TASK_SLOW, target="collect_cpu", start=-math.inf, end=math.inf, seconds=60.0
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flood", "no fault 'flood'"),
        ("hot-down,colour=red", "no option 'colour'"),
        ("hot-down,rate=2", "a rate of 2"),
        ("hot-down,rate=0", "a rate of 0"),
        ("hot-down,rate=often", "'often' is no number"),
        ("hot-down,from=soon", "'soon' is no moment"),
        ("hot-down,for=ever", "'ever' is no span"),
        ("hot-down,from=2d,until=1d", "ends before it begins"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_fault(text, START)


def test_a_target_that_is_not_there_is_refused() -> None:
    definition = pipeline.build()
    with pytest.raises(UsageError, match="has no 'collect_gpu'"):
        check_targets([parse_fault("task-raises:collect_gpu", START)], definition)
    with pytest.raises(UsageError, match="has no 'Orders'"):
        check_targets([parse_fault("hot-down:Orders", START)], definition)
    check_targets([parse_fault("hot-down:InfraMetrics", START), parse_fault("mail-down:mailto", START)], definition)


@pytest.mark.parametrize("seed", range(20))
def test_random_faults_are_read_back_as_they_were_drawn(seed: int) -> None:
    drawn = random_faults(pipeline.build(), seed, START, 2 * DAY)
    assert drawn == random_faults(pipeline.build(), seed, START, 2 * DAY)
    assert len(drawn) == 4
    assert tuple(parse_fault(describe(fault, START), START) for fault in drawn) == drawn


def test_a_plan_says_how_to_play_it_again() -> None:
    plan = Plan(
        start=START,
        seconds=30 * DAY,
        seed=7,
        instances=20,
        faults=(parse_fault("killed,from=1d,for=2d,times=3", START),),
    )
    assert plan.command("metrics") == (
        "penstock simulate metrics --from 2026-02-01T00:00:00Z --for 30d --seed 7 --instances 20"
        " --fault killed,from=86400s,for=172800s,times=3"
    )


@pytest.mark.parametrize(("seconds", "text"), [(DAY, "1d"), (5400.0, "90min"), (7200.0, "2h"), (61.0, "61s")])
def test_spans_are_written_as_people_write_them(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


def test_the_last_days_end_at_midnight() -> None:
    assert last_days(START + 3 * DAY + 5000, 2 * DAY) == START + DAY
