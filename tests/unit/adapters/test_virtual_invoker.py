"""Calls in virtual time: when they end, and with what."""

from __future__ import annotations

import os
from typing import Any

import pytest

from penstock.adapters.virtual.clock import VirtualClock
from penstock.adapters.virtual.invoke import Course, VirtualInvoker
from penstock.adapters.virtual.processes import ForkedProcesses
from penstock.errors import HomeError
from penstock.ports.invoke import Call, Reply

NOW = 1_771_574_220.0


def call(token: str, timeout_seconds: float = 30.0) -> Call:
    return Call(
        token=token, key=token, execution="e", pipeline="p", task="t", state="s", event=b"{}", started_at=NOW,
        slot=None, attempt=0, timeout_seconds=timeout_seconds,
    )  # fmt: skip


class Scene:
    def __init__(self, *courses: Course) -> None:
        self.clock = VirtualClock(NOW)
        self.performed: list[list[str]] = []
        self._courses = list(courses)
        self.invoker = VirtualInvoker(self.clock, self._perform, lambda _: self._courses.pop(0))

    def _perform(self, calls: Any) -> list[Reply]:
        if calls:
            self.performed.append([one.token for one in calls])
        return [Reply(output=one.token.encode()) for one in calls]

    def answers_at(self, seconds: float) -> list[tuple[str, Any]]:
        self.clock.advance_to(NOW + seconds)
        found = self.invoker.wait(1.0)
        return [(one.token, one.reply.output or one.reply.error) for one in found]


def test_a_call_is_made_and_answered_when_its_time_is_over() -> None:
    scene = Scene(Course(seconds=2.0), Course(seconds=0.5))
    scene.invoker.submit(call("a"))
    scene.invoker.submit(call("b"))
    assert scene.invoker.next_due_at() == NOW + 0.5
    assert scene.answers_at(0.4) == []
    assert scene.performed == []
    assert scene.answers_at(0.5) == [("b", b"b")]
    assert scene.answers_at(2.0) == [("a", b"a")]
    assert scene.invoker.next_due_at() is None


def test_calls_that_end_together_are_made_together_in_the_order_in_which_they_came() -> None:
    scene = Scene(Course(seconds=1.0), Course(seconds=1.0))
    scene.invoker.submit(call("b"))
    scene.invoker.submit(call("a"))
    assert scene.answers_at(1.0) == [("b", b"b"), ("a", b"a")]
    assert scene.performed == [["b", "a"]]


def test_a_call_that_takes_too_long_is_stopped_at_its_timeout() -> None:
    scene = Scene(Course(seconds=31.0, is_performed=False))
    scene.invoker.submit(call("a"))
    assert scene.answers_at(29.9) == []
    assert scene.answers_at(30.0) == [("a", "Sandbox.Timedout")]
    assert scene.performed == []


def test_the_answer_says_how_long_it_took_and_what_it_held() -> None:
    scene = Scene(Course(seconds=2.5, memory_mb=64.0))
    scene.invoker.submit(call("a"))
    scene.clock.advance(2.5)
    (answer,) = scene.invoker.wait(0.0)
    assert (answer.report.duration_seconds, answer.reply.duration_seconds) == (2.5, 2.5)
    assert (answer.report.memory_mb, answer.reply.memory_mb) == (64.0, 64.0)


def test_a_cancelled_call_is_neither_made_nor_answered() -> None:
    scene = Scene(Course(seconds=1.0))
    scene.invoker.submit(call("a"))
    scene.invoker.cancel("a")
    assert scene.answers_at(1.0) == []
    assert scene.performed == []


def test_what_a_fault_says_is_answered_whatever_the_task_did() -> None:
    scene = Scene(Course(seconds=1.0, reply=Reply(error="InjectedFault")))
    scene.invoker.submit(call("a"))
    assert scene.answers_at(1.0) == [("a", "InjectedFault")]
    assert scene.performed == [["a"]]


def test_processes_answer_in_the_order_in_which_they_were_asked() -> None:
    processes = ForkedProcesses(2, lambda: (lambda question: (question * 2, os.getpid()), lambda: None))
    try:
        (first, one), (second, other) = processes.ask([1, 2])
    finally:
        processes.close()
    assert (first, second) == (2, 4)
    assert len({one, other, os.getpid()}) == 3


def test_a_process_that_dies_is_told_with_a_mend() -> None:
    processes = ForkedProcesses(1, lambda: (lambda _: os._exit(1), lambda: None))
    try:
        with pytest.raises(HomeError, match="has died"):
            processes.ask(["anything"])
    finally:
        processes.close()
