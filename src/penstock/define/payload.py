"""What the builder's Task states send to a function: the event, and what a context says of its execution."""

from __future__ import annotations

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
