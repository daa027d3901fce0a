"""A command that must not be killed in the middle of its work: signals are passed on, and it ends in its own order."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from penstock.errors import DeploymentError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Once: end in order. Twice: end at once. More often: it does not listen.
PATIENCE = 2

Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    errors: int,
    interrupted: Callable[[int], None] = lambda times: None,
) -> Iterator[subprocess.Popen[str]]:
    """Runs a command while the block reads what it prints; after the block it has ended.

    A Ctrl-C of the terminal, which would reach every process of a group, reaches this one alone. It is passed on, and
    the command has all the time that it needs. If the block fails, the command is interrupted as well.

    Args:
        errors: what becomes of its standard error, as ``subprocess`` has it.
        interrupted: told how often it has been interrupted, each time.

    Raises:
        KeyboardInterrupt: after it has ended, if it was interrupted.
        DeploymentError: it cannot be run.
    """
    times = 0
    process: subprocess.Popen[str] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        if process is not None:
            _interrupt(process, times)
        # What is told to a terminal that is gone may not keep the command from ending.
        with contextlib.suppress(OSError):
            interrupted(times)

    with _handling(pass_on):
        process = _start(command, folder, environment, errors)
        if times:
            _interrupt(process, times)
        with process:
            try:
                yield process
            except BaseException:
                _interrupt(process, 1)
                _drain(process.stdout)
                raise
    if times:
        raise KeyboardInterrupt


def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str], errors: int) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            list(command), cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=errors, text=True, encoding="utf-8", errors="replace", process_group=0,
        )  # fmt: skip
    except OSError as error:
        raise DeploymentError(f"cannot run {command[0]}: {error}", hint="see the message") from error


def _interrupt(process: subprocess.Popen[str], times: int) -> None:
    process.send_signal(signal.SIGINT if times <= PATIENCE else signal.SIGKILL)


def _drain(stream: IO[str] | None) -> None:
    """Reads what is left: a command whose output nobody takes is killed by the system at its next line."""
    with contextlib.suppress(ValueError):
        for _ in stream or ():
            pass


@contextlib.contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    """Handles the signals for a while; those that are ignored, as below `nohup`, stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number, one in before.items() if one is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number] or signal.SIG_DFL)
