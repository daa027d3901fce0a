"""Who is alive: each process holds a lock on a file of its own, which the system frees when the process dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class Owner:
    """This process, as the others of a home see it.

    Args:
        folder: holds one file for each living process; created when absent.
        token: names this process; never used twice.
    """

    def __init__(self, folder: Path, token: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.token = token
        self._folder = folder
        self._fd: int | None = _lock(folder / token)

    def living(self) -> list[str]:
        """Returns the tokens of the processes that are alive, and removes the files of the dead."""
        alive = [self.token]
        for path in self._folder.iterdir():
            if path.name != self.token and not _is_free(path):
                alive.append(path.name)
        return alive

    def close(self) -> None:
        """Leaves. Leaving twice is a no-op."""
        if self._fd is None:
            return
        with contextlib.suppress(OSError):
            (self._folder / self.token).unlink()
        os.close(self._fd)
        self._fd = None

    def abandon(self) -> None:
        """Leaves as a process does that is killed: the others find its file without a lock."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _lock(path: Path) -> int:
    while True:
        fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        # Before the lock was ours, somebody may have taken the file for a dead process's and removed it.
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(fd).st_ino:
                os.write(fd, f"{os.getpid()}\n".encode())
                return fd
        os.close(fd)


def _is_free(path: Path) -> bool:
    """Tells whether nobody holds a lock on a file, and then removes it."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        with contextlib.suppress(OSError):
            path.unlink()
        return True
    finally:
        os.close(fd)
