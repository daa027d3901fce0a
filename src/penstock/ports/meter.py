"""The meter: counts what AWS would charge for, hour by hour.

Guarantees that every adapter gives: quantities of one hour, item, operation and resource are added up, in whatever
order and from however many processes they come; what was flushed is there for every later reader. What a process had
not flushed when it was killed is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from penstock.model.metering import Held, Span, Used


class Meter(Protocol):
    """Takes what is used. Safe for several threads and processes; taking costs no write until it is flushed."""

    def count(self, item: str, quantity: float, *, at: float, operation: str, resource: str) -> None:
        """Adds a quantity that is used once: requests, bytes, seconds."""
        ...

    def hold(self, item: str, change: float, *, at: float, operation: str, resource: str) -> None:
        """Adds to what is kept from now on, such as bytes; a negative change takes away."""
        ...

    def found(self, item: str, amount: float, *, at: float, operation: str, resource: str) -> None:
        """Adds what was kept already when the meter began, at a time: it is there from before on."""
        ...

    def touch(self, item: str, *, at: float, operation: str, resource: str) -> None:
        """Notes that something was in use in this hour; counts one an hour, however often it is noted."""
        ...

    def observe(self, at: float) -> None:
        """Says that the meter was running at a time: what was measured reaches so far."""
        ...

    def flush(self) -> None:
        """Writes what was taken, so that it outlives this process."""
        ...

    def used(self) -> Iterator[Used]:
        """Yields what was used, of this process flushed or not, by hour, item, operation and resource."""
        ...

    def held(self) -> Iterator[Held]:
        """Yields how what is kept changed, likewise."""
        ...

    def span(self) -> Span | None:
        """Returns from when to when was measured; None when nothing was."""
        ...

    def close(self) -> None:
        """Flushes, and frees everything."""
        ...
