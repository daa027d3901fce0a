"""Which files patterns mean: the logs themselves, and older generations of them, also compressed ones."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from penstock.errors import UsageError
from penstock.logs.rotation import is_packed, is_rotated, unpacked_name
from penstock.runtime.machine.log_file import identity

WILD = "*?["


class Candidate(NamedTuple):
    """A file that is to be followed.

    Attributes:
        file: its device and inode.
        source: the path of the log that it is a generation of.
        is_live: whether it is the newest one.
        is_packed: whether it is compressed.
    """

    file: str
    path: Path
    source: str
    is_live: bool
    is_packed: bool
    size: int


def checked(pattern: Path) -> Path:
    """Returns a pattern as an absolute path.

    Raises:
        UsageError: it has a wildcard in a folder's name.
    """
    absolute = pattern.expanduser().absolute()
    if any(character in str(absolute.parent) for character in WILD):
        raise UsageError(f"{pattern} has a wildcard in a folder's name", hint="wildcards may be in the last part only")
    return absolute


def matches(path: Path, pattern: Path) -> bool:
    """Tells whether a pattern means a path."""
    return path.parent == pattern.parent and fnmatch.fnmatchcase(path.name, pattern.name)


def files_of(folder: Path) -> list[Path]:
    """Returns the files of a folder, the oldest first; none where it cannot be listed."""
    try:
        with os.scandir(folder) as found:
            entries = [Path(entry.path) for entry in found if entry.is_file()]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return sorted(entries, key=_age)


def lives_of(pattern: Path, there: Iterable[Path], known: Iterable[Path]) -> set[str]:
    """Returns the names of the logs that a pattern means.

    Args:
        there: the files of its folder.
        known: what was followed before: a log that is not there any more may have older generations.
    """
    if not _is_wild(pattern):
        return {pattern.name}
    return {path.name for path in (*there, *known) if matches(path, pattern) and not is_packed(path.name)}


def live_of(name: str, lives: Iterable[str]) -> str | None:
    """Returns the name of the log of which a file is an older generation; None if it is none."""
    plain = unpacked_name(name)
    return next((live for live in lives if is_rotated(plain, live)), None)


def candidates(
    patterns: Sequence[Path], known: Sequence[Path], missed: Callable[[Path, Path, OSError], None]
) -> Iterator[Candidate]:
    """Yields the files that patterns mean, and older generations of them.

    Args:
        known: what was followed before.
        missed: takes what cannot be looked at, and the log that it is a generation of.
    """
    for pattern in patterns:
        there = files_of(pattern.parent)
        lives = lives_of(pattern, there, known)
        named = [] if _is_wild(pattern) else [pattern]
        for path in [*named, *(path for path in there if path != pattern)]:
            live = live_of(path.name, lives)
            is_meant = matches(path, pattern)
            if live is None and not is_meant:
                continue
            source = path if is_meant else path.with_name(str(live))
            try:
                status = path.stat()
            except OSError as error:
                missed(path, source, error)
                continue
            if stat.S_ISREG(status.st_mode):
                packed = is_packed(path.name)
                is_live = live is None and not packed
                yield Candidate(identity(status), path, str(source), is_live, packed, status.st_size)


def _is_wild(pattern: Path) -> bool:
    return any(character in pattern.name for character in WILD)


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name
