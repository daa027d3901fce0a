"""Time and chance that a test or a simulation decides."""

from __future__ import annotations

import random


class VirtualClock:
    """A clock that moves only when it is told to.

    Attributes:
        skew_seconds: how far ahead of the true time it is set; ``monotonic`` does not know.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self._began = now
        self.skew_seconds = 0.0

    def now(self) -> float:
        return self._now + self.skew_seconds

    def monotonic(self) -> float:
        return self._now - self._began

    @property
    def true_now(self) -> float:
        """The time of a clock that nobody has set wrong."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves the time."""
        self._now += seconds

    def advance_to(self, moment: float) -> None:
        """Moves the true time to a moment; never back."""
        self._now = max(self._now, moment)


class SeededEntropy:
    """The same tokens for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def token(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def blob(self, size_bytes: int) -> bytes:
        """Returns so many bytes."""
        return self._random.randbytes(size_bytes)
