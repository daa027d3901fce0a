"""What the builder's Task states send to a function: the event, and what a context says of its execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIELDS: dict[str, str] = {
    "event.$": "$",
    "execution.$": "$$.Execution.Name",
    "started_at.$": "$$.Execution.StartTime",
    "input.$": "$$.Execution.Input",
    "state.$": "$$.State.Name",
    "entered_at.$": "$$.State.EnteredTime",
    "attempt.$": "$$.State.RetryCount",
}
PAYLOAD = frozenset(name.removesuffix(".$") for name in FIELDS)


def arguments(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what a Task state calls its resource with, in either query language; nothing where that is computed."""
    given = state.get("Parameters", state.get("Arguments"))
    return given if isinstance(given, Mapping) else {}
