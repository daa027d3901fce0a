"""Invocation: one call of one task, somewhere where it can be stopped.

Guarantees: a submitted call is answered exactly once unless it is cancelled; a call that takes longer than its
timeout is stopped first and answered then; a task that dies takes nothing with it.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024


class Call(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a task, or a service, is called with.

    Attributes:
        token: names this attempt.
        key: the same for all attempts of one visit of one state: the idempotency key.
        event: the task's event, a JSON document.
        started_at: when the execution began, as journaled (seconds since the epoch).
        slot: the execution's logical time, if a schedule started it.
        attempt: counts from 0.
        resource: of a service integration; ``task`` is then ``""``, and ``event`` what the service is called with.
        workflow: whose grants such a call has.
    """

    token: str
    key: str
    execution: str
    pipeline: str
    task: str
    state: str
    event: bytes
    started_at: float
    slot: float | None
    attempt: int
    timeout_seconds: float
    resource: str = ""
    workflow: str = ""


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """What a task answered: an output (a JSON document), or an error and its cause.

    Attributes:
        duration_seconds: how long the handler ran.
        memory_mb: the most memory that its process ever held.
    """

    output: bytes | None = None
    error: str | None = None
    cause: str | None = None
    duration_seconds: float = 0.0
    memory_mb: float = 0.0


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an invocation leaves beside its result.

    Attributes:
        log: what the task printed; of a long text its beginning and its end.
        log_bytes: how much it printed.
    """

    duration_seconds: float = 0.0
    memory_mb: float = 0.0
    log: str = ""
    log_bytes: int = 0


class Answer(msgspec.Struct, frozen=True):
    """The end of a call."""

    token: str
    reply: Reply
    report: Report


class Refusal(msgspec.Struct, frozen=True):
    """A call that cannot be made."""

    error: str
    cause: str


class Invoker(Protocol):
    """Calls tasks. Its methods belong to one thread, but for ``wake``."""

    def submit(self, call: Call) -> None:
        """Queues a call. It begins as soon as there is room for it."""
        ...

    def cancel(self, token: str) -> None:
        """Stops a call that nobody waits for any more; it will not be answered."""
        ...

    def wait(self, timeout_seconds: float) -> list[Answer]:
        """Returns what has been answered, waiting at most so long for a first answer."""
        ...

    def wake(self) -> None:
        """Ends a ``wait``, now or the next one. Safe from any thread and from a signal handler."""
        ...

    def close(self) -> None:
        """Stops all calls and frees everything. Closing twice is a no-op."""
        ...
