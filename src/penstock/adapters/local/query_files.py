"""Which files of the lake a table consists of, and how each is to be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

BEGINNING_BYTES = 4096
# A larger one is judged line by line, as the pipeline's own reader does.
DOCUMENT_LIMIT_BYTES = 16 * 1024 * 1024
BOM = b"\xef\xbb\xbf"


class TableFiles(msgspec.Struct):
    """The files of one table, by how they are to be read.

    Attributes:
        lines: one record a line.
        documents: JSON spread over several lines, or arrays of records.
        unreadable: what is there by name but cannot be read: links, pipes, files of somebody else.
    """

    lines: list[str] = []
    documents: list[str] = []
    unreadable: list[str] = []

    def mend(self, path: str) -> bool:
        """Sees to a file that spoils a query, so that the query can be asked again; False when it is none of these.

        A document that is no JSON becomes lines, to be judged one by one, and with it all that are like it. What is
        gone meanwhile was not there. Anything else is left out.
        """
        if path not in self.lines and path not in self.documents:
            return False
        broken = {one for one in self.documents if not _is_json(one)} if path in self.documents else set()
        self.lines = [one for one in [*self.lines, *sorted(broken)] if Path(one).exists()]
        self.documents = [one for one in self.documents if one not in broken and Path(one).exists()]
        if path not in broken and Path(path).exists():
            self.unreadable.append(path)
            self.lines, self.documents = ([one for one in held if one != path] for held in (self.lines, self.documents))
        return True


def find_files(lake: Path, zone: str, table: str, partition: Sequence[str]) -> TableFiles:
    """Returns the files of a table in their order by name. Follows no link; files in other places are none of it.

    Args:
        lake: the lake's folder, resolved.
        partition: the partition columns, outermost first.
    """
    found = TableFiles()
    folder = str(lake)
    for name in (zone, table):
        folder = f"{folder}/{name}"
        if not _is_folder(folder):
            return found
    for path in _walk(folder, tuple(partition)):
        try:
            path.encode()
            kind = _kind(path)
        except (OSError, UnicodeEncodeError):
            kind = "unreadable"
        if kind != "empty":
            getattr(found, kind).append(path)
    return found


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _walk(folder: str, partition: tuple[str, ...]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in ordered:
        if not partition:
            if entry.name.endswith(".json"):
                yield entry.path
        elif entry.name.startswith(f"{partition[0]}=") and entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, partition[1:])


def _kind(path: str) -> str:
    # A link is refused by the flag; a pipe would hold up who opens it to read.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        beginning = os.read(handle, BEGINNING_BYTES)
        if not beginning:
            return "empty" if stat.S_ISREG(os.fstat(handle).st_mode) else "unreadable"
        if begins_document(beginning) and os.fstat(handle).st_size <= DOCUMENT_LIMIT_BYTES:
            return "documents"
        return "lines"
    finally:
        os.close(handle)


def begins_document(beginning: bytes) -> bool:
    """Tells whether a file that begins so is JSON spread over several lines, or an array."""
    if beginning.startswith(BOM):
        return True
    text = beginning.lstrip()
    if text.startswith(b"["):
        return True
    line, ended, _ = text.partition(b"\n")
    line = line.strip()
    return bool(ended) and line.startswith(b"{") and line.endswith((b"{", b"[", b","))


def _is_json(path: str) -> bool:
    try:
        msgspec.json.decode(Path(path).read_bytes().removeprefix(BOM))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
