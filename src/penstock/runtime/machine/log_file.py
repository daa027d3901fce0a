"""A log file that is being read: what it holds, how far it was read, and whether it still is what it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

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
        self.file = identity(status)
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

    def count_as_read(self, end: int) -> None:
        """Goes on behind a place, as if all before it had been read."""
        start = max(0, end - TAIL_BYTES)
        self.position = end
        self.head = os.pread(self.fd, min(end, HEAD_BYTES), 0)
        self.tail = os.pread(self.fd, end - start, start)

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
        return msgspec.structs.replace(
            self.offset(now),
            position=end,
            head=(self.head + taken)[:HEAD_BYTES] if len(self.head) < HEAD_BYTES else self.head,
            tail=(self.tail + taken)[-TAIL_BYTES:],
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


def identity(status: os.stat_result) -> str:
    """Returns what a file is known by under any name: its device and inode."""
    return f"{status.st_dev}:{status.st_ino}"


class Lines:
    """The lines of what was read from a file.

    Attributes:
        texts: the lines, without their ends.

    Args:
        start: where it begins, in bytes from the file's beginning.
        is_final: what follows the last end of a line is a line as well.
    """

    def __init__(self, data: bytes, start: int, *, is_final: bool) -> None:
        self._data = data
        self._start = start
        self._ends: list[int] | None = None
        end = data.rfind(b"\n") + 1
        self._last = len(data) if is_final else end
        texts = _decode(data[:end]).split("\n")
        texts.pop()
        if b"\r\n" in data:
            texts = [text.removesuffix("\r") for text in texts]
        if is_final and end < len(data):
            texts.append(_decode(data[end:]))
        # No character is of more than four bytes.
        if 4 * max(map(len, texts), default=0) > LINE_LIMIT_BYTES or len(data) - end > LINE_LIMIT_BYTES:
            cut = list(_cut(data, is_final=is_final))
            self.texts, self._ends = [text for text, _ in cut], [place for _, place in cut]
        else:
            self.texts = texts

    def end(self, count: int) -> int:
        """Returns where the first lines end, so many of them, in bytes from the file's beginning."""
        if count == 0:
            return self._start
        if self._ends is not None:
            return self._start + self._ends[count - 1]
        place = self._last
        for _ in range(len(self.texts) - count):
            place = self._data.rfind(b"\n", 0, place - 1) + 1
        return self._start + place


def _cut(data: bytes, *, is_final: bool) -> Iterator[tuple[str, int]]:
    """Yields lines, those that are too long in parts, each with the place behind it."""
    place = 0
    while place < len(data):
        newline = data.find(b"\n", place)
        end = newline if newline >= 0 else len(data)
        while end - place > LINE_LIMIT_BYTES:
            yield _decode(data[place : place + LINE_LIMIT_BYTES]), place + LINE_LIMIT_BYTES
            place += LINE_LIMIT_BYTES
        if newline >= 0:
            yield _decode(data[place:end].removesuffix(b"\r")), newline + 1
        elif is_final:
            yield _decode(data[place:]), end
        place = end + 1


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
