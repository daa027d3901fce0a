"""What can happen to an execution. Events are all that a journal needs to keep."""

from __future__ import annotations

from typing import Any

import msgspec


class TaskSucceeded(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A task ended with an output."""

    token: str
    output: Any
    at: float


class TaskFailed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A task ended with an error."""

    token: str
    error: str
    cause: str = ""
    at: float


class TaskSubmitted(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A task's request was done; its end is still to come: of a job (``.sync``) or by its token."""

    token: str
    output: Any
    at: float


class TaskHeartbeat(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A task said that it is alive."""

    token: str
    at: float


class TimerFired(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A timer that was asked for is due."""

    token: str
    at: float


class Stopped(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Somebody stopped the execution."""

    error: str = ""
    cause: str = ""
    at: float


class Redriven(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Somebody put a failed execution through again, from where it failed."""

    at: float


Event = TaskSucceeded | TaskFailed | TaskSubmitted | TaskHeartbeat | TimerFired | Stopped | Redriven
