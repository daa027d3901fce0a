"""The machine's one step: (state, event) → (state, commands, history). Pure, but for the state, which it takes over."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from penstock.states import failures
from penstock.states.commands import Command, Finish
from penstock.states.enter import Runner
from penstock.states.events import (
    Event,
    Redriven,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskSucceeded,
    TimerFired,
)
from penstock.states.execution import ExecutionContext, ExecutionState, Frame, HistoryEntry
from penstock.states.machine import Machine


class Step(NamedTuple):
    """The state after an event, what it asks for, and what there is to tell."""

    state: ExecutionState
    commands: list[Command]
    history: list[HistoryEntry]


def start(
    machine: Machine, value: Any, context: ExecutionContext, *, at: float, seed: str, history: bool = False
) -> Step:
    """Begins an execution.

    Args:
        value: the execution's input.
        at: seconds since the epoch.
        seed: begins every token, and decides the jitter of retries; equal seeds give equal executions.
        history: tell what happened; costs time.
    """
    state = ExecutionState(machine, context, seed, value)
    run = Runner(state, at, history)
    run.tell("ExecutionStarted", "", input=value)
    state.root = Frame("", machine)
    if len(msgspec.json.encode(value)) > failures.PAYLOAD_LIMIT_BYTES:
        run.finish("FAILED", failures.DATA_LIMIT_EXCEEDED, "The input is larger than 256 KiB")
    else:
        run.start_clock()
        run.enter(state.root, machine.start_at, value)
    return Step(state, run.commands, run.history)


def step(machine: Machine, state: ExecutionState, event: Event, *, history: bool = False) -> Step:
    """Feeds one event. The state given is used up; go on with the one returned.

    An event that nothing waits for, such as a second answer of one task, changes nothing.
    """
    run = Runner(state, event.at, history)
    match event:
        case TaskSucceeded() | TaskFailed():
            _task_ended(run, event)
        case TimerFired():
            _timer_fired(run, event)
        case TaskHeartbeat():
            _heartbeat(run, event)
        case Stopped():
            if state.status == "RUNNING":
                run.cancel_everything()
                run.finish("ABORTED", event.error, event.cause)
        case Redriven():
            _redrive(run, event)
    return Step(state, run.commands, run.history)


def pending(state: ExecutionState) -> list[Command]:
    """Returns the commands that are outstanding: what a process that starts again must ask for once more."""
    if state.status != "RUNNING":
        return [
            Finish(status=state.status, output=state.output, error=state.error, cause=state.cause)  # type: ignore[arg-type]
        ]
    return [entry.command for entry in state.outstanding.values()]


def _task_ended(run: Runner, event: TaskSucceeded | TaskFailed) -> None:
    entry = run.state.outstanding.get(event.token)
    if entry is None or entry.kind != "task":
        return
    frame = entry.frame
    run.settle(frame)
    if isinstance(event, TaskFailed):
        run.tell("TaskFailed", frame, error=event.error, cause=event.cause, token=event.token)
        run.fail(frame, event.error, event.cause)
        return
    run.tell("TaskSucceeded", frame, output=event.output, token=event.token)
    run.leave(frame, event.output)


def _timer_fired(run: Runner, event: TimerFired) -> None:
    entry = run.state.outstanding.get(event.token)
    if entry is None or entry.kind == "task":
        return
    frame = entry.frame
    if entry.kind == "execution":
        run.cancel_everything()
        run.finish("TIMED_OUT", failures.TIMEOUT, "")
        return
    if entry.kind in {"timeout", "heartbeat"}:
        error = failures.TIMEOUT if entry.kind == "timeout" else failures.HEARTBEAT_TIMEOUT
        token = frame.tokens.get("task", "")
        del run.state.outstanding[event.token]
        del frame.tokens[entry.kind]
        run.cancel(frame)
        run.tell("TaskTimedOut", frame, error=error, token=token)
        run.fail(frame, error, "")
        return
    run.settle(frame)
    if entry.kind == "wait":
        run.leave(frame, frame.effective)
    else:
        run.begin(frame)


def _heartbeat(run: Runner, event: TaskHeartbeat) -> None:
    entry = run.state.outstanding.get(event.token)
    if entry is not None and entry.kind == "task" and "heartbeat" in entry.frame.tokens:
        run.restart_heartbeat(entry.frame)


def _redrive(run: Runner, event: Redriven) -> None:
    """Continues what did not succeed. Branches that are done stay done; retries count anew."""
    state = run.state
    if state.status not in {"FAILED", "TIMED_OUT", "ABORTED"} or state.root is None:
        return
    state.status, state.error, state.cause = "RUNNING", "", ""
    state.redrives += 1
    run.tell("ExecutionRedriven", "")
    run.start_clock()
    _continue(run, state.root)


def _continue(run: Runner, frame: Frame) -> None:
    if frame.state is None:
        run.enter(frame, frame.machine.start_at, run.state.input if frame.parent is None else frame.value)
        return
    frame.failure = None
    if frame.state.type == "Fail" and frame.caught is not None:
        # A Catch led here only to say so; what is to be put through again is the state that it caught.
        frame.state, frame.number, frame.value, frame.children, frame.results, frame.waiting = frame.caught
        frame.caught = None
    frame.retries = [0] * len(frame.state.retriers)
    if frame.state.type != "Parallel" or not frame.children:
        run.begin(frame, is_again=True)
        return
    children = frame.children
    for child in [child for child in children if not child.is_done]:
        if frame.children is children and run.state.status == "RUNNING":
            _continue(run, child)
