"""The bus: what happened in the lake, for whoever must hear of it.

At least once: an object is announced before it is created and confirmed afterwards. An announcement whose writer
died is settled by looking whether the object is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class ObjectCreated(msgspec.Struct, frozen=True, kw_only=True):
    """An object is in a lake table.

    Attributes:
        execution: the execution that wrote it; empty for a file from outside.
    """

    pipeline: str
    table: str
    key: str
    size: int
    at: float
    execution: str = ""


class Announcer(Protocol):
    """Where a writer says what it does, so that nobody misses an object whose writer dies."""

    def announce(self, event: ObjectCreated, *, writer: str) -> None:
        """Says that an object is about to be created. Saying it again is a no-op."""
        ...

    def confirm(self, event: ObjectCreated) -> None:
        """Says that the object is there: the event is now due, unless it was dispatched already."""
        ...


class Bus(Announcer, Protocol):
    """Object-created events."""

    def withdraw(self, key: str) -> None:
        """Takes back an announcement whose object was never created."""
        ...

    def announced(self, *, alive: Sequence[str] = (), execution: str | None = None) -> list[ObjectCreated]:
        """Returns the announcements of writers that are not among the living, or those of one execution."""
        ...

    def due(self, pipelines: Sequence[str], limit: int) -> list[ObjectCreated]:
        """Returns confirmed events that are not dispatched, oldest first."""
        ...

    def dispatched(self, keys: Sequence[str]) -> None:
        """Marks events as dispatched."""
        ...

    def waiting(self, execution: str) -> int:
        """Counts the events, announced or due, that an execution caused."""
        ...

    def known(self, keys: Sequence[str]) -> set[str]:
        """Returns those of the keys for which there is an event of any status."""
        ...
