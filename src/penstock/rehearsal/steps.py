"""Steps of a rehearsal or a drill: each is said when it begins, and timed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import msgspec

Say = Callable[[str], None]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step and how long it took."""

    name: str
    seconds: float
    result: str = ""


class Steps:
    """Steps, one after the other.

    Args:
        say: told of each that begins.

    Attributes:
        done: those that have ended.
    """

    def __init__(self, say: Say) -> None:
        self.done: list[Step] = []
        self._say = say

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[Callable[[str], None]]:
        """Takes the time of a block, which may tell its result."""
        results: list[str] = []
        self._say(name)
        began = time.monotonic()
        yield results.append
        took = time.monotonic() - began
        self.done.append(Step(name=name, seconds=round(took, 2), result=", ".join(results)))
