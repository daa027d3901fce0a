"""Tasks as Lambda functions, for the engine of a machine: each call goes to a sandbox of its task's.

As in Lambda, one sandbox takes one call at a time; calls of the same task at once get sandboxes of their own, which are
kept for the next ones.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import select
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import UsageError
from penstock.model.task import Task
from penstock.ports.invoke import Answer, Call, Reply, Report
from penstock.rehearsal.lambda_runtime import Invocation, LambdaSandbox
from penstock.runtime.invoke import describe, error_name
from penstock.runtime.names import slot_text
from penstock.states.context import iso_time

HANDLER = "penstock.runtime.aws.entry.handler"
LOG_END_BYTES = 32 * 1024
OpenSandbox = Callable[[str, str], LambdaSandbox]


def open_task(task: Task, root: Path, environment: Mapping[str, str], **settings: Any) -> LambdaSandbox:
    """Returns a sandbox for a task, with the limits that its definition has.

    Args:
        root: the task's unpacked zip.
        environment: the physical names of what the task was granted, as deployment writes them.
        settings: whatever else a ``LambdaSandbox`` takes.
    """
    return LambdaSandbox(
        root,
        handler=HANDLER,
        memory_mb=task.memory_mb,
        timeout_seconds=math.ceil(task.timeout_seconds),
        environment={"PENSTOCK_TASK": task.name, **environment},
        **settings,
    )


class LambdaInvoker:
    """Calls tasks in sandboxes. An ``Invoker``.

    Args:
        open_sandbox: makes a sandbox for a pipeline's task, given both names; called in a thread of the invoker's.
        services: makes the requests of workflows to services, in a thread of the invoker's too.
        workers: the most calls at once.
    """

    def __init__(
        self, open_sandbox: OpenSandbox, *, services: Callable[[Call], Reply] | None = None, workers: int = 8
    ) -> None:
        if workers < 1:
            raise UsageError(f"{workers} workers call nothing", hint="use 1 or more")
        self._open_sandbox = open_sandbox
        self._services = services
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="lambda")
        self._state = threading.Lock()
        self._idle: dict[tuple[str, str], list[LambdaSandbox]] = {}
        # Every call that somebody waits for, with its sandbox once it has one.
        self._calls: dict[str, LambdaSandbox | None] = {}
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._ready, self._ready_write = os.pipe()
        os.set_blocking(self._ready, False)
        os.set_blocking(self._ready_write, False)
        self._closed = False

    def submit(self, call: Call) -> None:
        with self._state:
            self._calls[call.token] = None
        self._threads.submit(self._perform, call)

    def cancel(self, token: str) -> None:
        with self._state:
            sandbox = self._calls.pop(token, None)
        if sandbox is not None:
            sandbox.abort()

    def wait(self, timeout_seconds: float) -> list[Answer]:
        # Every answer is followed by a byte.
        select.select([self._ready], [], [], max(0.0, timeout_seconds))
        with contextlib.suppress(BlockingIOError):
            while os.read(self._ready, 4096):
                pass
        answers = []
        with contextlib.suppress(queue.Empty):
            while True:
                answers.append(self._answers.get_nowait())
        return answers

    def wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._ready_write, b"\0")

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with self._state:
            tokens = list(self._calls)
        for token in tokens:
            self.cancel(token)
        self._threads.shutdown(wait=True, cancel_futures=True)
        for sandboxes in self._idle.values():
            for sandbox in sandboxes:
                sandbox.close()
        os.close(self._ready)
        os.close(self._ready_write)

    # -- in a thread --------------------------------------------------------------------------------

    def _perform(self, call: Call) -> None:
        try:
            if call.resource and self._services is not None:
                answer: Answer | None = Answer(call.token, self._services(call), Report())
            else:
                answer = self._invoke(call)
        except Exception as error:  # noqa: BLE001 - a call must be answered, whatever goes wrong
            answer = Answer(call.token, Reply(error=error_name(error), cause=describe(error)), Report())
        if answer is None:
            return
        with self._state:
            awaited = call.token in self._calls
            self._calls.pop(call.token, None)
        if awaited:
            self._answers.put(answer)
            self.wake()

    def _invoke(self, call: Call) -> Answer | None:
        task = (call.pipeline, call.task)
        with self._state:
            if call.token not in self._calls:
                return None
            idle = self._idle.setdefault(task, [])
            sandbox = idle.pop() if idle else None
        sandbox = sandbox or self._open_sandbox(*task)
        try:
            with self._state:
                if call.token not in self._calls:
                    return None
                self._calls[call.token] = sandbox
            return _answer(call, sandbox.invoke(payload(call)))
        finally:
            with self._state:
                cancelled = call.token not in self._calls
                if not cancelled:
                    self._idle[task].append(sandbox)
            if cancelled:
                sandbox.close()


def payload(call: Call) -> bytes:
    """Returns what a state machine's Task state sends to the function for a call.

    The time at which a state was entered tells a visit of it from another; here the call's key does.
    """
    document = {
        "event": msgspec.Raw(call.event),
        "execution": call.execution,
        "started_at": iso_time(call.started_at),
        "input": {} if call.slot is None else {"slot": slot_text(call.slot)},
        "state": call.state,
        "entered_at": call.key,
        "attempt": call.attempt,
    }
    return msgspec.json.encode(document)


def _answer(call: Call, done: Invocation) -> Answer:
    reply = Reply(
        output=done.payload if done.error is None else None,
        error=done.error,
        cause=None if done.error is None else done.payload.decode("utf-8", "replace"),
        duration_seconds=done.duration_seconds,
        memory_mb=done.peak_memory_mb,
    )
    log = done.log.encode()
    report = Report(done.duration_seconds, done.peak_memory_mb, _shortened(log), len(log))
    return Answer(call.token, reply, report)


def _shortened(log: bytes) -> str:
    left_out = len(log) - 2 * LOG_END_BYTES
    if left_out > 0:
        note = f"\n… {left_out} bytes left out …\n".encode()
        log = log[:LOG_END_BYTES] + note + log[-LOG_END_BYTES:]
    return log.decode("utf-8", "replace")
