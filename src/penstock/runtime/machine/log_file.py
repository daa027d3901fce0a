"""A log file that is being read: what it holds, how far it was read, and whether it still is what it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from penstock.logs.formats import Line
from penstock.ports.offsets import FileOffset

HEAD_BYTES = 1024
TAIL_BYTES = 256
# A line that is longer is cut: each part is a line.
LINE_LIMIT_BYTES = 1024 * 1024


class LogFile:
    """One generation of a file, held open: it can be read to its end when it was renamed or deleted.

    Attributes:
        is_live: whether it is the newest generation.
        left_at: since when it is not, in seconds since the epoch.
        changed_at: when its size was seen to change.

    Args:
        id: names this generation.
        path: under which name it was found.
        source: under which name it was followed first.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, id: str, path: Path, source: str) -> None:  # noqa: A002 - the field's name
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(self.fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(self.fd)
            raise FileNotFoundError(f"{path} is no file")
        self.id = id
        self.file = f"{status.st_dev}:{status.st_ino}"
        self.path = path
        self.source = source
        self.position = 0
        self.head = b""
        self.tail = b""
        self.is_live = True
        self.left_at = float("inf")
        self.changed_at = float("-inf")
        self._size_seen = -1

    @property
    def size(self) -> int:
        return os.fstat(self.fd).st_size

    @property
    def modified_at(self) -> float:
        return os.fstat(self.fd).st_mtime

    def observe(self, now: float) -> int:
        """Notes whether the file has grown; returns how many bytes are unread."""
        size = self.size
        if size != self._size_seen:
            self._size_seen, self.changed_at = size, now
        self.left_at = float("inf") if self.is_live else min(self.left_at, now)
        return max(0, size - self.position)

    def begin_at(self, offset: FileOffset) -> None:
        """Goes on where an offset says."""
        self.position, self.head, self.tail = offset.position, offset.head, offset.tail

    def holds(self, offset: FileOffset) -> bool:
        """Tells whether the file's content is what an offset was noted for, up to there at least."""
        return self._holds(offset.position, offset.head, offset.tail)

    def is_intact(self) -> bool:
        """Tells whether what was read is still there: the file was not truncated."""
        return self._holds(self.position, self.head, self.tail)

    def _holds(self, position: int, head: bytes, tail: bytes) -> bool:
        return (
            self.size >= position
            and os.pread(self.fd, len(head), 0) == head
            and os.pread(self.fd, len(tail), position - len(tail)) == tail
        )

    def begins_like(self, offset: FileOffset) -> bool:
        """Tells whether the file is the beginning of what an offset was noted for: whole lines, all of them read."""
        size = self.size
        if not 0 < size < offset.position:
            return False
        start = os.pread(self.fd, HEAD_BYTES, 0)
        return (size >= HEAD_BYTES or start.endswith(b"\n")) and offset.head.startswith(start)

    def is_beginning_of(self, other: LogFile) -> bool:
        """Tells whether all that the file holds is the beginning of what another one holds: it is being copied."""
        size = self.size
        place = max(0, size - TAIL_BYTES)
        return 0 < size <= other.size and all(
            os.pread(self.fd, HEAD_BYTES, start)[: size - start]
            == os.pread(other.fd, HEAD_BYTES, start)[: size - start]
            for start in (0, place)
        )

    def read(self, limit_bytes: int) -> bytes:
        """Returns what follows the position; nothing where the file was truncated in the meantime."""
        data = os.pread(self.fd, limit_bytes, self.position)
        if not self.is_intact() or self.size < self.position + len(data):
            return b""
        return data if self.position or os.pread(self.fd, HEAD_BYTES, 0).startswith(data[:HEAD_BYTES]) else b""

    def offset_after(self, data: bytes, end: int, now: float) -> FileOffset:
        """Returns the offset once what was read is stored up to a place, in bytes from the file's beginning."""
        taken = data[: end - self.position]
        return FileOffset(
            id=self.id,
            file=self.file,
            path=self.source,
            position=end,
            head=(self.head + taken)[:HEAD_BYTES] if len(self.head) < HEAD_BYTES else self.head,
            tail=(self.tail + taken)[-TAIL_BYTES:],
            seen_at=now,
        )

    def offset(self, now: float, *, is_current: bool = True) -> FileOffset:
        """Returns how far the file was read."""
        return FileOffset(
            id=self.id,
            file=self.file,
            path=self.source,
            position=self.position,
            head=self.head,
            tail=self.tail,
            is_current=is_current,
            seen_at=now,
        )

    def close(self) -> None:
        """Frees the file. Freeing it twice is a no-op."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def lines_of(data: bytes, start: int, *, is_final: bool) -> Iterator[Line]:
    """Yields the lines of what was read.

    Args:
        start: where it begins, in bytes from the file's beginning.
        is_final: what follows the last end of a line is a line as well.
    """
    place = 0
    while (end := data.find(b"\n", place)) >= 0:
        yield from _cut(data, place, end, start)
        raw = data[_last_cut(place, end) : end]
        yield Line(_decode(raw.removesuffix(b"\r")), start + end + 1)
        place = end + 1
    while len(data) - place > LINE_LIMIT_BYTES:
        yield Line(_decode(data[place : place + LINE_LIMIT_BYTES]), start + place + LINE_LIMIT_BYTES)
        place += LINE_LIMIT_BYTES
    if is_final and place < len(data):
        yield Line(_decode(data[place:]), start + len(data))


def _last_cut(place: int, end: int) -> int:
    return place + max(0, end - place - 1) // LINE_LIMIT_BYTES * LINE_LIMIT_BYTES


def _cut(data: bytes, place: int, end: int, start: int) -> Iterator[Line]:
    for begin in range(place, _last_cut(place, end), LINE_LIMIT_BYTES):
        yield Line(_decode(data[begin : begin + LINE_LIMIT_BYTES]), start + begin + LINE_LIMIT_BYTES)


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
