"""Which executions can leave memory: those that only wait. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Container

from penstock import states

# A shorter wait is spent in memory: to park and to come back costs two writes and a replay.
WAIT_SECONDS = 5.0
CROWDED_WAIT_SECONDS = 0.5
# An event is replayed in about 30 µs; so much more wait for each keeps what replays cost below a hundredth.
WAIT_SECONDS_PER_EVENT = 0.003


def wake_at(state: states.ExecutionState, submitted: Container[str]) -> float | None:
    """Returns until when an execution only waits; infinity if no timer ends that, None if it does not only wait.

    Args:
        submitted: tokens of the tasks whose requests were done, so that their ends come by mail.
    """
    soonest = math.inf
    for token, entry in state.outstanding.items():
        command = entry.command
        if isinstance(command, states.StartTimer):
            soonest = min(soonest, command.due_at)
        elif isinstance(command, states.InvokeTask) and token not in submitted:
            return None
    return soonest


def worth_parking_seconds(events: int, *, crowded: bool) -> float:
    """Returns how long an execution must have to wait for parking to be worth it.

    Args:
        events: how many it would have to replay.
        crowded: whether others need its room.
    """
    return CROWDED_WAIT_SECONDS if crowded else WAIT_SECONDS + events * WAIT_SECONDS_PER_EVENT
