"""Exports: a table or an answer as files that others read without Penstock.

Guarantees that every adapter gives: an export is made of whole files; exporting again to the same place brings it up to
date; what is there of somebody else is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

# Writes one Parquet file.
Write = Callable[[Path], object]


class ExportedFile(msgspec.Struct, frozen=True):
    """A Parquet file of an export.

    Attributes:
        name: relative to the export, with slashes.
        partition: the values of the partition columns, which are not in the file itself.
    """

    name: str
    partition: Mapping[str, str] = {}


class Exported(msgspec.Struct, frozen=True):
    """What an export consists of.

    Attributes:
        linked: files that share their bytes with the lake; nothing was copied for these.
        copied: files of the lake that had to be copied, since they lie on another disk.
        written: files that were made anew.
        kept: files that were there from the last time.
        location: what others are to be pointed to: a folder, or an Iceberg table's metadata file.
    """

    rows: int
    files: int
    size_bytes: int
    linked: int
    copied: int
    written: int
    kept: int
    location: str


class ExportTarget(Protocol):
    """A place that an export goes to. A name stands for one content: what is there under it is kept as it is."""

    def take(self, key: str, name: str) -> bool:
        """Takes a file of the lake under a name; False when it is gone. Later changes of the lake do not touch it."""
        ...

    def write(self, name: str, write: Write) -> None:
        """Makes a file under a name; it is there whole or not at all."""
        ...

    def finish(self, name: str, files: Sequence[ExportedFile], columns: Sequence[str]) -> Exported:
        """Makes exactly these files the export.

        Args:
            name: of the table.
            columns: the order of the columns, where files differ in theirs; those of the files when empty.

        Raises:
            QueryError: the files hold a type that the target has no word for.
        """
        ...
