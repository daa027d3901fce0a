"""One process of one function: made, watched, frozen, and killed with all that it started."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from penstock.errors import UnavailableError
from penstock.rehearsal.lambda_api import RuntimeApi
from penstock.rehearsal.lambda_limits import FILES_LIMIT, PROCESSES_LIMIT
from penstock.rehearsal.lambda_memory import INTERVAL_SECONDS, MemoryWatch, family_of

JAIL = Path(__file__).with_name("lambda_jail.py")
# Those of the user that Lambda runs functions as.
USER, GROUP = 993, 990
START_SECONDS = 30.0
# The most that a user may ask for: https://man7.org/linux/man-pages/man7/pipe.7.html
LOG_PIPE_BYTES = 1024 * 1024


class RefusedError(Exception):
    """The machine does not give a function its own file system."""


class RuntimeProcess:
    """A function's process, started.

    Args:
        plan: what ``lambda_jail`` is told, but for descriptors and the environment.
        environment: the function's, made from the address of the Runtime API.

    Attributes:
        began: when the function's interpreter was started, by the monotonic clock.
        ended: its exit status, or minus the number of the signal; None while it lives.

    Raises:
        RefusedError: the machine gives no namespaces.
        UnavailableError: the process cannot be started.
    """

    def __init__(self, python: str, plan: Mapping[str, Any], environment: Callable[[str], dict[str, str]]) -> None:
        self.api = RuntimeApi()
        self.began = 0.0
        self.ended: int | None = None
        self._unread = b""
        self._log_fd, log_write = os.pipe()
        self._status_fd, status_write = os.pipe()
        control_read, self._control_fd = os.pipe()
        # What is printed between two looks has to fit, or the function waits for a look.
        fcntl.fcntl(log_write, fcntl.F_SETPIPE_SZ, LOG_PIPE_BYTES)
        for descriptor in (self._log_fd, self._status_fd):
            os.set_blocking(descriptor, False)
        inherited = {"log_fd": log_write, "status_fd": status_write, "control_fd": control_read}
        self._outer = subprocess.Popen(
            [python, "-I", "-S", str(JAIL)],
            stdin=subprocess.PIPE,
            stdout=log_write,
            stderr=log_write,
            env={},
            pass_fds=tuple(inherited.values()),
            start_new_session=True,
        )
        for descriptor in inherited.values():
            os.close(descriptor)
        limits = {"files": FILES_LIMIT, "processes": PROCESSES_LIMIT, "user": USER, "group": GROUP}
        try:
            self._begin({**plan, **inherited, **limits, "environment": environment(self.api.address)})
        except BaseException:
            self.kill()
            raise

    def _begin(self, plan: Mapping[str, Any]) -> None:
        if self._outer.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self._outer.stdin as pipe:
                pipe.write(json.dumps(plan).encode())
        while not self.began:
            if not select.select([self._status_fd], [], [], START_SECONDS)[0]:
                raise UnavailableError("a function's process does not start", hint="is the machine overloaded?")
            self._read_status()
        family = family_of(self._outer.pid)
        self.memory = MemoryWatch(*reversed(family[:2])) if len(family) > 1 else MemoryWatch(0, 0)

    def _read_status(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._status_fd, 65_536)
            if not data and self.ended is None:
                # Whoever kept the function was killed, and so was the function.
                self.ended = -signal.SIGKILL
                self.began = self.began or -1.0
            self._unread += data
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "refused" in message:
                raise RefusedError(message["refused"])
            if "failed" in message:
                raise UnavailableError(f"a function's process does not start: {message['failed']}")
            self.began = message.get("began", self.began)
            self.ended = message.get("ended", self.ended)

    def wait(self, timeout_seconds: float) -> None:
        """Waits until the function says, writes or ends something, at most until its memory is due for a look."""
        patience = max(0.0, min(timeout_seconds, INTERVAL_SECONDS))
        sources = [self._status_fd, self.api.ready_fd]
        if select.select(sources, [], [], patience)[0]:
            self._read_status()

    def read_log(self) -> bytes:
        """Returns what the function printed since the last call, at most so much as the pipe holds."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self._log_fd, LOG_PIPE_BYTES)
        return b""

    def freeze(self) -> None:
        """Stops the function's processes until they are thawed, as Lambda does between invocations."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets the function's processes go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        family = family_of(self._outer.pid) if self.ended is None else []
        for process in family[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> bytes:
        """Kills the function with all that it started, and frees everything; returns the end of its log."""
        self._signal(signal.SIGKILL)
        os.close(self._control_fd)
        try:
            self._outer.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._outer.kill()
            self._outer.wait()
        log = self.read_log()
        self.api.close()
        os.close(self._log_fd)
        os.close(self._status_fd)
        return log
