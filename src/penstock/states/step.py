"""The machine's one step: (state, event) → (state, commands, history). Pure, but for the state, which it takes over."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.states import failures
from penstock.states.commands import Command, Finish, InvokeTask
from penstock.states.enter import Runner
from penstock.states.events import (
    Event,
    Redriven,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from penstock.states.execution import ExecutionContext, ExecutionState, Frame
from penstock.states.history import HistoryEntry
from penstock.states.machine import Machine
from penstock.states.task import check_result
from penstock.states.turn import ANSWERED, failure_details, state_of


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
    run.tell_execution("Started", input=value, roleArn=context.role)
    state.root = Frame("", machine, value=value)
    try:
        failures.check_size(value, "The execution's input")
    except failures.StateFailedError as failure:
        run.finish("FAILED", failure.error, failure.cause)
    else:
        run.start_clock()
        run.enter(state.root, machine.start_at, value)
        run.run()
    return Step(state, run.commands, run.history)


def step(machine: Machine, state: ExecutionState, event: Event, *, history: bool = False) -> Step:
    """Feeds one event. The state given is used up; go on with the one returned.

    An event that nothing waits for, such as a second answer of one task, changes nothing.
    """
    run = Runner(state, event.at, history)
    try:
        match event:
            case TaskSucceeded() | TaskFailed():
                _task_ended(run, event)
            case TimerFired():
                _timer_fired(run, event)
            case TaskSubmitted():
                _task_submitted(run, event)
            case TaskHeartbeat():
                _heartbeat(run, event)
            case Stopped():
                _stop(run, event)
            case Redriven():
                _redrive(run)
    except failures.HistoryFullError:
        run.end_full()
    run.run()
    return Step(state, run.commands, run.history)


def pending(state: ExecutionState) -> list[Command]:
    """Returns the commands that are outstanding: what a process that starts again must ask for once more."""
    if state.status != "RUNNING":
        return [
            Finish(status=state.status, output=state.output, error=state.error, cause=state.cause)  # type: ignore[arg-type]
        ]
    return [entry.command for entry in state.outstanding.values()]


def _stop(run: Runner, event: Stopped) -> None:
    if run.state.status == "RUNNING":
        run.finish("ABORTED", event.error, event.cause)


def _task_ended(run: Runner, event: TaskSucceeded | TaskFailed) -> None:
    entry = run.state.outstanding.get(event.token)
    if entry is None or entry.kind not in ANSWERED:
        return
    frame, is_map = entry.frame, entry.kind == "map"
    run.settle(frame)
    if isinstance(event, TaskFailed):
        details = failure_details(event.error, event.cause)
        if is_map:
            run.tell("MapRunFailed", frame, **details)
        else:
            run.tell_task(frame, "Failed", token=event.token, **details)
        run.fail(frame, event.error, event.cause)
        return
    if is_map:
        run.tell("MapRunSucceeded", frame)
        run.tell("MapStateSucceeded", frame)
    else:
        run.tell_task(frame, "Succeeded", token=event.token, output=event.output)
    run.leave(frame, event.output)


def _task_submitted(run: Runner, event: TaskSubmitted) -> None:
    entry = run.state.outstanding.get(event.token)
    if entry is None or entry.kind != "task":
        return
    try:
        check_result(state_of(entry.frame), event.output)
    except failures.StateFailedError as failure:
        run.give_up(entry.frame)
        run.fail(entry.frame, failure.error, failure.cause)
    else:
        run.tell_task(entry.frame, "Submitted", token=event.token, output=event.output)


def _timer_fired(run: Runner, event: TimerFired) -> None:
    entry = run.state.outstanding.get(event.token)
    if entry is None or entry.kind in ANSWERED:
        return
    frame = entry.frame
    match entry.kind:
        case "execution":
            del run.state.outstanding[event.token]
            run.finish("TIMED_OUT", failures.TIMEOUT)
        case "timeout" | "heartbeat":
            token = frame.tokens.get("task", "")
            del run.state.outstanding[event.token]
            del frame.tokens[entry.kind]
            run.give_up(frame)
            run.tell_task(frame, "TimedOut", token=token, error=failures.TIMEOUT)
            known_as = failures.HEARTBEAT_TIMEOUT if entry.kind == "heartbeat" else ""
            run.fail(frame, failures.TIMEOUT, "", known_as)
        case "wait":
            run.settle(frame)
            run.leave(frame, None)
        case _:
            run.settle(frame)
            run.begin(frame)


def _heartbeat(run: Runner, event: TaskHeartbeat) -> None:
    entry = run.state.outstanding.get(event.token)
    if entry is not None and isinstance(entry.command, InvokeTask) and "heartbeat" in entry.frame.tokens:
        run.restart_heartbeat(entry.frame, entry.command.heartbeat_seconds or 0)


def _redrive(run: Runner) -> None:
    state = run.state
    if state.status not in {"FAILED", "TIMED_OUT", "ABORTED"} or state.root is None:
        return
    state.status, state.error, state.cause = "RUNNING", "", ""
    state.redrives += 1
    state.redriven_at = run.at
    state.transitions = 0
    run.tell_execution("Redriven", redriveCount=state.redrives)
    run.start_clock()
    run.resume(state.root)
