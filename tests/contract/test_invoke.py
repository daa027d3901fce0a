import os
import time
from collections.abc import Iterator

import psutil
import pytest

from penstock.adapters.local.invoke import ProcessInvoker
from penstock.testing.contracts.invoke import InvokerContract, answers, call, perform


def pythons() -> set[psutil.Process]:
    """The processes of Python that this one has begun; other tests' database servers are none."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    return {one for one in children if one.is_running() and one.name().startswith("python")}


class TestProcessInvoker(InvokerContract):
    @pytest.fixture
    def invoker(self) -> Iterator[ProcessInvoker]:
        opened = ProcessInvoker(perform, workers=8)
        yield opened
        opened.close()

    def test_calls_run_at_once(self, invoker: ProcessInvoker) -> None:
        began = time.monotonic()
        answers(invoker, [call("sleep", b"1", token=str(number)) for number in range(4)])
        assert time.monotonic() - began < 3.5

    def test_what_hangs_is_killed_and_answered(self, invoker: ProcessInvoker) -> None:
        reply = answers(invoker, [call("sleep", b"600", timeout_seconds=0.2)])["t"].reply
        assert (reply.error, reply.cause) == ("Sandbox.Timedout", "Task timed out after 0.20 seconds")

    @pytest.mark.parametrize(("task", "how"), [("exit", "exit status 3"), ("die", "signal SIGKILL")])
    def test_a_task_that_dies_takes_nothing_with_it(self, invoker: ProcessInvoker, task: str, how: str) -> None:
        found = answers(invoker, [call(task, token="dies"), *(call("echo", token=f"{n}") for n in range(20))])
        assert found["dies"].reply.error == "Runtime.ExitError"
        assert how in str(found["dies"].reply.cause)
        assert all(answer.reply.error is None for token, answer in found.items() if token != "dies")

    def test_of_a_hundred_megabytes_printed_both_ends_are_kept(self, invoker: ProcessInvoker) -> None:
        report = answers(invoker, [call("print", b"100000000")])["t"].report
        assert report.log_bytes == 100_000_001
        assert len(report.log) < 70_000
        assert "99934465 bytes left out" in report.log

    def test_what_a_call_printed_is_not_the_next_ones(self, invoker: ProcessInvoker) -> None:
        assert answers(invoker, [call("print", b"3", token="a")])["a"].report.log == "xxx\n"
        assert answers(invoker, [call("echo", token="b")])["b"].report.log == ""

    def test_a_running_call_can_be_cancelled(self, invoker: ProcessInvoker) -> None:
        invoker.submit(call("sleep", b"600", token="long"))
        invoker.wait(0.1)
        invoker.cancel("long")
        assert set(answers(invoker, [call("echo", token="next")])) == {"next"}

    def test_idle_workers_end_and_new_ones_begin(self) -> None:
        before = pythons()
        opened = ProcessInvoker(perform, workers=8, idle_seconds=0.1)
        for _ in range(5):
            found = answers(opened, [call("sleep", b"0.05", token=str(number)) for number in range(8)])
            assert len(found) == 8
            until = time.monotonic() + 20
            while len(pythons() - before) > 1 and time.monotonic() < until:
                opened.wait(0.05)
            assert len(pythons() - before) == 1
        opened.close()

    def test_no_process_is_left_after_close(self) -> None:
        me = psutil.Process(os.getpid())
        before = set(me.children(recursive=True))
        opened = ProcessInvoker(perform, workers=4)
        opened.submit(call("sleep", b"600"))
        until = time.monotonic() + 30
        while len(begun := set(me.children(recursive=True)) - before) < 2 and time.monotonic() < until:
            opened.wait(0.05)
        assert len(begun) == 2
        opened.close()
        assert not any(process.is_running() for process in begun)
