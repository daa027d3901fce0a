"""Time and chance that a test or a simulation decides."""

from __future__ import annotations

import random


class VirtualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._began = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now - self._began

    def advance(self, seconds: float) -> None:
        """Moves the time."""
        self._now += seconds


class SeededEntropy:
    """The same tokens for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def token(self) -> str:
        return f"{self._random.getrandbits(64):016x}"
