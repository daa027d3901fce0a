"""The log of a function: one JSON document a line, so that Logs Insights can ask for its fields."""

from __future__ import annotations

import json
import sys
from typing import Any

from penstock.ports.invoke import Call, Reply

CAUSE_CHARACTERS = 8192


def write_line(text: str) -> None:
    """Writes one line; the pipe to Lambda is flushed, as the process may be frozen at any time."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def call_line(call: Call, reply: Reply, *, request_id: str, cold: bool, trace_id: str) -> str:
    """Returns what is written about a call that ended."""
    line: dict[str, Any] = {
        "level": "ERROR" if reply.error else "INFO",
        "message": f"{call.task} {'failed' if reply.error else 'succeeded'}",
        "pipeline": call.pipeline,
        "task": call.task,
        "execution": call.execution,
        "state": call.state,
        "attempt": call.attempt,
        "duration_ms": round(reply.duration_seconds * 1000, 3),
        "cold_start": cold,
        "request_id": request_id,
    }
    if trace_id:
        line["trace_id"] = trace_id
    if reply.error:
        line |= {"error": reply.error, "cause": (reply.cause or "")[:CAUSE_CHARACTERS]}
    return json.dumps(line, separators=(",", ":"))
