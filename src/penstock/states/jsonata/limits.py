"""What one evaluation may take, and what chance it is given. Both are the same whenever it is replayed."""

from __future__ import annotations

import hashlib
import itertools
import sys
import threading

# AWS gives an evaluation a second, and bounds its depth and memory without naming figures. Work is counted instead of
# timed: an evaluation that came to an end once does so again when it is replayed, on any machine.
WORK_LIMIT = 8_000_000
EVALUATION_WORK = NODE_WORK = 16
MATCH_WORK = TUPLE_WORK = 32
DEPTH_LIMIT = 100
MEMORY_LIMIT_BYTES = 7_000_000
ITEM_BYTES = 8
NESTING_LIMIT = 1000
EXPRESSION_LIMIT_CHARACTERS = 65_536

# An evaluation at its own limit of depth takes about a dozen of Python's frames a level.
FRAMES = 4000

TIMEOUT_CAUSE = "Expression evaluation timeout: Check for infinite loop"
DEPTH_CAUSE = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
MEMORY_CAUSE = "Expression evaluation memory limit exceeded: Check for excessive memory usage"


class ExpressionFailedError(Exception):
    """An expression failed for a reason that JSONata has no code for."""


class Run:
    """One evaluation: the work that is left, its moment, and its random numbers.

    Args:
        at: the moment that ``$now`` and ``$millis`` tell, in seconds since the epoch.
        entropy: names the evaluation; the same text gives the same random numbers.
    """

    def __init__(self, at: float, entropy: str) -> None:
        self.millis = round(at * 1000)
        self.work = WORK_LIMIT
        self._entropy = entropy.encode("utf-8", "surrogatepass")
        self._draws = itertools.count()

    def begin(self) -> None:
        """Gives the next expression all the work there is."""
        self.work = WORK_LIMIT

    def spend(self, work: int) -> None:
        """Takes some work from what is left.

        Raises:
            ExpressionFailedError: nothing is left.
        """
        self.work -= work
        if self.work < 0:
            raise ExpressionFailedError(TIMEOUT_CAUSE)

    def hold(self, size_bytes: int) -> None:
        """Checks the size of a value.

        Raises:
            ExpressionFailedError: the value is too large.
        """
        if size_bytes > MEMORY_LIMIT_BYTES:
            raise ExpressionFailedError(MEMORY_CAUSE)

    def make(self, size_bytes: int) -> None:
        """Takes the work of making a value of some size."""
        self.hold(size_bytes)
        self.spend(size_bytes >> 5)

    def random_bytes(self, count: int = 16) -> bytes:
        """Returns the evaluation's next random bytes, at most 32."""
        number = str(next(self._draws)).encode()
        return hashlib.sha256(self._entropy + b"\0" + number).digest()[:count]

    def random(self) -> float:
        """Returns the evaluation's next random number, at least 0 and less than 1."""
        return (int.from_bytes(self.random_bytes(8), "big") >> 11) * 2.0**-53


class DeepStack:
    """A context in which Python allows as many frames as an evaluation may take, on whichever threads there are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = sys.getrecursionlimit()
                sys.setrecursionlimit(max(self._before, FRAMES))
            self._inside += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                sys.setrecursionlimit(self._before)


deep_stack = DeepStack()
