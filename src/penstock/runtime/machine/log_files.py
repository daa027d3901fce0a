"""The log files of a stream: which are there, which of them are new, renamed, copied, truncated or gone.

A file is known by its device and inode and by what it begins with, and keeps its offset under any name. A truncated
file starts again at its beginning, and a copy that was made of it before goes on where it was read to.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from penstock.errors import UsageError
from penstock.logs.rotation import is_rotated
from penstock.ports.clock import Entropy
from penstock.ports.offsets import FileOffset, OffsetStore
from penstock.runtime.machine.log_file import HEAD_BYTES, TAIL_BYTES, LogFile

# A file that is no longer among those that are followed is let go when nothing was written to it for so long.
SETTLE_SECONDS = 5.0
# Offsets of files that are gone are kept for so long, should a copy turn up.
FORGET_SECONDS = 30 * 86_400.0
WILD = "*?["


class _Candidate(NamedTuple):
    """A file that is to be followed.

    Attributes:
        file: its device and inode.
        source: the path of the log that it is a generation of.
        is_live: whether it is the newest one.
    """

    file: str
    path: Path
    source: str
    is_live: bool
    size: int


class LogFiles:
    """The files that some patterns mean, and older generations of them.

    Args:
        patterns: paths; the last part may hold ``*``, ``?`` and ``[…]``.
        from_end: those of the patterns whose files, as far as they are there at first, begin at their end.

    Raises:
        UsageError: a pattern has wildcards in a folder's name.
    """

    def __init__(
        self,
        stream: str,
        patterns: Sequence[Path],
        *,
        offsets: OffsetStore,
        entropy: Entropy,
        warn: Callable[[str], None] = lambda text: None,
        from_end: Sequence[Path] = (),
    ) -> None:
        self._stream = stream
        self._patterns = [checked(pattern) for pattern in patterns]
        self._offsets = offsets
        self._entropy = entropy
        self._warn = warn
        self._warned: set[tuple[str, str]] = set()
        self._from_end = {checked(pattern) for pattern in from_end}
        self._known = {one.id: one for one in offsets.offsets(stream)}
        self._open: dict[str, LogFile] = {}
        self._is_registered = False

    def scan(self, now: float) -> list[LogFile]:
        """Looks at the folders; returns the open files, older generations before newer ones."""
        if not self._is_registered:
            self._register(now)
        self._check_truncated(now)
        found = {one.file: one for one in self._candidates()}
        fresh = self._take(found, now)
        for opened in fresh:
            self._place(opened, [*self._open.values(), *fresh], found, now)
        self._let_go(found, now)
        return sorted(self._open.values(), key=lambda one: (one.source, one.is_live, one.modified_at))

    def _take(self, found: Mapping[str, _Candidate], now: float) -> list[LogFile]:
        """Opens what is not open; returns the files of which nothing was read under their inodes."""
        fresh = []
        for file, one in found.items():
            if file in self._open:
                self._open[file].is_live = one.is_live
            elif not self._is_done(one) and (opened := self._begin(one, now)) is not None:
                if opened.position:
                    self._follow(opened)
                else:
                    fresh.append(opened)
        return fresh

    def _is_done(self, one: _Candidate) -> bool:
        known = self._current(one.file)
        return not one.is_live and known is not None and known.position == one.size

    def _current(self, file: str) -> FileOffset | None:
        return next((one for one in self._known.values() if one.is_current and one.file == file), None)

    def commit(self, offsets: Sequence[FileOffset]) -> None:
        """Notes offsets that were stored."""
        for offset in offsets:
            self._known[offset.id] = offset
            opened = self._open.get(offset.file)
            if opened is not None and opened.id == offset.id:
                opened.begin_at(offset)

    def close(self) -> None:
        """Frees every file."""
        for opened in self._open.values():
            opened.close()
        self._open.clear()

    def _register(self, now: float) -> None:
        """Notes the older generations that are there when a pattern is first followed: they are not collected."""
        before = self._offsets.patterns(self._stream)
        for pattern in self._patterns:
            if str(pattern) not in before:
                there = [one for path in _files_of(pattern.parent) if (one := self._at_end(path, pattern, now))]
                self._offsets.register(self._stream, str(pattern), there)
                self._known |= {one.id: one for one in there}
        self._is_registered = True

    def _at_end(self, path: Path, pattern: Path, now: float) -> FileOffset | None:
        is_meant = any(matches(path, one) for one in self._patterns)
        if is_meant and not (pattern in self._from_end and matches(path, pattern)):
            return None
        if not is_meant and not self._older_than(path.name, pattern):
            return None
        opened = self._try_open(path, str(path))
        if opened is None:
            return None
        try:
            end = opened.size
            if self._current(opened.file) or not end:
                return None
            self._read_to(opened, end)
            return opened.offset(now)
        finally:
            opened.close()

    def _older_than(self, name: str, pattern: Path) -> bool:
        return any(is_rotated(name, live) for live in self._live_names(pattern))

    def _live_names(self, pattern: Path) -> set[str]:
        if not _is_wild(pattern):
            return {pattern.name}
        there = {path.name for path in _files_of(pattern.parent) if fnmatch.fnmatchcase(path.name, pattern.name)}
        known = (Path(one.path) for one in self._known.values())
        return there | {path.name for path in known if matches(path, pattern)}

    def _candidates(self) -> Iterator[_Candidate]:
        """Yields the files that are meant, and older generations of them."""
        for pattern in self._patterns:
            lives = self._live_names(pattern)
            paths = [] if _is_wild(pattern) else [pattern]
            for path in [*paths, *(path for path in _files_of(pattern.parent) if path != pattern)]:
                origin = next((name for name in lives if is_rotated(path.name, name)), None)
                is_meant = matches(path, pattern)
                if origin is None and not is_meant:
                    continue
                try:
                    status = path.stat()
                except OSError as error:
                    self._complain(path, error)
                    continue
                if stat.S_ISREG(status.st_mode):
                    file = f"{status.st_dev}:{status.st_ino}"
                    source = path if is_meant else path.with_name(str(origin))
                    yield _Candidate(file, path, str(source), origin is None, status.st_size)

    def _check_truncated(self, now: float) -> None:
        for opened in list(self._open.values()):
            if not opened.is_intact():
                self._begin_again(opened, now)

    def _begin_again(self, opened: LogFile, now: float) -> None:
        """Makes a truncated file a new generation; what was read of the old one is kept, for a copy of it."""
        old = opened.offset(now, is_current=False)
        opened.id = self._entropy.token()
        opened.position, opened.head, opened.tail = 0, b"", b""
        if opened.begins_like(old):
            # Its end was cut off, and what is left was read.
            self._read_to(opened, opened.size)
        new = [opened.offset(now)] if opened.position else []
        self._note([old, *new])

    def _begin(self, one: _Candidate, now: float) -> LogFile | None:
        """Opens a file that is not open, at its offset when it is known."""
        opened = self._try_open(one.path, one.source)
        if opened is None:
            return None
        opened.is_live = one.is_live
        known = self._current(opened.file)
        if known is not None:
            opened.id, opened.source = known.id, known.path
            opened.begin_at(known)
            if not opened.is_intact():
                self._begin_again(opened, now)
                opened.source = one.source
        return opened

    def _place(self, opened: LogFile, others: Sequence[LogFile], there: Mapping[str, _Candidate], now: float) -> None:
        """Decides where a file begins of which nothing was read under its inode."""
        is_copying = not opened.is_live and any(
            other is not opened and other.is_live and opened.is_beginning_of(other) for other in others
        )
        if opened.file in self._open or is_copying:
            # A copy counts once the original is truncated.
            opened.close()
            return
        # What the copy is not the beginning of may have been truncated a moment ago.
        self._check_truncated(now)
        gone = [one for one in self._known.values() if not one.is_current or self._is_gone(one, there)]
        origin = next((one for one in reversed(gone) if opened.holds(one)), None)
        if origin is not None:
            opened.begin_at(origin)
        elif not opened.is_live:
            origin = next((one for one in reversed(gone) if opened.begins_like(one)), None)
            if origin is not None:
                self._read_to(opened, opened.size)
        if origin is not None:
            opened.source = origin.path
            self._note([opened.offset(now)], [origin.id])
        self._follow(opened)

    def _is_gone(self, offset: FileOffset, there: Mapping[str, _Candidate]) -> bool:
        return offset.file not in there and offset.file not in self._open

    def _follow(self, opened: LogFile) -> None:
        self._open[opened.file] = opened

    def _let_go(self, found: Mapping[str, _Candidate], now: float) -> None:
        """Closes older generations that are read to their end, and forgets what has been gone for long."""
        for file, opened in list(self._open.items()):
            unread = opened.observe(now)
            opened.is_live = opened.is_live and file in found
            if not opened.is_live and not unread and now - opened.changed_at >= SETTLE_SECONDS:
                opened.close()
                del self._open[file]
        before = now - FORGET_SECONDS
        gone = [one for one in self._known.values() if not one.is_current or self._is_gone(one, found)]
        if old := [one.id for one in gone if one.seen_at < before]:
            self._note([], old)

    def _read_to(self, opened: LogFile, end: int) -> None:
        """Counts what a file holds up to a place as read."""
        start = max(0, end - TAIL_BYTES)
        opened.position = end
        opened.head = os.pread(opened.fd, min(end, HEAD_BYTES), 0)
        opened.tail = os.pread(opened.fd, end - start, start)

    def _note(self, offsets: Sequence[FileOffset], forget: Sequence[str] = ()) -> None:
        noted = [one for one in offsets if one.position]
        self._offsets.keep(self._stream, noted, forget)
        for gone in forget:
            self._known.pop(gone, None)
        self._known |= {one.id: one for one in noted}

    def _try_open(self, path: Path, live: str) -> LogFile | None:
        try:
            return LogFile(self._entropy.token(), path, live)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(path, error)
            return None

    def _complain(self, path: Path, error: OSError) -> None:
        """Says once what keeps a file from being read."""
        what = (str(path), str(error.strerror))
        if not isinstance(error, FileNotFoundError) and what not in self._warned:
            self._warned.add(what)
            self._warn(f"cannot read {path}: {error.strerror}; it is tried again")


def checked(pattern: Path) -> Path:
    """Returns a pattern as an absolute path.

    Raises:
        UsageError: it has a wildcard in a folder's name.
    """
    absolute = pattern.expanduser().absolute()
    if any(character in str(absolute.parent) for character in WILD):
        raise UsageError(f"{pattern} has a wildcard in a folder's name", hint="wildcards may be in the last part only")
    return absolute


def _is_wild(pattern: Path) -> bool:
    return any(character in pattern.name for character in WILD)


def matches(path: Path, pattern: Path) -> bool:
    """Tells whether a pattern means a path."""
    return path.parent == pattern.parent and fnmatch.fnmatchcase(path.name, pattern.name)


def _files_of(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            entries = [Path(entry.path) for entry in found if entry.is_file()]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return sorted(entries, key=_age)


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name
