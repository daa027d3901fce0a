"""What an execution asks of the world."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class InvokeTask(msgspec.Struct, frozen=True, kw_only=True):
    """Call a task.

    Attributes:
        token: names this attempt; the answer must carry it.
        key: the same for all attempts of one visit of one state: an idempotency key.
        input: the effective input, after InputPath and Parameters.
        attempt: counts from 0.
        timeout_seconds, heartbeat_seconds: the state's limits, kept by the machine's own timers.
    """

    token: str
    key: str
    state_name: str
    resource: str
    input: Any
    attempt: int
    timeout_seconds: float | None = None
    heartbeat_seconds: float | None = None


class CancelTask(msgspec.Struct, frozen=True):
    """Nobody waits for this task any more."""

    token: str


class StartTimer(msgspec.Struct, frozen=True):
    """Say when a moment has come. ``due_at`` is in seconds since the epoch."""

    token: str
    due_at: float


class CancelTimer(msgspec.Struct, frozen=True):
    """Nobody waits for this timer any more."""

    token: str


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """The execution is over."""

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    output: Any = None
    error: str = ""
    cause: str = ""


Command = InvokeTask | CancelTask | StartTimer | CancelTimer | Finish
