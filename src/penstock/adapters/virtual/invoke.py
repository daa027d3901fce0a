"""Tasks in this very process, one after another: for tests and simulations, where nothing must be killed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from penstock.ports.invoke import Answer, Call, Reply, Report


class InlineInvoker:
    """Calls tasks directly. Timeouts are not enforced."""

    def __init__(self, perform: Callable[[Call], Reply]) -> None:
        self._perform = perform
        self._queue: deque[Call] = deque()

    def submit(self, call: Call) -> None:
        self._queue.append(call)

    def cancel(self, token: str) -> None:
        self._queue = deque(call for call in self._queue if call.token != token)

    def wait(self, timeout_seconds: float) -> list[Answer]:
        calls, self._queue = self._queue, deque()
        if not calls:
            time.sleep(min(timeout_seconds, 0.01))
        return [Answer(call.token, self._perform(call), Report()) for call in calls]

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self._queue.clear()
