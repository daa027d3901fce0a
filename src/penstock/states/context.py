"""The context object. https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any

from penstock.states.execution import ExecutionState, Frame

# Only who has to answer by a token is told of one.
CALLBACK = ".waitForTaskToken"


def context_object(state: ExecutionState, frame: Frame, key: str) -> dict[str, Any]:
    """Returns what ``$$`` names, for a frame in its present state."""
    context = state.context
    execution = {
        "Id": context.execution_id,
        "Name": context.execution_name,
        "Input": state.input,
        "StartTime": iso_time(context.started_at),
        "RoleArn": context.role,
        "RedriveCount": state.redrives,
    }
    if state.redriven_at is not None:
        execution["RedriveTime"] = iso_time(state.redriven_at)
    item = _item(frame)
    # What a Map's selector sees is the Map's state: the iteration has entered none yet.
    inside = frame.parent if frame.state is None and frame.parent is not None else frame
    made: dict[str, Any] = {} if item is None else {"Map": {"Item": item}}
    if inside.state is not None and inside.state.resource.endswith(CALLBACK):
        made["Task"] = {"Token": f"{key}#{frame.attempt}"}
    return made | {
        "Execution": execution,
        "StateMachine": {"Id": context.machine_id, "Name": context.machine_name},
        "State": {
            "Name": "" if inside.state is None else inside.state.name,
            "EnteredTime": iso_time(inside.entered_at),
            "RetryCount": inside.attempt,
        },
    }


def _item(frame: Frame) -> dict[str, Any] | None:
    """Returns the item of the innermost iteration that a frame is in."""
    inner: Frame | None = frame
    while inner is not None:
        if inner.item is not None:
            item = inner.item
            key = {} if item.key is None else {"Key": item.key}
            return {"Index": item.index, "Value": item.value, **key, "Source": item.source}
        inner = inner.parent
    return None


@functools.lru_cache(maxsize=1024)
def iso_time(at: float) -> str:
    """Returns a time as the context object writes it, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
