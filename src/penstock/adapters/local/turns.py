"""Writers of one SQLite file take turns, in about the order in which they came.

SQLite lets who waits look again now and then; beside others that write all the time it may look for long without luck.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class WriterTurns:
    """The turns of those who write one file, in all processes of this machine.

    Args:
        path: the file that is locked by whose turn it is; created when it is absent. A process that dies lets go of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Waits for a turn, for a ``with`` block. Turns do not nest.

        Raises:
            OSError: the file cannot be opened.
        """
        # Each has a descriptor of its own: by one that threads share, all would have the turn at once.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                # A process that was forked meanwhile has the descriptor as well, and would keep the turn by it.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)
