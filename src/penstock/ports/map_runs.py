"""Map runs: what is known of the distributed Maps that are running, and of their children.

A map run is a row; so is each child, which is an execution of the journal. Guarantees that every adapter gives: what
was written is there after a crash, in whole; calls inside an open transaction of the journal are part of it; a map run
has one owner at a time, and an item is given to one child.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-examine-map-run.html
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from penstock.ports.journal import Execution, Status


class MapRunStatus(StrEnum):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html, and the ways to an end.

    STOPPING: it will have FAILED, and ABORTING: it will have been ABORTED, when its last child has ended.
    """

    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    ABORTING = "ABORTING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"

    @property
    def is_final(self) -> bool:
        return self in {MapRunStatus.SUCCEEDED, MapRunStatus.FAILED, MapRunStatus.ABORTED}


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """How many were begun and have not ended, and how many ended how."""

    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0


class MapRun(msgspec.Struct, frozen=True, kw_only=True):
    """One map run. Times are in seconds since the epoch.

    Attributes:
        token: the command's that it answers; ``execution`` is the parent's id.
        arn: what the Map's output calls it.
        version: the workflow version of the children; ``workflow`` is the parent's.
        root: what the children follow from.
        label: the Map's own name in the names of its children's state machine.
        is_batched: a child has several items.
        given: how many items were given to children; ``children`` how many of those there are.
        is_read: there are no more items.
        error, cause: why it is being stopped.
        redrives: how many times it was sent through again; ``waiting`` how many children are still to be.
        changes: counts what was written of it, so that it is seen whether anything happened meanwhile.
    """

    id: str
    token: str
    execution: str
    arn: str
    pipeline: str
    workflow: str
    version: str
    root: str
    label: str
    started_at: float
    is_batched: bool = False
    status: MapRunStatus = MapRunStatus.RUNNING
    stopped_at: float | None = None
    error: str = ""
    cause: str = ""
    owner: str | None = None
    redrives: int = 0
    given: int = 0
    children: int = 0
    is_read: bool = False
    waiting: int = 0
    changes: int = 0
    items: Ends = Ends()
    executions: Ends = Ends()


class MapRunStore(Protocol):
    """Map runs and their children."""

    def create(self, run: MapRun, command: bytes) -> bool:
        """Writes a new map run with what it was asked; False, and nothing is written, if its token is there already."""
        ...

    def get(self, run: str) -> MapRun:
        """Returns a map run by its id. Raises NotFoundError."""
        ...

    def by_token(self, token: str) -> MapRun | None:
        """Returns the map run that answers a token, or None."""
        ...

    def command(self, run: str) -> bytes:
        """Returns what a map run was asked. Raises NotFoundError."""
        ...

    def due(self, owner: str) -> list[MapRun]:
        """Returns an owner's map runs that are not over and of which anything changed, oldest first."""
        ...

    def rest(self, run: MapRun) -> None:
        """Makes a map run be due no more until anything changes, unless it has since it was read."""
        ...

    def claim(self, owner: str, pipelines: Sequence[str]) -> int:
        """Makes map runs that are not over and that nobody owns the owner's; returns how many."""
        ...

    def release(self, owner: str) -> int:
        """Gives up all of an owner's map runs that are not over; returns how many."""
        ...

    def owners(self) -> list[str]:
        """Returns the owners of map runs that are not over."""
        ...

    def begun(self, run: str, *, children: int, items: int, is_read: bool) -> None:
        """Counts new children and their items; ``is_read`` tells that there will be no more."""
        ...

    def resumed(self, run: str, status: Status, items: int) -> None:
        """Counts a child that had ended with a status as running again."""
        ...

    def ended(self, run: str, status: Status, items: int) -> bool:
        """Counts the end of a child with so many items; False, and nothing is counted, if the map run is over."""
        ...

    def stop(self, run: str, status: MapRunStatus, error: str = "", cause: str = "") -> bool:
        """Marks a RUNNING map run as STOPPING or ABORTING; False if it is not running."""
        ...

    def finish(self, run: str, status: MapRunStatus, at: float) -> bool:
        """Marks a map run as over; False if it is already."""
        ...

    def redrive(self, run: str, *, token: str, owner: str, command: bytes) -> None:
        """Makes a map run that is over run again, for another token, and keeps which children are to run again."""
        ...

    def redriven(self, run: str, limit: int) -> list[Execution]:
        """Takes children that are still to run again, in their order; to be reopened in the same transaction."""
        ...

    def children(self, run: str, after: str, limit: int) -> list[Execution]:
        """Returns children in their order, those whose ids come after another's. ``""`` is before all."""
        ...

    def unfinished(self, run: str, after: str, limit: int) -> list[Execution]:
        """Returns children that are not over, as ``children`` does."""
        ...
