"""An execution's state and history follow from its journaled events, in any process and at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from penstock import states
from penstock.ports.journal import Execution, Recorded

_events = msgspec.json.Decoder(states.Event)


def context_of(execution: Execution) -> states.ExecutionContext:
    """Returns what the state machine knows of the execution."""
    started_at = execution.created_at if execution.started_at is None else execution.started_at
    return states.ExecutionContext(
        execution_id=execution.id,
        execution_name=execution.id,
        started_at=started_at,
        machine_id=f"{execution.pipeline}.{execution.workflow}",
        machine_name=execution.workflow,
    )


def begin(execution: Execution, machine: Any, *, history: bool = False) -> states.Step:
    """Returns the first step of an execution."""
    context = context_of(execution)
    value = msgspec.json.decode(execution.input)
    return states.start(machine, value, context, at=context.started_at, seed=execution.id, history=history)


def replay(execution: Execution, machine: Any, recorded: Iterable[Recorded]) -> states.Step:
    """Returns an execution's state after its events, with the commands that are outstanding."""
    state = begin(execution, machine).state
    for entry in recorded:
        state = states.step(machine, state, _events.decode(entry.event)).state
    return states.Step(state, states.pending(state), [])


def history(execution: Execution, machine: Any, recorded: Iterable[Recorded]) -> list[states.HistoryEntry]:
    """Returns everything that happened in an execution, in order."""
    if execution.started_at is None:
        return []
    step = begin(execution, machine, history=True)
    entries = list(step.history)
    for entry in recorded:
        step = states.step(machine, step.state, _events.decode(entry.event), history=True)
        entries += step.history
    return entries
