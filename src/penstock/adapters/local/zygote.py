"""A fork server: a small process that is forked early, and forks the workers that call tasks.

It is forked while the program has one thread and no open database, so that its children are safe and start in
milliseconds with all handlers loaded. When its control socket closes, it kills its workers and ends: whatever
becomes of the main process, no worker outlives it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable

import msgspec

from penstock.errors import UnavailableError
from penstock.ports.invoke import Call, Reply

Perform = Callable[[Call], Reply]
HEADER = struct.Struct("!I")


class Zygote:
    """The main process's end of the fork server.

    Args:
        perform: calls a task, in the worker; it must not raise.
    """

    def __init__(self, perform: Perform) -> None:
        self.control, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            self.control.close()
            _serve(theirs, perform)
        theirs.close()
        self._buffer = b""

    def spawn(self, worker: int) -> tuple[socket.socket, int]:
        """Starts a worker; returns its call socket and the reading end of its output."""
        ours, theirs = socket.socketpair()
        read_log, write_log = os.pipe()
        socket.send_fds(self.control, [f"spawn {worker}\n".encode()], [theirs.fileno(), write_log])
        theirs.close()
        os.close(write_log)
        os.set_blocking(read_log, False)
        return ours, read_log

    def kill(self, worker: int) -> None:
        """Kills a worker; its exit is reported as any other."""
        self.control.sendall(f"kill {worker}\n".encode())

    def exits(self) -> list[tuple[int, int]]:
        """Returns (worker, wait status) of the workers that have ended, once the control socket is readable."""
        data = self.control.recv(65_536)
        if not data:
            raise UnavailableError(
                "the process that starts workers was killed", hint="start again: nothing is lost; is memory short?"
            )
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        return [(int(worker), int(status)) for worker, status in (line.split() for line in lines)]

    def close(self) -> None:
        """Ends the fork server and all its workers."""
        self.control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _serve(control: socket.socket, perform: Perform) -> None:
    try:
        _Server(control, perform).run()
    finally:
        os._exit(0)


class _Server:
    def __init__(self, control: socket.socket, perform: Perform) -> None:
        self._control = control
        self._perform = perform
        self._workers: dict[int, int] = {}
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._child_ended, wakeup = socket.socketpair()
        self._child_ended.settimeout(0)
        wakeup.settimeout(0)
        self._wakeup = wakeup
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(self._child_ended, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is self._control and not self._command():
                    self._end()
                    return
            self._reap()

    def _command(self) -> bool:
        # Every command is one small write, and fds arrive with the first byte of theirs: one command with fds a read.
        data, fds, _, _ = socket.recv_fds(self._control, 65_536, 2)
        if not data:
            return False
        for line in data.decode().splitlines():
            verb, worker = line.split()
            if verb == "spawn":
                self._spawn(int(worker), fds)
            else:
                for pid in [pid for pid, number in self._workers.items() if number == int(worker)]:
                    os.kill(pid, signal.SIGKILL)
        return True

    def _spawn(self, worker: int, fds: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_worker(fds)
        for fd in fds:
            os.close(fd)
        self._workers[pid] = worker

    def _become_worker(self, fds: list[int]) -> None:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for inherited in (self._control, self._child_ended, self._wakeup):
                inherited.close()
            calls, log = socket.socket(fileno=fds[0]), fds[1]
            _redirect_output(log)
            work(calls, self._perform)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._child_ended.recv(4096)
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            worker = self._workers.pop(pid)
            with contextlib.suppress(OSError):
                self._control.sendall(f"{worker} {status}\n".encode())

    def _end(self) -> None:
        for pid in self._workers:
            os.kill(pid, signal.SIGKILL)
        for pid in self._workers:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _redirect_output(log: int) -> None:
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    silence = os.open(os.devnull, os.O_RDONLY)
    os.dup2(silence, 0)
    os.close(silence)
    for name, fd in (("stdout", 1), ("stderr", 2)):
        stream = os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
        setattr(sys, name, stream)


def work(calls: socket.socket, perform: Perform) -> None:
    """Answers calls, one at a time, until the socket closes."""
    decoder = msgspec.msgpack.Decoder(Call)
    while (message := receive(calls)) is not None:
        began = time.perf_counter()
        reply = perform(decoder.decode(message))
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
        reply = msgspec.structs.replace(reply, duration_seconds=time.perf_counter() - began, memory_mb=round(used, 1))
        send(calls, msgspec.msgpack.encode(reply))


def send(connection: socket.socket, message: bytes) -> None:
    """Sends one message whole."""
    connection.sendall(HEADER.pack(len(message)) + message)


def receive(connection: socket.socket) -> bytes | None:
    """Returns the next message, or None when the other end has closed."""
    header = _exactly(connection, HEADER.size)
    return None if header is None else _exactly(connection, HEADER.unpack(header)[0])


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
