"""Runs a server for as long as whoever asked for it lives. Started as a program, it reads its input until that ends.

Whoever is killed cannot stop what it started; that its end of a pipe is closed is seen all the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

STOP_SECONDS = 5.0
# Longer than it takes to stop what does not want to.
END_SECONDS = 10.0


def guarded(command: Sequence[str], folder: str = "") -> list[str]:
    """Returns the command that runs another one, in a session of its own, until the standard input ends.

    Args:
        folder: removed in the end; none when empty.
    """
    return [sys.executable, "-I", "-S", __file__, folder, *command]


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends what was started by ``guarded``, with an input that is a pipe and in a session of its own."""
    assert process.stdin is not None  # noqa: S101
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main(folder: str, command: Sequence[str]) -> None:
    """Runs the command. Ends everything in this session when the input ends, and when the command does."""
    # Not ignored: what is started would ignore it too.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_stop_in_the_end, args=(server,), daemon=True).start()
    server.wait()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    # The server's own children, and this process.
    os.killpg(0, signal.SIGKILL)


def _stop_in_the_end(server: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(STOP_SECONDS)
        return
    server.kill()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
