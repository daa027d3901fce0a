"""Ids of executions. What can happen twice gets an id that follows from its cause, so that it is written once.

Step Functions allows 80 characters: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

STEM_LIMIT = 56


def manual_id(pipeline: str, workflow: str, at: float, token: str) -> str:
    """Returns the id of an execution that a person started."""
    return f"{_stem(pipeline, workflow)}-{_stamp(at)}-{token[:6]}"


def slot_id(pipeline: str, schedule: str, slot: float) -> str:
    """Returns the id of the one execution of a schedule's slot."""
    return f"{_stem(pipeline, schedule)}-{_stamp(slot)}"


def object_id(pipeline: str, trigger: str, key: str) -> str:
    """Returns the id of the one execution that a trigger starts for an object."""
    return f"{_stem(pipeline, trigger)}-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def event_id(pipeline: str, trigger: str, event: str) -> str:
    """Returns the id of the one execution that a trigger starts for an event."""
    return object_id(pipeline, trigger, f"event:{event}")


def child_id(pipeline: str, workflow: str, name: str, token: str) -> str:
    """Returns the id of the one execution that a task starts.

    Args:
        name: what the task calls it; its token, which names the attempt, names it otherwise.
    """
    return f"{_stem(pipeline, workflow)}:{name or hashlib.sha256(token.encode()).hexdigest()[:20]}"


def name_of(execution: str) -> str:
    """Returns an execution's name: what was asked for by whoever named it, its id otherwise."""
    return execution.rpartition(":")[2]


def slot_text(slot: float) -> str:
    """Returns a slot as EventBridge Scheduler writes ``<aws.scheduler.scheduled-time>`` into a workflow's input.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    return f"{datetime.fromtimestamp(slot, UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_time(text: Any) -> float | None:
    """Returns an ISO 8601 time in seconds since the epoch, in UTC where it names no zone; None for anything else."""
    try:
        read = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()


def slot_of(value: Any) -> float | None:
    """Returns the logical time that a workflow's input has under ``slot``, in seconds since the epoch, or None."""
    return read_time(value.get("slot")) if isinstance(value, dict) else None


def _stem(pipeline: str, name: str) -> str:
    stem = name if name == pipeline or name.startswith(f"{pipeline}-") else f"{pipeline}-{name}"
    stem = re.sub(r"[^A-Za-z0-9_-]", "-", stem)
    if len(stem) <= STEM_LIMIT:
        return stem
    return f"{stem[: STEM_LIMIT - 7]}-{hashlib.sha256(stem.encode()).hexdigest()[:6]}"


def _stamp(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    fraction = f"{moment.microsecond // 1000:03d}" if at % 1 else ""
    return f"{moment:%Y%m%dT%H%M%S}{fraction}Z"
