"""What every invoker promises. The tasks are those of ``perform``."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from penstock.ports.invoke import Answer, Call, Invoker, Reply


def perform(call: Call) -> Reply:
    """Stands for a home's tasks: does what the task's name says."""
    match call.task:
        case "echo":
            return Reply(output=call.event)
        case "fail":
            return Reply(error="ValueError", cause="no")
        case "sleep":
            time.sleep(float(call.event))
        case "exit":
            os._exit(3)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "print":
            print("x" * int(call.event))  # noqa: T201 - what the task prints is the point
    return Reply(output=b"null")


def call(task: str, event: bytes = b"{}", *, token: str = "t", timeout_seconds: float = 30) -> Call:
    """Returns a call for a test."""
    return Call(
        token=token, key="k", execution="e", pipeline="p", task=task, state="s", event=event, started_at=0.0,
        slot=None, attempt=0, timeout_seconds=timeout_seconds,
    )  # fmt: skip


def answers(invoker: Invoker, calls: Sequence[Call]) -> dict[str, Answer]:
    """Submits calls and returns their answers by token."""
    for one in calls:
        invoker.submit(one)
    found: dict[str, Answer] = {}
    until = time.monotonic() + 60
    while len(found) < len(calls) and time.monotonic() < until:
        found.update((answer.token, answer) for answer in invoker.wait(1.0))
    return found


class InvokerContract:
    """Subclass it with an ``invoker`` fixture over ``perform``."""

    def test_a_call_is_answered(self, invoker: Invoker) -> None:
        assert answers(invoker, [call("echo", b'{"a":1}')])["t"].reply.output == b'{"a":1}'

    def test_each_of_many_calls_is_answered_once(self, invoker: Invoker) -> None:
        calls = [call("echo", str(number).encode(), token=f"t{number}") for number in range(500)]
        found = answers(invoker, calls)
        assert {token: answer.reply.output for token, answer in found.items()} == {c.token: c.event for c in calls}
        assert invoker.wait(0.0) == []

    def test_an_error_is_an_answer(self, invoker: Invoker) -> None:
        reply = answers(invoker, [call("fail")])["t"].reply
        assert (reply.output, reply.error, reply.cause) == (None, "ValueError", "no")

    def test_a_cancelled_call_is_not_answered(self, invoker: Invoker) -> None:
        invoker.submit(call("echo", token="gone"))
        invoker.cancel("gone")
        assert set(answers(invoker, [call("echo", token="kept")])) == {"kept"}

    def test_waiting_ends_when_nothing_comes(self, invoker: Invoker) -> None:
        assert invoker.wait(0.01) == []

    def test_a_wake_ends_the_wait(self, invoker: Invoker) -> None:
        invoker.wake()
        began = time.monotonic()
        assert invoker.wait(30.0) == []
        assert time.monotonic() - began < 20

    def test_closing_twice_is_harmless(self, invoker: Invoker) -> None:
        invoker.close()
        invoker.close()
