"""Tasks in this very process: for tests and simulations, where nothing must be killed."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from penstock.adapters.virtual.clock import VirtualClock
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


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How a call goes that is made in virtual time.

    Attributes:
        seconds: how long it takes; longer than its timeout, and it times out.
        memory_mb: the most memory that it holds.
        reply: what it ends with whatever the task does.
        is_performed: the task's effects happen, whatever it ends with.
    """

    seconds: float
    memory_mb: float = 0.0
    reply: Reply | None = None
    is_performed: bool = True


class VirtualInvoker:
    """Calls tasks in virtual time: a call's effects and its answer come together, when its time is over.

    Args:
        clock: is moved by somebody else; ``next_due_at`` says where to.
        perform_all: calls tasks, and returns the replies in the order of the calls.
        course: says how a call goes; the same for the same call.
    """

    def __init__(
        self,
        clock: VirtualClock,
        perform_all: Callable[[Sequence[Call]], Sequence[Reply]],
        course: Callable[[Call], Course],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._perform_all = perform_all
        self._course = course
        self._close = close
        self._due: list[tuple[float, int, Call, Course]] = []
        self._cancelled: set[str] = set()
        self._number = 0

    def submit(self, call: Call) -> None:
        course = self._course(call)
        due_at = self._clock.true_now + min(course.seconds, call.timeout_seconds)
        self._number += 1
        heapq.heappush(self._due, (due_at, self._number, call, course))

    def cancel(self, token: str) -> None:
        self._cancelled.add(token)

    def next_due_at(self) -> float | None:
        """Returns when the next call ends, in seconds of the true time; None when there is none."""
        return self._due[0][0] if self._due else None

    def wait(self, timeout_seconds: float) -> list[Answer]:
        ended: list[tuple[Call, Course]] = []
        while self._due and self._due[0][0] <= self._clock.true_now:
            _, _, call, course = heapq.heappop(self._due)
            if call.token in self._cancelled:
                self._cancelled.discard(call.token)
            else:
                ended.append((call, course))
        performed = [call for call, course in ended if course.is_performed]
        replies = dict(zip((call.token for call in performed), self._perform_all(performed), strict=True))
        return [_answer(call, course, replies.get(call.token)) for call, course in ended]

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self._due.clear()
        self._close()


def _answer(call: Call, course: Course, performed: Reply | None) -> Answer:
    seconds = min(course.seconds, call.timeout_seconds)
    reply = course.reply or performed
    if reply is None or course.seconds > call.timeout_seconds:
        # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
        cause = f"Task timed out after {call.timeout_seconds:.2f} seconds"
        reply = Reply(error="Sandbox.Timedout", cause=cause)
    reply = msgspec.structs.replace(reply, duration_seconds=seconds, memory_mb=course.memory_mb)
    return Answer(call.token, reply, Report(duration_seconds=seconds, memory_mb=course.memory_mb))
