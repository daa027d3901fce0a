"""The context object. https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any

from penstock.states.execution import ExecutionState, Frame


def context_object(state: ExecutionState, frame: Frame, key: str) -> dict[str, Any]:
    """Returns what ``$$`` names, for a frame in its present state."""
    context = state.context
    iteration = _iteration(frame)
    made: dict[str, Any] = (
        {} if iteration is None else {"Map": {"Item": {"Index": iteration[0], "Value": iteration[1]}}}
    )
    return made | {
        "Execution": {
            "Id": context.execution_id,
            "Name": context.execution_name,
            "Input": state.input,
            "StartTime": iso_time(context.started_at),
            "RoleArn": context.role,
            "RedriveCount": state.redrives,
        },
        "StateMachine": {"Id": context.machine_id, "Name": context.machine_name},
        "State": {
            "Name": "" if frame.state is None else frame.state.name,
            "EnteredTime": iso_time(frame.entered_at),
            "RetryCount": frame.attempt,
        },
        "Task": {"Token": f"{key}#{frame.attempt}"},
    }


def _iteration(frame: Frame) -> tuple[int, Any] | None:
    """Returns the innermost iteration that a frame is in."""
    inner: Frame | None = frame
    while inner is not None:
        if inner.item is not None:
            return inner.item
        inner = inner.parent
    return None


@functools.lru_cache(maxsize=1024)
def iso_time(at: float) -> str:
    """Returns a time as the context object writes it, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
