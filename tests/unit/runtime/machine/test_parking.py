"""Executions that wait: rows instead of memory, on time, over restarts, and never in the way of others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.machines import BEGAN, TOKEN, Document, Scene, call, one, wait

from penstock.ports.journal import Filter, Status
from penstock.runtime import tokens
from penstock.runtime.machine import worker
from penstock.runtime.machine.parking import worth_parking_seconds
from penstock.runtime.machine.timers import Timers

HOUR = 3600.0
Make = Callable[[dict[str, Document]], Scene]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Make]:
    made: list[Scene] = []

    def make(documents: dict[str, Document]) -> Scene:
        made.append(Scene(tmp_path, documents))
        return made[0]

    yield make
    for each in made:
        each.machine.close()


def then_work(state: Document) -> Document:
    """Returns a state, and the task after it."""
    return {"StartAt": "S", "States": {"S": {**state, "Next": "T"}, "T": {**call(), "End": True}}}


def test_a_long_wait_is_a_row(scene: Make) -> None:
    s = scene({"w": then_work(wait(HOUR))})
    execution = s.start("w")
    found = s.get(execution)
    assert (found.status, found.owner, found.wake_at) == (Status.RUNNING, None, BEGAN + HOUR)
    assert s.machine.active == 0
    assert s.machine.next_due_at() == BEGAN + HOUR
    s.advance(HOUR - 1)
    assert s.events == []
    s.advance(1)
    assert (len(s.events), s.get(execution).status, s.get(execution).stopped_at) == (1, "SUCCEEDED", BEGAN + HOUR)


def test_a_short_wait_stays_in_memory(scene: Make) -> None:
    s = scene({"w": one(wait(4))})
    execution = s.start("w")
    assert (s.machine.active, s.get(execution).wake_at) == (1, None)
    s.advance(4)
    assert s.get(execution).status is Status.SUCCEEDED


def test_nothing_is_parked_while_a_task_is_called(scene: Make) -> None:
    branches = [one(wait(HOUR), "A"), one(call(), "B")]
    s = scene({"w": one({"Type": "Parallel", "Branches": branches})})
    execution = s.machine.start("p", {}, "w").id
    assert (s.machine.active, s.get(execution).wake_at) == (1, None)
    s.settle()
    assert (s.machine.active, s.get(execution).wake_at) == (0, BEGAN + HOUR)


@pytest.mark.parametrize("late", [0.0, 86_400.0])
def test_it_goes_on_after_a_restart(scene: Make, late: float) -> None:
    s = scene({"w": then_work(wait(HOUR))})
    execution = s.start("w")
    s.machine.close()
    s.clock.advance(HOUR + late)
    s.machine = s.another()
    s.settle()
    assert (len(s.events), s.get(execution).status) == (1, Status.SUCCEEDED)


def test_the_timeout_of_the_whole_execution_ends_it(scene: Make) -> None:
    s = scene({"w": one(TOKEN, TimeoutSeconds=600)})
    execution = s.start("w")
    assert s.get(execution).wake_at == BEGAN + 600
    s.advance(599)
    assert s.get(execution).status is Status.RUNNING
    s.advance(1)
    found = s.get(execution)
    assert (found.status, found.stopped_at, found.dead_letter) == (Status.TIMED_OUT, BEGAN + 600, True)


def test_the_pause_of_a_retry_is_parked(scene: Make) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 300, "MaxAttempts": 1}]
    s = scene({"w": one(call(Retry=retry))})
    s.work = lambda event: 1 / 0 if len(s.events) == 1 else event
    execution = s.start("w")
    assert s.get(execution).wake_at == BEGAN + 300
    assert s.finish(execution).status is Status.SUCCEEDED
    assert (len(s.events), s.now) == (2, 300)


def test_a_parked_execution_can_be_stopped(scene: Make) -> None:
    s = scene({"w": then_work(wait(HOUR))})
    execution = s.start("w")
    assert s.machine.stop_execution(execution, "Enough", "a person said so")
    s.settle()
    found = s.get(execution)
    assert (found.status, found.error, found.cause, found.wake_at) == ("ABORTED", "Enough", "a person said so", None)
    assert not s.machine.stop_execution(execution)
    s.advance(2 * HOUR)
    assert s.events == []


def test_a_failed_one_is_redriven_into_its_wait(scene: Make) -> None:
    s = scene({"w": one(TOKEN, TimeoutSeconds=600)})
    execution = s.start("w")
    s.advance(600)
    s.machine.redrive(execution)
    s.settle()
    found = s.get(execution)
    assert (found.status, found.wake_at, found.redrives) == (Status.RUNNING, BEGAN + 1200, 1)


def test_what_waits_leaves_room_for_others(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ACTIVE_LIMIT", 4)
    s = scene({"w": one(TOKEN), "short": one(wait(3)), "quick": one({"Type": "Pass"})})
    for _ in range(9):
        s.start("w")
        s.start("short")
    # Others need the room, so that even three seconds are parked.
    assert s.machine.active <= 3
    execution = s.start("quick")
    assert s.get(execution).status is Status.SUCCEEDED
    s.advance(3)
    assert len(s.journal.find(Filter(workflow="short", statuses=(Status.SUCCEEDED,)))) == 9


def test_many_that_are_due_at_once_all_go_on(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ACTIVE_LIMIT", 7)
    s = scene({"w": one(wait(HOUR))})
    for _ in range(50):
        s.machine.start("p", {}, "w")
    s.advance(HOUR)
    assert len(s.journal.find(Filter(statuses=(Status.SUCCEEDED,)))) == 50


def test_of_two_machines_one_goes_on(scene: Make) -> None:
    s = scene({"w": then_work(wait(HOUR))})
    other = s.another()
    execution = s.start("w")
    s.clock.advance(HOUR)
    for _ in range(5):
        other.step("")
        s.machine.step("")
    other.close()
    assert s.get(execution).status is Status.SUCCEEDED
    assert [event["type"] for event in s.journaled(execution)] == ["TimerFired", "TaskSucceeded"]
    assert len(s.events) == 1


def test_long_histories_are_not_replayed_for_short_waits() -> None:
    assert worth_parking_seconds(0, crowded=False) == 5
    assert worth_parking_seconds(10_000, crowded=False) == pytest.approx(35)
    assert worth_parking_seconds(10_000, crowded=True) == 0.5


def test_an_execution_that_only_waits_for_mail_is_never_due(scene: Make) -> None:
    s = scene({"w": one(TOKEN)})
    execution = s.start("w")
    assert (s.get(execution).wake_at, s.machine.next_due_at()) == (math.inf, None)


def test_after_mail_it_waits_for_more(scene: Make) -> None:
    states = {"A": {**TOKEN, "Next": "B"}, "B": {**TOKEN, "End": True}}
    s = scene({"w": {"StartAt": "A", "States": states}})
    execution = s.start("w")
    tokens.succeed(s.journal, s.events[-1]["token"], b"1", s.clock.now())
    s.machine.step("")
    s.settle()
    assert len(s.events) == 2
    assert (s.get(execution).wake_at, s.machine.next_due_at()) == (math.inf, None)


def test_a_workflow_that_starts_itself_leaves_others_their_turns(tmp_path: Path) -> None:
    start = "arn:aws:states:::states:startExecution"
    forever = one({"Type": "Task", "Resource": start, "Parameters": {"StateMachineArn": "w"}})
    s = Scene(tmp_path, {"w": forever, "quick": one({"Type": "Pass"})}, may={"w": ["w"]})
    s.machine.start("p", {}, "w")
    s.machine.step("")
    quick = s.machine.start("p", {}, "quick").id
    s.machine.step("")
    assert s.get(quick).status is Status.SUCCEEDED
    assert not s.machine.is_idle()
    s.machine.close()


def test_timers_fire_in_order_and_once() -> None:
    timers: Timers[str] = Timers()
    for token, due_at in (("late", 30.0), ("soon", 10.0), ("cancelled", 5.0), ("soon too", 10.0)):
        timers.start(token, due_at, f"owner of {token}")
    timers.cancel("cancelled")
    timers.cancel("unknown")
    assert timers.next_due_at() == 10.0
    assert timers.take_due(9.9) == []
    assert timers.take_due(10.0) == [("soon", "owner of soon"), ("soon too", "owner of soon too")]
    assert timers.take_due(100.0) == [("late", "owner of late")]
    assert timers.next_due_at() is None


def test_cancelled_timers_do_not_pile_up() -> None:
    timers: Timers[str] = Timers()
    for number in range(10_000):
        timers.start(f"{number}", 1e9 + number, "somebody")
        timers.cancel(f"{number}")
    assert len(timers._heap) < 200
