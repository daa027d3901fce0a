"""Whatever happens, in whatever order: an execution's invariants hold, and replaying its events gives the same."""

import itertools
import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.states import (
    CancelTask,
    CancelTimer,
    Event,
    ExecutionContext,
    Finish,
    HistoryEntry,
    InvokeTask,
    Machine,
    Redriven,
    StartTimer,
    Step,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskSucceeded,
    TimerFired,
    parse,
    pending,
    start,
    step,
)

CONTEXT = ExecutionContext("e", "e", 0.0, "m", "m")
RETRY = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]


def machines(depth: int = 2, *, may_fail: bool = True) -> st.SearchStrategy[Any]:
    """Chains of all types of state, some with Retry, Catch and timeouts."""
    task = st.fixed_dictionaries(
        {"Type": st.just("Task"), "Resource": st.just("r")},
        optional={"Retry": st.just(RETRY), "TimeoutSeconds": st.just(10), "HeartbeatSeconds": st.just(5)},
    )
    wait = st.fixed_dictionaries({"Type": st.just("Wait"), "Seconds": st.integers(0, 9)})
    kinds = [task, wait, st.just({"Type": "Pass"}), st.just({"Type": "Choice"})]
    if may_fail:
        kinds.append(st.just({"Type": "Fail", "Error": "F"}))
    if depth:
        inner = machines(depth - 1, may_fail=may_fail)
        kinds.append(
            st.fixed_dictionaries(
                {"Type": st.just("Parallel"), "Branches": st.lists(inner, min_size=1, max_size=3)},
                optional={"Retry": st.just(RETRY)},
            )
        )
    return st.lists(st.tuples(st.one_of(kinds), st.booleans()), min_size=1, max_size=3)


def document(chain: Any, names: Any) -> dict[str, Any]:
    labels = [f"S{next(names)}" for _ in chain]
    states: dict[str, Any] = {}
    for number, (body, is_caught) in enumerate(chain):
        state = {**body}
        if "Branches" in state:
            state["Branches"] = [document(inner, names) for inner in state["Branches"]]
        onward = {"Next": labels[number + 1]} if number + 1 < len(labels) else {"End": True}
        if state["Type"] == "Choice":
            end = f"S{next(names)}"
            states[end] = {"Type": "Succeed"}
            state["Choices"] = [{"Variable": "$.t", "IsPresent": True, "Next": end}]
            state["Default"] = onward.get("Next", end)
        elif state["Type"] == "Fail" and "Next" in onward:
            state = {"Type": "Pass", **onward}
        elif state["Type"] != "Fail":
            state |= onward
        if is_caught and state["Type"] in {"Task", "Parallel"}:
            caught = f"S{next(names)}"
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": caught}]
            states[caught] = {"Type": "Pass", "End": True}
        states[labels[number]] = state
    return {"StartAt": labels[0], "States": states}


class World:
    """Keeps what is outstanding, and checks each command against it."""

    def __init__(self) -> None:
        self.tasks: dict[str, InvokeTask] = {}
        self.timers: dict[str, StartTimer] = {}
        self.used: set[str] = set()
        self.finished: Finish | None = None

    def obey(self, commands: list[Any]) -> None:
        for command in commands:
            assert self.finished is None, "nothing is asked for after the end"
            match command:
                case InvokeTask():
                    assert command.token not in self.used
                    self.used.add(command.token)
                    self.tasks[command.token] = command
                case StartTimer():
                    assert command.token not in self.used
                    self.used.add(command.token)
                    self.timers[command.token] = command
                case CancelTask():
                    del self.tasks[command.token]
                case CancelTimer():
                    del self.timers[command.token]
                case Finish():
                    self.finished = command


def draw_event(world: World, at: float, data: st.DataObject, *, may_beat: bool) -> tuple[Any, float]:
    """Answers one of the tasks or timers that are outstanding."""
    token = data.draw(st.sampled_from(sorted([*world.tasks, *world.timers])))
    if token in world.timers:
        at = max(at, world.timers.pop(token).due_at)
        return TimerFired(token=token, at=at), at
    if may_beat and data.draw(st.booleans()):
        return TaskHeartbeat(token=token, at=at), at
    del world.tasks[token]
    if data.draw(st.booleans()):
        return TaskSucceeded(token=token, output={"t": token}, at=at), at
    return TaskFailed(token=token, error="E", at=at), at


def assert_ignored(current: Step, token: str) -> None:
    """No event of a token that nobody waits for changes anything, or asks for anything."""
    before = (pending(current.state), current.state.active(), current.state.status, current.state.told)
    for event in (
        TaskSucceeded(token=token, output=1, at=0.0),
        TaskFailed(token=token, error="X", at=0.0),
        TaskHeartbeat(token=token, at=0.0),
        TimerFired(token=token, at=0.0),
    ):
        ignored = step(current.state.machine, current.state, event, history=True)
        assert (ignored.commands, ignored.history) == ([], [])
    assert (pending(current.state), current.state.active(), current.state.status, current.state.told) == before


@settings(max_examples=100, deadline=None)
@given(machines(), st.data())
def test_every_execution_ends_and_replays_to_the_same(chain: Any, data: st.DataObject) -> None:
    machine = parse(json.dumps(document(chain, itertools.count())))
    world, events, at = World(), [], 0.0
    current = start(machine, {}, CONTEXT, at=at, seed="e")
    asked = [current.commands]
    world.obey(current.commands)
    for turn in range(300):
        if world.finished is not None:
            break
        assert world.tasks or world.timers, "something is awaited until the end"
        event, at = draw_event(world, at, data, may_beat=turn < 6)
        events.append(event)
        current = step(machine, current.state, event)
        asked.append(current.commands)
        world.obey(current.commands)
        awaited = {command.token for command in pending(current.state) if not isinstance(command, Finish)}
        assert awaited == {*world.tasks, *world.timers}
        for token in data.draw(st.lists(st.sampled_from([*sorted(world.used - awaited), "unknown"]), max_size=2)):
            assert_ignored(current, token)
    assert world.finished is not None
    assert pending(current.state) == [world.finished]

    recorded = [msgspec.json.decode(msgspec.json.encode(event), type=Event) for event in events]
    assert recorded == events
    told = replayed(machine, recorded, asked)
    assert told == replayed(machine, recorded, asked), "history follows from the events"
    assert len(told) == current.state.told
    assert told[-1].type == {"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed"}[current.state.status]


def replayed(machine: Machine, events: list[Any], asked: list[list[Any]]) -> list[HistoryEntry]:
    """Feeds recorded events again; they must ask for the same. Returns the history."""
    again = start(machine, {}, CONTEXT, at=0.0, seed="e", history=True)
    commands, told = [again.commands], list(again.history)
    for event in events:
        again = step(machine, again.state, event, history=True)
        commands.append(again.commands)
        told += again.history
    assert commands == asked
    return told


@settings(max_examples=60, deadline=None)
@given(machines(may_fail=False), st.data())
def test_a_failed_or_stopped_execution_can_be_redriven_to_success(chain: Any, data: st.DataObject) -> None:
    machine = parse(json.dumps(document(chain, itertools.count())))
    world = World()
    current = start(machine, {}, CONTEXT, at=0.0, seed="e")
    world.obey(current.commands)
    done: set[str] = set()
    for _ in range(data.draw(st.integers(0, 4))):
        if world.finished is None and world.tasks:
            token, task = sorted(world.tasks.items())[0]
            del world.tasks[token]
            done.add(task.key)
            current = step(machine, current.state, TaskSucceeded(token=token, output={}, at=0.0))
            world.obey(current.commands)
    if world.finished is None:
        current = step(machine, current.state, Stopped(error="Stop", cause="", at=1.0))
        world.obey(current.commands)
        assert world.finished == Finish(status="ABORTED", error="Stop")
        assert not world.tasks
        assert not world.timers
        world.finished = None
        current = step(machine, current.state, Redriven(at=2.0))
        world.obey(current.commands)
    for _ in range(200):
        if world.finished is not None:
            break
        if world.tasks:
            token, task = world.tasks.popitem()
            assert task.key not in done, "what succeeded does not run again"
            current = step(machine, current.state, TaskSucceeded(token=token, output={}, at=3.0))
        else:
            token, timer = world.timers.popitem()
            current = step(machine, current.state, TimerFired(token=token, at=timer.due_at))
        world.obey(current.commands)
    assert world.finished is not None
    assert world.finished.status == "SUCCEEDED"


def test_a_redrive_goes_back_to_what_a_catch_led_away_from() -> None:
    task = {"Type": "Task", "Resource": "r"}
    branches = [{"StartAt": n, "States": {n: {**task, "End": True}}} for n in ("a", "b")]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Tell"}]
    states = {
        "P": {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True},
        "Tell": {**task, "Next": "Failed"},
        "Failed": {"Type": "Fail", "Error": "E"},
    }
    machine = parse(json.dumps({"StartAt": "P", "States": states}))
    current = start(machine, {}, CONTEXT, at=0.0, seed="e")
    a, b = [command for command in current.commands if isinstance(command, InvokeTask)]
    current = step(machine, current.state, TaskSucceeded(token=a.token, output="A", at=1.0))
    current = step(machine, current.state, TaskFailed(token=b.token, error="X", at=1.0))
    (tell,) = [command for command in current.commands if isinstance(command, InvokeTask)]
    current = step(machine, current.state, TaskSucceeded(token=tell.token, output=None, at=1.0))
    assert current.state.status == "FAILED"
    current = step(machine, current.state, Redriven(at=2.0))
    (again,) = current.commands
    assert isinstance(again, InvokeTask)
    assert (again.state_name, again.key) == ("b", b.key)
    current = step(machine, current.state, TaskSucceeded(token=again.token, output="B", at=3.0))
    assert current.commands == [Finish(status="SUCCEEDED", output=["A", "B"])]
