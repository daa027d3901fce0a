"""The log files of a stream: which are there, which of them are new, renamed, copied, truncated or gone.

A file is known by its device and inode and by what it begins with, and keeps its offset under any name. A truncated
file starts again at its beginning, and a copy that was made of it before goes on where it was read to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.logs.rotation import is_packed, unpacked_name
from penstock.ports.clock import Entropy
from penstock.ports.offsets import FileOffset, OffsetStore
from penstock.runtime.machine.log_file import LogFile
from penstock.runtime.machine.log_patterns import Candidate, candidates, checked, files_of, live_of, lives_of, matches
from penstock.runtime.machine.packed_log import UNPACKED, PackedLogFile

# A file that is no longer among those that are followed is let go when nothing was written to it for so long.
SETTLE_SECONDS = 5.0
# Offsets of files that are gone are kept for so long, should a copy turn up.
FORGET_SECONDS = 30 * 86_400.0
# How often a compressed file that cannot be read yet is tried, and how long it may take to be written.
RETRY_SECONDS = 5.0
DAMAGED_SECONDS = 60.0


class LogFiles:
    """The files that some patterns mean, and older generations of them.

    Attributes:
        waiting: logs of which an older generation could not be read yet at the last look.

    Args:
        patterns: paths; the last part may hold ``*``, ``?`` and ``[…]``.
        from_end: those of the patterns whose files, as far as they are there at first, begin at their end.
        scratch: a folder where compressed generations are unpacked; the system's for temporary files when absent.

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
        scratch: Path | None = None,
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
        self._later: dict[str, float] = {}
        self._partial: set[str] = set()
        self.waiting: set[str] = set()
        self._scratch = scratch or Path(tempfile.gettempdir())
        self._is_registered = False

    def scan(self, now: float) -> list[LogFile]:
        """Looks at the folders; returns the open files, older generations before newer ones."""
        if not self._is_registered:
            self._register(now)
        self._check_truncated(now)
        self.waiting.clear()
        found = {one.file: one for one in candidates(self._patterns, self._known_paths(), self._missed)}
        fresh = self._take([one for one in found.values() if not one.is_packed], now)
        packed = [one for one in found.values() if one.is_packed and not self._is_done(one)]
        self._disown(packed)
        for opened in fresh:
            self._place(opened, [*self._open.values(), *fresh], found, now)
        for one in packed:
            self._unpack(one, found, now)
        self._let_go(found, now)
        return sorted(self._open.values(), key=_age)

    def _take(self, plain: Sequence[Candidate], now: float) -> list[LogFile]:
        """Opens what is not open; returns the files of which nothing was read under their inodes."""
        fresh = []
        for one in plain:
            if one.file in self._open:
                self._open[one.file].is_live = one.is_live
            elif not self._is_done(one):
                opened = self._begin(one, now)
                if opened is None:
                    self.waiting.add(one.source)
                elif opened.position:
                    self._follow(opened)
                else:
                    fresh.append(opened)
        return fresh

    def _disown(self, packed: Sequence[Candidate]) -> None:
        """Notes that files whose inodes are those of new compressed ones are gone."""
        stale = [known for one in packed if (known := self._current(one.file)) is not None]
        if stale:
            self._note([msgspec.structs.replace(one, is_current=False) for one in stale])

    def _unpack(self, one: Candidate, there: Mapping[str, Candidate], now: float) -> None:
        """Opens a compressed generation of which not all is stored."""
        # It may be being made of a file that is there still, which is read itself.
        if one.file + UNPACKED in self._open or one.path.with_name(unpacked_name(one.path.name)).exists():
            return
        if self._later.get(one.file, now) > now:
            self.waiting |= {one.source} & self._partial
            return
        self._later[one.file] = now + RETRY_SECONDS
        opened = self._try_open(one.path, lambda id_: PackedLogFile(id_, one.path, one.source, self._scratch))
        if not isinstance(opened, PackedLogFile):
            return
        if opened.reason and now - opened.packed_at < DAMAGED_SECONDS:
            self.waiting.add(one.source)
            self._partial.add(one.source)
            opened.close()
            return
        self._partial.discard(one.source)
        if opened.reason:
            self._complain(one.path, f"{opened.reason}; what comes before is read")
        self._place_unpacked(opened, there, now)

    def _place_unpacked(self, opened: PackedLogFile, there: Mapping[str, Candidate], now: float) -> None:
        removed = [other for file, other in self._open.items() if file.removesuffix(UNPACKED) not in there]
        same = [one for one in removed if opened.is_beginning_of(one) or one.is_beginning_of(opened)]
        if same:
            # What it was made of is read to its end first.
            if any(one.position >= opened.size for one in same):
                self._note(opened.ended(now))
            opened.close()
            return
        begun = self._current(opened.file)
        if begun is not None and opened.holds(begun):
            opened.id, opened.source = begun.id, begun.path
            opened.begin_at(begun)
            self._follow(opened)
        else:
            if begun is not None:
                self._note([msgspec.structs.replace(begun, is_current=False)])
            self._place(opened, list(self._open.values()), there, now)
        if self._open.get(opened.file) is opened and opened.position == opened.size:
            self._end(opened, now)

    def _end(self, opened: LogFile, now: float) -> None:
        """Lets a file go of which all is stored."""
        if isinstance(opened, PackedLogFile):
            self._note(opened.ended(now))
        opened.close()
        del self._open[opened.file]

    def _is_done(self, one: Candidate) -> bool:
        known = self._current(one.file)
        return not one.is_live and known is not None and known.is_packed == one.is_packed and known.position == one.size

    def _current(self, file: str) -> FileOffset | None:
        return next((one for one in self._known.values() if one.is_current and one.file == file), None)

    def _known_paths(self) -> list[Path]:
        return [Path(one.path) for one in self._known.values()]

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
                there = files_of(pattern.parent)
                lives = lives_of(pattern, there, self._known_paths())
                ended = [one for path in there if (one := self._at_end(path, pattern, lives, now))]
                self._offsets.register(self._stream, str(pattern), ended)
                self._known |= {one.id: one for one in ended}
        self._is_registered = True

    def _at_end(self, path: Path, pattern: Path, lives: Collection[str], now: float) -> FileOffset | None:
        is_meant = any(matches(path, one) for one in self._patterns)
        if is_meant and not (pattern in self._from_end and matches(path, pattern)):
            return None
        if not is_meant and live_of(path.name, lives) is None:
            return None
        opened = self._try_open(path, lambda id_: LogFile(id_, path, str(path)))
        if opened is None:
            return None
        try:
            end = opened.size
            if self._current(opened.file) or not end:
                return None
            opened.count_as_read(end)
            return msgspec.structs.replace(opened.offset(now), is_packed=is_packed(path.name))
        finally:
            opened.close()

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
            opened.count_as_read(opened.size)
        new = [opened.offset(now)] if opened.position else []
        self._note([old, *new])

    def _begin(self, one: Candidate, now: float) -> LogFile | None:
        """Opens a file that is not open, at its offset when it is known."""
        opened = self._try_open(one.path, lambda id_: LogFile(id_, one.path, one.source))
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

    def _place(self, opened: LogFile, others: Sequence[LogFile], there: Mapping[str, Candidate], now: float) -> None:
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
        gone = self._gone(there)
        origin = next((one for one in reversed(gone) if opened.holds(one)), None)
        if origin is not None:
            opened.begin_at(origin)
        elif not opened.is_live:
            origin = next((one for one in reversed(gone) if opened.begins_like(one)), None)
            if origin is not None:
                opened.count_as_read(opened.size)
        if origin is not None:
            opened.source = origin.path
            self._note([opened.offset(now)], [origin.id])
        self._follow(opened)

    def _gone(self, there: Mapping[str, Candidate]) -> list[FileOffset]:
        """Returns the offsets of what no file holds any more, the oldest first."""

        def is_gone(one: FileOffset) -> bool:
            return one.file.removesuffix(UNPACKED) not in there and one.file not in self._open

        return [one for one in self._known.values() if not one.is_current or is_gone(one)]

    def _follow(self, opened: LogFile) -> None:
        self._open[opened.file] = opened

    def _let_go(self, found: Mapping[str, Candidate], now: float) -> None:
        """Closes older generations that are read to their end, and forgets what has been gone for long."""
        for file, opened in list(self._open.items()):
            unread = opened.observe(now)
            opened.is_live = opened.is_live and file in found
            if not opened.is_live and not unread and now - opened.changed_at >= SETTLE_SECONDS:
                self._end(opened, now)
        before = now - FORGET_SECONDS
        if old := [one.id for one in self._gone(found) if one.seen_at < before]:
            self._note([], old)

    def _note(self, offsets: Sequence[FileOffset], forget: Sequence[str] = ()) -> None:
        noted = [one for one in offsets if one.position]
        self._offsets.keep(self._stream, noted, forget)
        for gone in forget:
            self._known.pop(gone, None)
        self._known |= {one.id: one for one in noted}

    def _try_open(self, path: Path, open_: Callable[[str], LogFile]) -> LogFile | None:
        try:
            return open_(self._entropy.token())
        except OSError as error:
            self._complain(path, error)
            return None

    def _missed(self, path: Path, source: Path, error: OSError) -> None:
        # What went since the folder was listed is there under another name the next time.
        self.waiting.add(str(source))
        self._complain(path, error)

    def _complain(self, path: Path, what: OSError | str) -> None:
        """Says once what keeps a file from being read."""
        if isinstance(what, FileNotFoundError):
            return
        reason = what if isinstance(what, str) else f"{what.strerror}; it is tried again"
        if (str(path), reason) not in self._warned:
            self._warned.add((str(path), reason))
            self._warn(f"cannot read {path}: {reason}")


def _age(opened: LogFile) -> tuple[str, bool, bool, float]:
    """Returns what sorts the generations of a log, the oldest first: what is compressed is older than what is not."""
    return opened.source, opened.is_live, not isinstance(opened, PackedLogFile), opened.modified_at
