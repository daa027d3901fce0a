"""How each raw file of a table is to be read."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from penstock.adapters.local.query_partitions import PACKED, bare_name

BEGINNING_BYTES = 4096
# A larger one is judged line by line, as the pipeline's own reader does.
DOCUMENT_LIMIT_BYTES = 16 * 1024 * 1024
GZIP_WINDOW = 31
BOM = b"\xef\xbb\xbf"


class TableFiles(msgspec.Struct):
    """The raw files of one table, by how they are to be read.

    Attributes:
        lines: one record a line.
        documents: JSON spread over several lines, or arrays of records.
        tables: CSV and Parquet: columns with names.
        fitted: lines of records and nothing else, each file with the number of what is none and was left out of it.
        careful: writes a fitted file anew when an engine cannot take it; returns where it is now, and its misfits.
        unreadable: what is there by name but cannot be read: links, pipes, files of somebody else.
    """

    lines: list[str] = []
    documents: list[str] = []
    tables: list[str] = []
    fitted: dict[str, int] = {}
    careful: Callable[[str], tuple[str, int] | None] | None = None
    unreadable: list[str] = []

    @property
    def count(self) -> int:
        """How many files can be read."""
        return len(self.lines) + len(self.documents) + len(self.tables) + len(self.fitted)

    def add(self, path: str) -> None:
        """Sorts a file in; an empty one holds nothing."""
        try:
            path.encode()
            kind = kind_of(path)
        except Exception:  # noqa: BLE001 - each library of compression has errors of its own
            kind = "unreadable"
        if kind != "empty":
            getattr(self, kind).append(path)

    def mend(self, path: str) -> bool:
        """Sees to a file that spoils a query, so that the query can be asked again; False when it is none of these.

        A document that is no JSON becomes lines, to be judged one by one, and with it all that are like it. What is
        gone meanwhile was not there. Anything else is left out.
        """
        if path in self.fitted:
            self._mend_fitted(path)
            return True
        if path not in self.lines and path not in self.documents and path not in self.tables:
            return False
        broken = {one for one in self.documents if not _is_json(one)} if path in self.documents else set()
        self.lines = [one for one in [*self.lines, *sorted(broken)] if Path(one).exists()]
        self.documents = [one for one in self.documents if one not in broken and Path(one).exists()]
        self.tables = [one for one in self.tables if Path(one).exists()]
        if path not in broken and Path(path).exists():
            self.unreadable.append(path)
            self.lines, self.documents, self.tables = (
                [one for one in held if one != path] for held in (self.lines, self.documents, self.tables)
            )
        return True

    def _mend_fitted(self, path: str) -> None:
        del self.fitted[path]
        again = self.careful(path) if self.careful is not None else None
        if again is not None:
            self.fitted[again[0]] = again[1]
        elif Path(path).exists():
            self.unreadable.append(path)


def kind_of(path: str) -> str:
    """Returns how a file is to be read. Raises OSError when it cannot be."""
    # A link is refused by the flag; a pipe would hold up who opens it to read.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        beginning = os.read(handle, BEGINNING_BYTES)
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return "unreadable"
        if not beginning:
            return "empty"
        if bare_name(path).endswith((".csv", ".parquet")):
            return "tables"
        beginning = _unpacked(path, beginning)
        if begins_document(beginning) and found.st_size <= DOCUMENT_LIMIT_BYTES:
            return "documents"
        return "lines"
    finally:
        os.close(handle)


def _unpacked(path: str, beginning: bytes) -> bytes:
    """Returns what a file begins with, once it is unpacked; nothing where that cannot be told."""
    if not path.lower().endswith(PACKED):
        return beginning
    if path.lower().endswith(".gz"):
        return zlib.decompressobj(GZIP_WINDOW).decompress(beginning, BEGINNING_BYTES)
    try:
        import zstandard
    except ImportError:
        return b""
    return zstandard.ZstdDecompressor().decompressobj().decompress(beginning)[:BEGINNING_BYTES]


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
