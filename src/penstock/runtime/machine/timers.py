"""The timers of the executions that a process drives."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
SLACK = 64


class Timers(Generic[Owner]):
    """Moments to come, by their tokens. Cancelled ones cost nothing for long."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, str]] = []
        self._owners: dict[str, Owner] = {}
        self._numbers = count()

    def start(self, token: str, due_at: float, owner: Owner) -> None:
        """Starts a timer; ``due_at`` is in seconds since the epoch."""
        self._owners[token] = owner
        heapq.heappush(self._heap, (due_at, next(self._numbers), token))

    def cancel(self, token: str) -> None:
        """Forgets a timer; an unknown one is nothing."""
        self._owners.pop(token, None)
        if len(self._heap) > 2 * len(self._owners) + SLACK:
            self._heap = [entry for entry in self._heap if entry[2] in self._owners]
            heapq.heapify(self._heap)

    def next_due_at(self) -> float | None:
        """Returns when the first timer is due, in seconds since the epoch."""
        while self._heap and self._heap[0][2] not in self._owners:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[tuple[str, Owner]]:
        """Returns the timers that are due, earliest first, and forgets them."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            token = heapq.heappop(self._heap)[2]
            owner = self._owners.pop(token, None)
            if owner is not None:
                due.append((token, owner))
        return due
