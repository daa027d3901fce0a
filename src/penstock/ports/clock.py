"""Time and chance: what the pure parts take as arguments comes from here."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The time of a home."""

    def now(self) -> float:
        """Returns seconds since the epoch. May jump when the system's clock is set."""
        ...

    def monotonic(self) -> float:
        """Returns seconds that never go backwards, for measuring durations."""
        ...


class Entropy(Protocol):
    """A source of identifiers."""

    def token(self) -> str:
        """Returns 16 hexadecimal digits that no other call returns."""
        ...
