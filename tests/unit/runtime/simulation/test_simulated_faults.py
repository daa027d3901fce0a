"""What goes wrong in a simulation, and that nothing is lost by it.

PENSTOCK_SEEDS=1000 plays a thousand random seeds instead of a few.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from tests.unit.runtime.simulation.conftest import START, Play

from penstock.adapters.virtual.chance import Chance
from penstock.adapters.virtual.clock import VirtualClock
from penstock.adapters.virtual.events import TroubledEvents
from penstock.lake.compression import compression_of, decompressed
from penstock.model.faults import Fault, FaultKind
from penstock.model.pipeline import Definition
from penstock.ports.bus import ObjectCreated
from penstock.ports.journal import Execution, Filter
from penstock.runtime.names import object_id
from penstock.runtime.simulation.balance import problems
from penstock.runtime.simulation.faults import random_faults
from penstock.runtime.simulation.home import SimulatedHome

EVERYTHING = 1_000_000
HOUR = 3600.0
DAY = 86_400.0
SEEDS = int(os.environ.get("PENSTOCK_SEEDS", "4"))
# Beyond it nothing goes wrong any more, so that what was tried again has ended.
CALM_DAYS = 0.5


def executions(home: SimulatedHome, workflow: str) -> list[Execution]:
    return home.journal.find(Filter(workflow=workflow, limit=EVERYTHING))


def ended(home: SimulatedHome, workflow: str) -> Counter[str]:
    return Counter(str(one.status) for one in executions(home, workflow))


def fired(home: SimulatedHome) -> set[str]:
    return {change.alarm for change in home.alarms.history(["metrics"], limit=EVERYTHING) if change.state == "ALARM"}


def lake_lines(home: SimulatedHome) -> dict[str, list[bytes]]:
    found = {}
    for info in home.objects.list("raw/"):
        data = home.objects.get(info.key)
        found[info.key] = b"".join(decompressed([data], compression_of(data))).splitlines()
    return found


def test_a_task_that_fails_is_tried_again_and_its_execution_fails_where_that_does_not_help(play: Play) -> None:
    # The slots of 06:00, 09:00 and 12:00; the others are as they were.
    home = play("task-raises:collect_cpu,from=6h,for=7h")
    assert ended(home, "metrics") == {"SUCCEEDED": 5, "FAILED": 3}
    subjects = Counter(row.message.subject for row in home.outbox.rows(limit=EVERYTHING))
    # Two subscriptions each.
    assert subjects["Metrics collection failed"] == 6
    assert "DataCollectorErrors" in fired(home)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ("task-times-out:log-processor,for=1h", "Sandbox.Timedout", "timed out after 900.00 seconds"),
        ("task-out-of-memory:log-processor,for=1h", "Runtime.ExitError", "signal: killed"),
    ],
)
def test_a_task_that_is_stopped_leaves_a_dead_letter(play: Play, fault: str, error: str, text: str) -> None:
    home = play(fault)
    failed = [one for one in executions(home, "log-processor") if one.dead_letter]
    assert len(failed) == 4
    assert {one.error for one in failed} == {error}
    assert all(text in str(one.cause) for one in failed)
    assert problems(home, home_definition(home), home.plan) == []


def home_definition(home: SimulatedHome) -> Definition:
    from penstock.pipelines.metrics import pipeline

    return pipeline.build()


def test_a_slow_task_takes_longer(play: Play) -> None:
    home = play("task-slow:collect_cpu,seconds=40")
    # 30 seconds are its limit.
    assert ended(home, "metrics") == {"FAILED": 8}
    home = play("task-slow,seconds=10", folder="slow")
    assert ended(home, "metrics") == {"SUCCEEDED": 8}
    assert "LambdaDuration" in fired(home)


def test_a_throttled_hot_table_is_counted_and_wakes_somebody(play: Play, metrics: Definition) -> None:
    home = play("hot-throttled:InfraMetrics,from=3h,for=1h", instances=2)
    assert "DynamoDBThrottling" in fired(home)
    assert ended(home, "log-processor") == {"SUCCEEDED": 28, "FAILED": 4}
    # What was not put is in the lake, and its executions are dead letters.
    assert home.hot.count(metrics.hot_tables["InfraMetrics"]) == 28 * 2
    assert len(list(home.objects.list("raw/infra_metrics/"))) == 32


@pytest.mark.parametrize("fault", ["objects-down,from=3h,for=1h", "metrics-throttled,from=3h,for=1h"])
def test_a_store_that_is_down_fails_what_needs_it_and_nothing_else(play: Play, fault: str) -> None:
    home = play(fault)
    assert sum(ended(home, "metrics").values()) == 8
    assert ended(home, "metrics")["FAILED"] + ended(home, "log-processor")["FAILED"] > 0
    assert problems(home, home_definition(home), home.plan) == []


def test_a_topic_that_is_down_tells_nobody(play: Play) -> None:
    home = play("topic-down:infra-monitoring-alerts,from=3h,for=1h")
    assert ended(home, "metrics") == {"SUCCEEDED": 7, "FAILED": 1}


def test_mail_that_cannot_be_delivered_waits_and_comes_later(play: Play) -> None:
    home = play("mail-down,from=3h,for=2h")
    rows = home.outbox.rows(limit=EVERYTHING)
    assert {row.status for row in rows} == {"delivered"}
    late = [row for row in rows if row.attempts > 1]
    assert {row.message.created_at // HOUR * HOUR - START for row in late} == {3 * HOUR}
    assert all(row.delivered_at is not None and row.delivered_at >= START + 5 * HOUR for row in late)


def test_an_event_that_comes_twice_starts_one_execution(play: Play) -> None:
    assert ended(play("event-twice"), "log-processor") == {"SUCCEEDED": 32}


def test_an_event_that_comes_late_starts_its_execution_late(play: Play) -> None:
    home = play("event-late:infra_metrics,seconds=900")
    found = executions(home, "log-processor")
    assert len(found) == 32
    assert all((one.created_at - START) % (3 * HOUR) >= 900 for one in found)


def test_killed_again_and_again_it_leaves_what_it_would_have_left(play: Play, metrics: Definition) -> None:
    table = metrics.hot_tables["InfraMetrics"]
    calm = play(instances=2, folder="calm")
    killed = play("killed,times=12", instances=2, folder="killed")
    assert lake_lines(killed) == lake_lines(calm)
    values = [
        sorted((item["metric_id"], item["timestamp"], item["value"]) for item in home.hot.scan(table).items)
        for home in (calm, killed)
    ]
    assert values[0] == values[1]
    assert problems(killed, metrics, killed.plan) == []


@pytest.mark.parametrize("seconds", [-1800, 1800, 7200])
def test_a_clock_that_is_wrong_for_a_while_runs_no_slot_twice_and_leaves_none_out(play: Play, seconds: int) -> None:
    home = play(f"clock-skew,from=5h,for=2h,seconds={seconds}")
    slots = [one.slot for one in executions(home, "metrics")]
    assert sorted(slot for slot in slots if slot is not None) == [START + 3 * HOUR * number for number in range(8)]


def test_events_out_of_order_come_in_another_order_and_all_of_them() -> None:
    class Inner:
        def due(self, names: object, limit: int) -> list[ObjectCreated]:
            return events[:limit]

    events = [
        ObjectCreated(pipeline="p", table="t", key=f"raw/t/{number}", size=1, at=START, execution="")
        for number in range(20)
    ]
    fault = Fault(kind=FaultKind.EVENT_OUT_OF_ORDER)
    bus = TroubledEvents(Inner(), [fault], VirtualClock(START), Chance(1), identity="key", target="table")
    found = bus.due(["p"], 200)
    assert found != events
    assert sorted(event.key for event in found) == sorted(event.key for event in events)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_with_random_faults_nothing_is_lost(play: Play, metrics: Definition, seed: int) -> None:
    faults = random_faults(metrics, seed, START, DAY)
    home = play(*faults, seed=seed, instances=2, days=1 + CALM_DAYS)
    again = home.plan.command("metrics")
    assert problems(home, metrics, home.plan) == [], again
    lines = lake_lines(home)
    done = {one.id for one in executions(home, "log-processor") if one.status == "SUCCEEDED"}
    lost = {one.id for one in executions(home, "log-processor") if one.dead_letter}
    items = Counter(item["source"] for item in home.hot.scan(metrics.hot_tables["InfraMetrics"]).items)
    for key, found in lines.items():
        processed = object_id("metrics", "log-processor", key)
        # Each record of a raw object is an item, but where that is a dead letter, or goes on at the end.
        assert processed in done | lost or home.journal.unfinished(), again
        if processed in done:
            assert items[key] == len(found) == 2, again
    assert set(items) <= set(lines), again
