"""How much memory a function's processes hold.

A watcher of resident memory, not a limit of the kernel's. RLIMIT_AS and RLIMIT_DATA count what is reserved: eight idle
threads of Python on Linux reserve 580 MB of addresses and 65 MB of data for 1 MB in use, so either would stop functions
that run in Lambda, and with a MemoryError that Lambda does not know. Control groups would do, but need root, or a group
that was delegated. The kernel keeps each process's highest mark, so a peak between two looks is seen at the next, and
no answer is taken before a look; only what an already ended child held for some milliseconds can be missed.
"""

from __future__ import annotations

from pathlib import Path

INTERVAL_SECONDS = 0.005
KIB = 1024
MIB = 1024 * 1024


def family_of(process: int) -> list[int]:
    """Returns a process's descendants, nearest first."""
    found: list[int] = []
    waiting = [process]
    while waiting:
        one = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            children = [int(word) for task in tasks for word in (task / "children").read_text().split()]
        except OSError:
            continue
        found += children
        waiting += children
    return found


class MemoryWatch:
    """The memory of a function's process and of all that it started.

    Args:
        process: the function's.
        keeper: the process that inherits whatever the function leaves behind; not counted.

    Attributes:
        peak_bytes: the most that was seen, since the process began.
    """

    def __init__(self, process: int, keeper: int) -> None:
        self._process = process
        self._keeper = keeper
        self.peak_bytes = 0

    def look(self) -> int:
        """Returns the peak so far, in bytes: the process's own highest mark, and the others' share now."""
        own = _field(self._process, "status", b"VmHWM:")
        others = [other for other in family_of(self._keeper) if other != self._process]
        self.peak_bytes = max(self.peak_bytes, own + sum(_field(other, "smaps_rollup", b"Pss:") for other in others))
        return self.peak_bytes


def _field(process: int, file: str, name: bytes) -> int:
    """Returns a field of a file in /proc in bytes; 0 when the process is gone."""
    try:
        text = Path(f"/proc/{process}/{file}").read_bytes()
    except OSError:
        return 0
    start = text.find(b"\n" + name)
    return int(text[start + 1 + len(name) :].split(None, 1)[0]) * KIB if start >= 0 else 0
