"""An execution's history: events with the types, order, ids and details of AWS.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from penstock.states.missing import shown

# The details that AWS keeps as JSON text, each with the field beside it that tells whether it was cut.
DATA = {"input": "inputDetails", "output": "outputDetails"}
# Types whose details have another's name.
SHARED = re.compile(r"\w+State(Entered|Exited)")


class HistoryEntry(NamedTuple):
    """One event of the history.

    Attributes:
        id: counts the execution's events from 1; ``previous_id`` is the event that it follows from, in its branch.
        at: seconds since the epoch.
        state_name: the state that it happened in; empty for the execution's own.
        details: by their names in AWS, but data are JSON values.
        token: of a task's events, the attempt that they belong to.
        caught: of a state's exit, the error that a Catch led away from.
    """

    id: int
    previous_id: int
    type: str
    at: float
    state_name: str
    details: dict[str, Any]
    token: str = ""
    caught: str = ""


class Called(NamedTuple):
    """How a history names a task: the words that its events begin with, and the details which all of them have."""

    words: str
    details: dict[str, str]


@functools.lru_cache(maxsize=1024)
def called(resource: str) -> Called:
    """Returns how a task's resource is named in the history.

    A function's own ARN and an activity's have events of their own; everything else is ``Task…`` with the service and
    what it is asked for.
    """
    parts = resource.split(":")
    if len(parts) > 5 and parts[2] == "lambda":
        return Called("LambdaFunction", {})
    if len(parts) > 6 and parts[2] == "states" and parts[5] == "activity":
        return Called("Activity", {})
    named = resource.removeprefix("arn:aws:states:::")
    sdk = "aws-sdk:" if named.startswith("aws-sdk:") else ""
    service, _, action = named.removeprefix(sdk).partition(":")
    service = f"{sdk}{service}"
    return Called("Task", {"resourceType": service, "resource": action})


def history_event(entry: HistoryEntry) -> dict[str, Any]:
    """Returns an event as ``GetExecutionHistory`` gives it. Its ``timestamp`` is in seconds since the epoch."""
    event: dict[str, Any] = {
        "timestamp": entry.at, "type": entry.type, "id": entry.id, "previousEventId": entry.previous_id
    }  # fmt: skip
    details: dict[str, Any] = {}
    for name, value in entry.details.items():
        if name in DATA:
            details |= {name: shown(value), DATA[name]: {"truncated": False}}
        elif name == "assignedVariables":
            texts = {variable: shown(inner) for variable, inner in value.items()}
            details |= {name: texts, "assignedVariablesDetails": {"truncated": False}}
        else:
            details[name] = shown(value) if name == "parameters" else value
    if details:
        event[_details_name(entry.type)] = details
    return event


def _details_name(kind: str) -> str:
    shared = SHARED.fullmatch(kind)
    name = f"State{shared[1]}" if shared else kind
    return f"{name[0].lower()}{name[1:]}EventDetails"
