"""Whatever happens, in whatever order: an execution's invariants hold, and replaying its events gives the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InvalidWorkflowError
from penstock.states import (
    CancelTask,
    CancelTimer,
    Event,
    ExecutionContext,
    Finish,
    InvokeTask,
    Redriven,
    StartTimer,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
    lint,
    parse,
    pending,
    start,
    step,
)

CONTEXT = ExecutionContext("e", "e", 0.0, "m", "m")
RETRY = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]


def machines(depth: int = 2) -> st.SearchStrategy[Any]:
    """Chains of tasks, waits and parallels, some with Retry, Catch and timeouts."""
    task = st.fixed_dictionaries(
        {"Type": st.just("Task"), "Resource": st.just("r")},
        optional={"Retry": st.just(RETRY), "TimeoutSeconds": st.just(10), "HeartbeatSeconds": st.just(5)},
    )
    wait = st.fixed_dictionaries({"Type": st.just("Wait"), "Seconds": st.integers(0, 9)})
    kinds = [task, wait, st.just({"Type": "Pass"})]
    if depth:
        inner = machines(depth - 1)
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
        state |= {"Next": labels[number + 1]} if number + 1 < len(labels) else {"End": True}
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


@settings(max_examples=150, deadline=None)
@given(machines(), st.data())
def test_every_execution_ends_and_replays_to_the_same(chain: Any, data: st.DataObject) -> None:
    import itertools

    machine = parse(json.dumps(document(chain, itertools.count())))
    world, events, at = World(), [], 0.0
    current = start(machine, {}, CONTEXT, at=at, seed="e")
    world.obey(current.commands)
    for _ in range(300):
        if world.finished is not None:
            break
        assert world.tasks or world.timers, "something is awaited until the end"
        token = data.draw(st.sampled_from(sorted([*world.tasks, *world.timers])))
        event: Any
        if token in world.tasks:
            del world.tasks[token]
            is_good = data.draw(st.booleans())
            event = (
                TaskSucceeded(token=token, output={}, at=at) if is_good else TaskFailed(token=token, error="E", at=at)
            )
        else:
            at = max(at, world.timers.pop(token).due_at)
            event = TimerFired(token=token, at=at)
        events.append(event)
        current = step(machine, current.state, event)
        world.obey(current.commands)
        repeated = step(machine, current.state, event)
        assert repeated.commands == [], "an event that comes twice changes nothing"
        current = repeated
        awaited = {command.token for command in pending(current.state) if not isinstance(command, Finish)}
        assert awaited == {*world.tasks, *world.timers} or world.finished
    assert world.finished is not None

    again = start(machine, {}, CONTEXT, at=0.0, seed="e")
    for event in events:
        recorded = msgspec.json.decode(msgspec.json.encode(event), type=Event)
        again = step(machine, again.state, recorded)
    assert again.commands[-1] == world.finished
    assert (again.state.status, again.state.output) == (current.state.status, current.state.output)


@settings(max_examples=60, deadline=None)
@given(machines(), st.data())
def test_a_failed_or_stopped_execution_can_be_redriven_to_success(chain: Any, data: st.DataObject) -> None:
    import itertools

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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["Task", "Pass", "Choice", "$.a", "$$", "$.a[", "States.ALL", "A"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["StartAt", "States", "Type", "Next", "End", "Choices", "Variable", "Branches", "Retry",
                         "Catch", "ErrorEquals", "Seconds", "Parameters", "x.$", "A", "And", "Not"])
        | st.text(max_size=5),
        inner, max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_lint_takes_anything_and_parse_takes_what_lint_takes(value: Any) -> None:
    text = json.dumps(value)
    findings = lint(text)
    if not findings:
        parse(text)
        return
    with pytest.raises(InvalidWorkflowError) as refused:
        parse(text)
    assert len(refused.value.data["findings"]) == len(findings)


def test_hostile_documents_are_findings() -> None:
    for text in ("", "{", "[" * 100_000, '{"a":' * 5000, "NaN", '{"A":1,"A":2}', "\x00", b"\xff\xfe", "x" * 2_000_000):
        assert lint(text)


def test_every_mistake_is_found_at_once() -> None:
    text = json.dumps({
        "StartAt": "Missing", "Staets": {}, "TimeoutSeconds": -1,
        "States": {
            "A": {"Type": "Task", "Next": "B", "End": True, "Retry": [{"ErrorEquals": ["States.ALL", "X"]}]},
            "B": {"Type": "Wait", "Seconds": 1, "Timestamp": "soon", "End": True},
            "C": {"Type": "Choice", "Choices": [{"Variable": "x", "NumericEquals": "1", "Next": "Z"}]},
            "D": {"Type": "Map", "End": True},
            "E": {"Type": "Task", "Resource": "r", "Assign": {}, "End": True},
        },
    })  # fmt: skip
    codes = sorted(finding.code for finding in lint(text))
    assert codes == [
        "all", "dangling", "dangling", "not-yet", "not-yet", "path", "required", "transition", "type", "unknown-field",
        "value", "value", "wait",
    ]  # fmt: skip
