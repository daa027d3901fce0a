"""The journal: the durable history of executions.

Guarantees that every adapter gives: what a closed transaction wrote is never lost and never half there; an
execution's events keep their order; an execution has one owner at a time; mail that was accepted is kept until its
owner takes it or the execution is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from penstock.model.workflow import Workflow


class Status(StrEnum):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html, and PENDING."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"

    @property
    def is_final(self) -> bool:
        return self not in {Status.PENDING, Status.RUNNING}


class Execution(msgspec.Struct, kw_only=True):
    """One run of a workflow.

    Attributes:
        version: the workflow version that it was started with, and finishes under.
        input, output: JSON documents.
        source: what started it: ``manual``, ``schedule:NAME``, ``object:KEY``, ``replay:ID``, ``execution:ID``.
        slot: the logical time, for a scheduled execution (seconds since the epoch).
        root: the execution that this one follows from; itself for a first one.
        owner: the process that drives it.
        wake_at: of a parked execution, when it goes on by itself (seconds since the epoch; infinity: only mail can
            wake it). None for one that is not parked.
        redrives: how many times it was sent through again.
        dead_letter: it failed for good and nobody has put it through again.
    """

    id: str
    pipeline: str
    workflow: str
    version: str
    input: bytes
    source: str
    root: str
    created_at: float
    slot: float | None = None
    status: Status = Status.PENDING
    started_at: float | None = None
    stopped_at: float | None = None
    output: bytes | None = None
    error: str | None = None
    cause: str | None = None
    owner: str | None = None
    wake_at: float | None = None
    redrives: int = 0
    dead_letter: bool = False

    @property
    def began_at(self) -> float:
        """When it began, or was asked for while it has not begun (seconds since the epoch)."""
        return self.created_at if self.started_at is None else self.started_at


class Recorded(msgspec.Struct, frozen=True):
    """One event of an execution, with what the invocation reported beside it."""

    sequence: int
    event: bytes
    report: bytes | None = None


class Mail(msgspec.Struct, frozen=True):
    """An event from elsewhere that waits for the owner of its execution. Numbers grow in the order of posting."""

    number: int
    execution: str
    event: bytes


class Outcome(msgspec.Struct, frozen=True):
    """How an execution ended."""

    status: Status
    at: float
    output: bytes | None = None
    error: str | None = None
    cause: str | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which executions to list; absent conditions hold for all.

    Attributes:
        with_map_children: the executions of distributed Maps' items too, as when a ``source`` names them.
    """

    pipelines: tuple[str, ...] = ()
    workflow: str | None = None
    statuses: tuple[Status, ...] = ()
    root: str | None = None
    source: str | None = None
    dead_letter: bool | None = None
    with_map_children: bool = False
    limit: int = 50


class Journal(Protocol):
    """Executions and their events."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Opens a transaction, or joins the one that is open: all of it is written or nothing."""
        ...

    def register(self, pipeline: str, workflows: Sequence[Workflow], at: float) -> None:
        """Keeps the definitions, so that executions can finish under the version that they began with."""
        ...

    def definition(self, version: str) -> bytes:
        """Returns a workflow version's ASL document. Raises NotFoundError."""
        ...

    def create(self, execution: Execution) -> bool:
        """Writes a new execution; False, and nothing is written, if its id is there already."""
        ...

    def start(self, execution: str, at: float) -> None:
        """Marks an execution as running since ``at``."""
        ...

    def append(self, events: Sequence[tuple[str, Recorded]]) -> None:
        """Writes events, each with the id of its execution."""
        ...

    def finish(self, execution: str, outcome: Outcome) -> None:
        """Marks an execution as over and drops its mail. One that did not succeed becomes a dead letter."""
        ...

    def reopen(self, execution: str) -> None:
        """Makes a finished execution PENDING again, without an owner: a redrive."""
        ...

    def bury(self, execution: str) -> None:
        """Takes an execution off the dead letters: it was put through again as another one."""
        ...

    def claim(self, owner: str, pipelines: Sequence[str], limit: int, now: float) -> list[Execution]:
        """Makes unfinished executions that nobody owns the owner's, and returns them.

        Parked ones are taken when they are due or have mail; all in the order in which they could first be taken.
        """
        ...

    def park(self, execution: str, wake_at: float) -> bool:
        """Gives up an execution that only waits, until a moment or until mail comes; False if it has mail already.

        Args:
            wake_at: seconds since the epoch; infinity where nothing but mail can wake it.
        """
        ...

    def next_wake_at(self, pipelines: Sequence[str]) -> float | None:
        """Returns when the first parked execution of some pipelines is due; None if none ever is by itself."""
        ...

    def post(self, execution: str, event: bytes) -> bool:
        """Puts an event into an execution's mailbox; False, and nothing is kept, if it is over or unknown.

        Any process may post. The execution's owner takes each event once; a parked execution is woken.
        """
        ...

    def mail(self, owner: str) -> list[Mail]:
        """Returns the mail of the executions of an owner, oldest first. It stays until it is taken."""
        ...

    def mailbox(self, execution: str) -> list[Mail]:
        """Returns an execution's mail that was not taken yet, oldest first."""
        ...

    def take(self, mail: Mail) -> bool:
        """Removes one piece of mail, in the transaction that journals its event; False if it is gone already."""
        ...

    def await_end(self, execution: str, token: str) -> None:
        """Notes that a task, by its token, waits for the end of an execution. Noting it twice is noting it once."""
        ...

    def take_waiters(self, execution: str) -> list[str]:
        """Returns the tokens of the tasks that wait for an execution's end, and forgets them."""
        ...

    def release(self, owner: str) -> int:
        """Gives up all unfinished executions of an owner; returns how many."""
        ...

    def owners(self) -> list[str]:
        """Returns the owners of unfinished executions."""
        ...

    def get(self, execution: str) -> Execution:
        """Returns an execution by its id or by an unambiguous beginning of it. Raises NotFoundError."""
        ...

    def find(self, which: Filter) -> list[Execution]:
        """Returns executions, newest first."""
        ...

    def unfinished(self, *, root: str | None = None, source: str | None = None, pipeline: str | None = None) -> int:
        """Counts executions that are not over."""
        ...

    def events(self, execution: str) -> list[Recorded]:
        """Returns an execution's events in order."""
        ...

    def has_posted(self) -> bool:
        """Tells whether this process posted since the last call: whoever drives executions takes that at once."""
        ...

    def has_changed(self) -> bool:
        """Tells whether another process wrote, or this one posted, since the last call. Cheap: made for polling."""
        ...
