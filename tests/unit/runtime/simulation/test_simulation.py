"""A day of the metrics pipeline under a virtual clock: what is there at its end, and that it is the same every time."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.unit.runtime.simulation.conftest import START, Play

from penstock.adapters.local.fingerprint import fingerprint
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call
from penstock.ports.journal import Filter
from penstock.runtime.simulation.balance import problems
from penstock.runtime.simulation.home import SimulatedHome
from penstock.runtime.simulation.report import report
from penstock.watch.rehearsal import transitions

EVERYTHING = 1_000_000
DAY = 86_400.0


def test_a_day_has_eight_slots_and_all_that_follows_from_them(play: Play, metrics: Definition) -> None:
    home = play(instances=3)
    executions = home.journal.find(Filter(limit=EVERYTHING))
    assert Counter((one.workflow, str(one.status)) for one in executions) == {
        ("metrics", "SUCCEEDED"): 8, ("log-processor", "SUCCEEDED"): 32,
    }  # fmt: skip
    slots = sorted(one.slot for one in executions if one.slot is not None)
    assert slots == [START + 3 * 3600 * number for number in range(8)]
    assert len(list(home.objects.list("raw/infra_metrics/"))) == 32
    assert home.hot.count(metrics.hot_tables["InfraMetrics"]) == 8 * 4 * 3
    found = report(home, metrics, home.plan, kills=0, warnings=())
    assert {(one.zone, one.objects, one.records) for one in found.lake} == {("raw", 32, 96), ("sealed", 8, 96)}
    assert found.problems == ()
    # 8 slots x (4 collectors x (errors, duration, 2 beats) + 4 processors x (errors, 2 beats) + 3 x 4 readings)
    assert found.datapoints == 8 * (4 * 4 + 4 * 3 + 12)


def test_objects_carry_the_time_of_the_simulation(play: Play) -> None:
    home = play()
    assert all(START <= info.modified_at < START + DAY for info in home.objects.list("raw/"))
    (first,) = [info for info in home.objects.list("sealed/") if "hour=00" in info.key]
    # The hour is over at 01:00 and sealed ten minutes later.
    assert first.modified_at == pytest.approx(START + 4200, abs=1.0)


def test_the_same_seed_makes_the_same_home_with_one_process_and_with_two(play: Play) -> None:
    faults = ("task-raises:collect_cpu,rate=0.3", "hot-throttled,rate=0.2", "killed,times=2", "event-twice,rate=0.5")
    homes = [
        play(*faults, instances=2, folder="a", is_metered=True),
        play(*faults, instances=2, folder="b", is_metered=True),
        play(*faults[:2], instances=50, folder="c"),
        play(*faults[:2], instances=50, folder="d", workers=2),
        play(instances=2, folder="f", is_metered=True),
        play(instances=2, folder="g", is_metered=True, workers=2),
        play(*faults, instances=2, folder="e", is_metered=True, seed=8),
        play(instances=50, folder="h", is_metered=True),
        play(instances=50, folder="i", is_metered=True, workers=2),
        play(instances=50, folder="j", is_metered=True, workers=4),
    ]
    for home in homes:
        home.close()
    prints = [fingerprint(one.path) for one in homes]
    first, again, here, in_workers, sealed_here, sealed_beside, another_seed, *large = prints
    assert len(set(large)) == 1
    assert first == again
    assert here == in_workers
    assert sealed_here == sealed_beside
    assert another_seed != first


def test_every_change_of_an_alarm_is_the_one_that_the_recorded_metrics_explain(play: Play, metrics: Definition) -> None:
    home = play("task-raises:collect_cpu,from=6h,for=7h", instances=20, days=3)
    recorded = home.alarms.history(["metrics"], limit=EVERYTHING)
    assert {change.alarm for change in recorded if change.state == "ALARM"} >= {
        "DataCollectorErrors", "dead-man-task-collect_cpu",
    }  # fmt: skip

    def values(metric: Metric) -> list[tuple[float, float, float]]:
        return home.metrics.values(metric, START, START + 3 * DAY)

    # The machine's first look is at once, whatever the second is.
    explained = transitions(list(metrics.alarms.values()), {}, values, START - 1, START + 3 * DAY - 1)
    assert sorted((one.alarm, one.at, one.state.value) for one in explained if one.at > START) == sorted(
        (change.alarm, change.at, change.state) for change in recorded if change.at > START
    )


def test_the_console_and_the_commands_find_a_home_like_any_other(play: Play, metrics: Definition) -> None:
    home = play(instances=2)
    result = home.query.run(
        "SELECT metric_type, count(*) FROM infra_metrics GROUP BY 1 ORDER BY 1",
        tables=list(metrics.lake_tables.values()),
    )
    assert [tuple(row) for row in result.rows] == [("cpu", 16), ("disk", 16), ("memory", 16), ("network", 16)]
    assert {row.status for row in home.outbox.rows(limit=EVERYTHING)} == {"delivered"}
    assert problems(home, metrics, home.plan) == []


def test_what_is_missing_is_found(play: Play, metrics: Definition) -> None:
    home = play()
    execution = home.journal.find(Filter(workflow="log-processor", limit=1))[0]
    home.database.execute("DELETE FROM executions WHERE id=?", (execution.id,))
    slot = home.journal.find(Filter(workflow="metrics", limit=1))[0]
    home.database.execute("DELETE FROM executions WHERE id=?", (slot.id,))
    sealed = next(iter(home.objects.list("sealed/")))
    home.objects.delete(sealed.key)
    found = problems(home, metrics, home.plan)
    assert len(found) == 3
    assert any(f"started {slot.id}, which is not there" in text for text in found)
    assert any("has started nothing" in text for text in found)
    assert any("is closed, and not sealed" in text for text in found)


def test_ids_that_sqlite_would_draw_come_from_the_seed(play: Play) -> None:
    def drawn(home: SimulatedHome) -> list[str]:
        return [home.database.rows("SELECT hex(randomblob(16))")[0][0] for _ in range(2)]

    first, again = play(folder="a"), play(folder="b")
    assert drawn(first) == drawn(again)
    other = play(folder="c", seed=8)
    assert drawn(other) != drawn(first)
    # Of a call it is the same, whatever was drawn before it.
    call = Call(
        token="t", key="k", execution="e", pipeline="metrics", task="", state="s", event=b"{}", started_at=START,
        slot=None, attempt=0, timeout_seconds=1.0,
    )  # fmt: skip
    drawn(again)
    for home in (first, again):
        home.begin_call(call)
    assert drawn(first) == drawn(again)
