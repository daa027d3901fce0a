"""Chance that depends on what is asked and not on when: the same draw for the same question, in any order."""

from __future__ import annotations

import hashlib


class Chance:
    """Draws for one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def draw(self, *parts: object) -> float:
        """Returns a number from 0 to below 1 that is always the same for the same parts."""
        text = "\0".join(map(str, (self._seed, *parts)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64

    def blob(self, size_bytes: int, *parts: object) -> bytes:
        """Returns so many bytes, always the same for the same parts."""
        text = "\0".join(map(str, (self._seed, *parts)))
        return hashlib.shake_256(text.encode()).digest(size_bytes)

    def happens(self, rate: float, *parts: object) -> bool:
        """Tells whether something of this probability happens."""
        return rate >= 1.0 or self.draw(*parts) < rate
