"""Tasks: one handler with what it may touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from penstock.model.access import Grant
from penstock.model.metrics import Metric


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A handler, its limits and its grants.

    Attributes:
        handler: ``handler(event, context) -> JSON value``.
        memory_mb: the memory class (MB), from which Lambda also derives the CPU share.
        timeout_seconds: an invocation that takes longer is killed.
        grants: everything that the task may do.
        errors: the metric that counts failed invocations (0 for a success).
        duration: the metric of an invocation's time, in milliseconds.
    """

    name: str
    handler: Callable[[Any, Any], Any]
    memory_mb: int = 128
    timeout_seconds: float = 30
    grants: tuple[Grant, ...] = ()
    errors: Metric | None = None
    duration: Metric | None = None
    description: str = ""
    place: str = ""

    def __call__(self, event: Any, context: Any) -> Any:
        """Calls the handler, as tests do."""
        return self.handler(event, context)
