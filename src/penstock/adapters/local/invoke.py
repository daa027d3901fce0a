"""Tasks in processes of their own: what hangs is killed, what dies is answered for, what it prints is kept."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count

import msgspec

from penstock.adapters.local.zygote import HEADER, Perform, Zygote, send
from penstock.ports.invoke import Answer, Call, Reply, Report

IDLE_SECONDS = 30.0
# Beyond one worker a processor, more are started only for calls that have waited so long: they must be sleeping.
PATIENCE_SECONDS = 0.01
LOG_HEAD_BYTES = LOG_TAIL_BYTES = 32 * 1024


@dataclass
class _Log:
    """What a task printed, of which only the two ends are kept."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    total: int = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = LOG_HEAD_BYTES - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room > 0 else data
        if len(self.tail) > 2 * LOG_TAIL_BYTES:
            del self.tail[:-LOG_TAIL_BYTES]

    def text(self) -> str:
        tail = bytes(self.tail[-LOG_TAIL_BYTES:])
        left_out = self.total - len(self.head) - len(tail)
        note = f"\n… {left_out} bytes left out …\n".encode() if left_out else b""
        return (bytes(self.head) + note + tail).decode("utf-8", "replace")


@dataclass
class _Worker:
    number: int
    calls: socket.socket
    log_fd: int
    call: Call | None = None
    began: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)
    log: _Log = field(default_factory=_Log)
    idle_since: float = 0.0
    ending: Reply | None = None
    cancelled: bool = False
    gone: bool = False


class ProcessInvoker:
    """Calls tasks in worker processes.

    Args:
        perform: calls a task, in the worker.
        workers: the most processes at once.
        idle_seconds: a worker without a call for so long ends.
    """

    def __init__(self, perform: Perform, *, workers: int = 32, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._limit = workers
        self._eager = min(workers, os.cpu_count() or 1)
        self._zygote = Zygote(perform)
        self._workers: dict[int, _Worker] = {}
        self._idle: list[_Worker] = []
        self._running: dict[str, _Worker] = {}
        self._queue: deque[tuple[float, Call]] = deque()
        self._answers: list[Answer] = []
        self._numbers = count(1)
        self._reply = msgspec.msgpack.Decoder(Reply)
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._zygote.control, selectors.EVENT_READ, self._on_exits)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._on_wake)
        self._woken = False
        self._closed = False

    def submit(self, call: Call) -> None:
        self._queue.append((time.monotonic(), call))
        self._dispatch()

    def cancel(self, token: str) -> None:
        worker = self._running.get(token)
        if worker is None:
            self._queue = deque(item for item in self._queue if item[1].token != token)
        else:
            worker.cancelled = True
            self._zygote.kill(worker.number)

    def wait(self, timeout_seconds: float) -> list[Answer]:
        until = time.monotonic() + timeout_seconds
        while True:
            self._dispatch()
            now = time.monotonic()
            patience = 0.0 if self._answers else max(0.0, min(until, self._next_deadline()) - now)
            for key, _ in self._selector.select(patience):
                key.data()
            self._enforce_timeouts(time.monotonic())
            if self._answers or self._woken or time.monotonic() >= until:
                self._woken = False
                self._retire_idle(time.monotonic())
                self._dispatch()
                answers, self._answers = self._answers, []
                return answers

    def wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"\0")

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._selector.close()
        self._zygote.close()
        for worker in self._workers.values():
            worker.calls.close()
            os.close(worker.log_fd)
        os.close(self._wake_read)
        os.close(self._wake_write)

    # -- calls --------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while self._queue:
            if not self._idle and not self._may_spawn():
                return
            worker = self._idle.pop() if self._idle else self._spawn()
            _, call = self._queue.popleft()
            try:
                send(worker.calls, msgspec.msgpack.encode(call))
            except OSError:
                # It died while idle, so it never saw the call; its exit is on the way.
                self._queue.appendleft((0.0, call))
                continue
            worker.call, worker.began = call, time.monotonic()
            self._running[call.token] = worker

    def _may_spawn(self) -> bool:
        if len(self._workers) < self._eager:
            return True
        return len(self._workers) < self._limit and time.monotonic() - self._queue[0][0] >= PATIENCE_SECONDS

    def _spawn(self) -> _Worker:
        number = next(self._numbers)
        calls, log_fd = self._zygote.spawn(number)
        worker = self._workers[number] = _Worker(number, calls, log_fd)
        self._selector.register(calls, selectors.EVENT_READ, lambda: self._on_reply(worker))
        self._selector.register(log_fd, selectors.EVENT_READ, lambda: self._on_log(worker))
        return worker

    def _answer(self, worker: _Worker, reply: Reply) -> None:
        call = worker.call
        if call is None:
            return
        self._read_log(worker)
        report = Report(reply.duration_seconds, reply.memory_mb, worker.log.text(), worker.log.total)
        if worker.log.total:
            worker.log = _Log()
        worker.call = None
        del self._running[call.token]
        if not worker.cancelled:
            self._answers.append(Answer(call.token, reply, report))

    # -- what workers do ----------------------------------------------------------------------------

    def _on_reply(self, worker: _Worker) -> None:
        if worker.gone:
            # Its exit was noticed in the same turn.
            return
        try:
            data = worker.calls.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            # The exit notice, which says why, is on the way.
            with contextlib.suppress(KeyError):
                self._selector.unregister(worker.calls)
            return
        worker.buffer += data
        if len(worker.buffer) < HEADER.size:
            return
        size = HEADER.size + HEADER.unpack_from(worker.buffer)[0]
        if len(worker.buffer) < size or worker.ending is not None:
            return
        reply = self._reply.decode(bytes(worker.buffer[HEADER.size : size]))
        worker.buffer.clear()
        self._answer(worker, reply)
        if not worker.cancelled:
            worker.idle_since = time.monotonic()
            self._idle.append(worker)

    def _on_log(self, worker: _Worker) -> None:
        if not worker.gone and not self._read_log(worker):
            self._selector.unregister(worker.log_fd)

    def _read_log(self, worker: _Worker) -> bool:
        """Reads what there is; False at the end of the file."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(worker.log_fd, 65_536):
                worker.log.add(data)
                if len(data) < 65_536:
                    return True
            return False
        return True

    def _on_exits(self) -> None:
        for number, status in self._zygote.exits():
            worker = self._workers.pop(number)
            if worker.call is not None:
                self._on_reply(worker)
            with contextlib.suppress(ValueError):
                self._idle.remove(worker)
            self._answer(worker, worker.ending or _died(worker, status))
            for source in (worker.calls, worker.log_fd):
                with contextlib.suppress(KeyError):
                    self._selector.unregister(source)
            worker.gone = True
            worker.calls.close()
            os.close(worker.log_fd)

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        self._woken = True

    # -- time ---------------------------------------------------------------------------------------

    def _next_deadline(self) -> float:
        running = [w.began + w.call.timeout_seconds for w in self._running.values() if w.call and w.ending is None]
        if self._queue and len(self._workers) < self._limit:
            running.append(self._queue[0][0] + PATIENCE_SECONDS)
        return min(running, default=float("inf"))

    def _enforce_timeouts(self, now: float) -> None:
        for worker in self._running.values():
            call = worker.call
            if call is None or worker.ending is not None or now < worker.began + call.timeout_seconds:
                continue
            # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
            cause = f"Task timed out after {call.timeout_seconds:.2f} seconds"
            worker.ending = Reply(error="Sandbox.Timedout", cause=cause, duration_seconds=now - worker.began)
            self._zygote.kill(worker.number)

    def _retire_idle(self, now: float) -> None:
        for worker in [w for w in self._idle if now - w.idle_since > self._idle_seconds]:
            self._idle.remove(worker)
            # The closed socket ends its loop.
            self._selector.unregister(worker.calls)
            worker.calls.shutdown(socket.SHUT_RDWR)


def _died(worker: _Worker, status: int) -> Reply:
    code = os.waitstatus_to_exitcode(status)
    how = f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    cause = f"the task's process ended with {how} before it answered"
    return Reply(error="Runtime.ExitError", cause=cause, duration_seconds=time.monotonic() - worker.began)
