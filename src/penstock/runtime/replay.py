"""An execution's state and history follow from its journaled events, in any process and at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from penstock import states
from penstock.ports.journal import Execution, Recorded
from penstock.runtime.names import name_of

decode_event = msgspec.json.Decoder(states.Event).decode


def context_of(execution: Execution, region: str = "") -> states.ExecutionContext:
    """Returns what the state machine knows of the execution; ``region`` is that of its pipeline."""
    return states.ExecutionContext(
        execution_id=execution.id,
        execution_name=name_of(execution.id),
        started_at=execution.began_at,
        machine_id=f"{execution.pipeline}.{execution.workflow}",
        machine_name=execution.workflow,
        region=region,
    )


def begin(execution: Execution, machine: Any, *, history: bool = False, region: str = "") -> states.Step:
    """Returns the first step of an execution."""
    context = context_of(execution, region)
    value = msgspec.json.decode(execution.input)
    return states.start(machine, value, context, at=context.started_at, seed=execution.id, history=history)


class Replayed(NamedTuple):
    """An execution after its events.

    Attributes:
        commands: what is outstanding, but for the requests that were done.
        submitted: the tasks whose requests were done and which still wait for their ends, by their tokens.
    """

    state: states.ExecutionState
    commands: list[states.Command]
    submitted: dict[str, states.InvokeTask]


def replay(execution: Execution, machine: Any, recorded: Iterable[Recorded]) -> Replayed:
    """Returns an execution's state after its events, and what is outstanding."""
    state = begin(execution, machine).state
    done: set[str] = set()
    for entry in recorded:
        event = decode_event(entry.event)
        if isinstance(event, states.TaskSubmitted):
            done.add(event.token)
        state = states.step(machine, state, event).state
    commands: list[states.Command] = []
    submitted: dict[str, states.InvokeTask] = {}
    for command in states.pending(state):
        if isinstance(command, states.InvokeTask) and command.token in done:
            submitted[command.token] = command
        else:
            commands.append(command)
    return Replayed(state, commands, submitted)


def history(
    execution: Execution, machine: Any, recorded: Iterable[Recorded], region: str = ""
) -> list[states.HistoryEntry]:
    """Returns everything that happened in an execution, in order; tasks are told as of ``region``, if it is known."""
    if execution.started_at is None:
        return []
    step = begin(execution, machine, history=True, region=region)
    entries = list(step.history)
    for entry in recorded:
        step = states.step(machine, step.state, decode_event(entry.event), history=True)
        entries += step.history
    return entries
