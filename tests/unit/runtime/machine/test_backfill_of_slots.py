"""Past slots: each once, a few at a time, and what was interrupted goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import Context, Pipeline, TaskError, days, hours, seconds
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.errors import NotFoundError, UsageError
from penstock.ports.journal import Filter
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.backfill import Backfill, Backfilled, schedule_of, slots_of
from penstock.runtime.machine.home import Home

NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z
MIDNIGHT = 1_771_545_600.0  # 2026-02-20T00:00:00Z

pipeline = Pipeline("tides")
calls: list[tuple[float | None, Any]] = []
broken: set[float] = set()


@pipeline.task(timeout=seconds(30))
def measure(event: Any, context: Context) -> None:
    calls.append((context.scheduled_time, event.get("place")))
    if context.scheduled_time in broken:
        raise TaskError("the gauge is broken")


pipeline.every(hours(1), measure, input={"place": "Brest"})
definition = pipeline.build()
schedule = definition.schedules["tides"]
SLOTS = [MIDNIGHT + 3600 * hour for hour in range(6)]


@pytest.fixture(autouse=True)
def _forget() -> None:
    calls.clear()
    broken.clear()


@contextlib.contextmanager
def machine_in(folder: Path) -> Iterator[Machine]:
    home = Home(folder / "home", clock=VirtualClock(NOW), entropy=SeededEntropy(len(calls)))
    definitions = {"tides": definition}
    caller = TaskCaller(definitions, lambda: home.ports("test"))
    machine = Machine(home, definitions, make_invoker=lambda _: InlineInvoker(caller))
    try:
        yield machine
    finally:
        machine.close()


def run(folder: Path, slots: list[float], *, again: bool = False, parallel: int = 2) -> Backfilled:
    with machine_in(folder) as machine:
        return Backfill(machine, definition, schedule, parallel=parallel, again=again).run(slots)


def test_slots_are_those_of_the_schedule_from_one_moment_to_before_another() -> None:
    assert slots_of(schedule, MIDNIGHT, MIDNIGHT + 6 * 3600) == SLOTS
    assert slots_of(schedule, MIDNIGHT + 1, MIDNIGHT + 2 * 3600) == [MIDNIGHT + 3600]


def test_each_slot_runs_by_its_logical_time_with_the_input_of_the_schedule(tmp_path: Path) -> None:
    found = run(tmp_path, SLOTS)
    assert (found.slots, found.started, found.known, found.left) == (6, 6, 0, 0)
    assert sorted(calls) == [(at, "Brest") for at in SLOTS]
    with machine_in(tmp_path) as machine:
        kept = machine.home.journal.find(Filter(limit=10))
    assert {one.id for one in kept} == {f"tides-20260220T0{hour}0000Z" for hour in range(6)}
    assert {one.source for one in kept} == {"backfill:tides"}


def test_a_slot_that_has_run_is_left(tmp_path: Path) -> None:
    run(tmp_path, SLOTS[2:4])
    found = run(tmp_path, SLOTS)
    assert (found.slots, found.started, found.known) == (6, 4, 2)
    assert len(calls) == 6


def test_what_failed_is_told_and_put_through_again_when_asked(tmp_path: Path) -> None:
    broken.add(SLOTS[1])
    assert run(tmp_path, SLOTS[:3]).failed == ["tides-20260220T010000Z"]
    broken.clear()
    left = run(tmp_path, SLOTS[:3])
    assert (left.known, left.failed) == (3, ["tides-20260220T010000Z"])
    again = run(tmp_path, SLOTS[:3], again=True)
    assert (again.known, again.again, again.failed) == (2, 1, [])


def test_stopped_it_begins_nothing_more_and_goes_on_the_next_time(tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:

        def stop_after_two(_: Any) -> None:
            if len(calls) >= 2:
                machine.request_stop()

        found = Backfill(machine, definition, schedule, parallel=1, changed=stop_after_two).run(SLOTS)
    assert found.started < 6
    assert found.left == 6 - found.started
    done = len(calls)
    run(tmp_path, SLOTS)
    assert len(calls) == 6
    assert done < 6


def test_no_more_run_at_once_than_were_asked_for(tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:
        most = 0
        submit = machine._invoker.submit

        def counted(call: Any) -> None:
            nonlocal most
            submit(call)
            most = max(most, machine.home.journal.unfinished(source="backfill:tides"))

        machine._invoker.submit = counted  # type: ignore[method-assign]
        Backfill(machine, definition, schedule, parallel=3).run(SLOTS)
    assert most == 3


def test_a_schedule_has_to_be_clear() -> None:
    two = Pipeline("two")

    @two.task
    def work(event: Any, context: Context) -> None: ...

    two.every(hours(1), work, name="hourly")
    two.every(days(1), work, name="daily")
    built = two.build()
    assert schedule_of(built, "daily").name == "daily"
    with pytest.raises(UsageError, match="2 schedules"):
        schedule_of(built, None)
    with pytest.raises(NotFoundError, match="no schedule 'weekly'"):
        schedule_of(built, "weekly")
