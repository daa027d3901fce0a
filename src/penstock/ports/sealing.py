"""Sealing: raw objects of one partition become one sorted Parquet file.

Guarantees that every adapter gives: memory is bounded, whatever a partition holds; rows have the table's columns, and
NULL where a record leaves one out; a timestamp with an offset from UTC is the moment it means, in UTC. Where one
object of a line names a key twice, the engine that reads raw objects decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from penstock.model.datasets import LakeTable
from penstock.model.sealing import Footer


class Written(msgspec.Struct, frozen=True):
    """A Parquet file that is not in the lake yet."""

    path: Path
    rows: int


# Returns how many records each source has that is in the files, one source after the other; several may share a file.
Check = Callable[[], Sequence[int]]
# Takes how many of those were duplicates, by the source's place; returns a file's key-value metadata.
Describe = Callable[[Mapping[int, int]], Mapping[str, str]]


class SealingEngine(Protocol):
    """Reads and writes sealed files."""

    def footer(self, key: str) -> Footer | None:
        """Returns what a sealed file says of itself; None when there is none. Raises ValidationError if damaged."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """Returns a folder of its own for one sealing. It is gone afterwards; a dead process's, with the next."""
        ...

    def fetch(self, key: str, scratch: Path) -> Path:
        """Returns a file with an object's bytes and its suffixes, to be read and not changed. Raises NotFoundError."""
        ...

    def write(
        self,
        table: LakeTable,
        lines: Sequence[Path],
        *,
        check: Check,
        previous: Path | None,
        describe: Describe,
        scratch: Path,
    ) -> Written:
        """Writes one Parquet file of newline-delimited JSON and of what was sealed before.

        Args:
            lines: files of records that fit the table's type, one a line; plain, gzip or zstd.
            check: is called once, at a time at which the files are perhaps being read. What it raises is raised, and
                nothing is written then.
            previous: a sealed file whose rows go into the new one; they win over equal ones of ``lines``.
            describe: is called once, after ``check``.

        Raises:
            ValidationError: a file holds what the table's columns cannot. ``data["path"]`` and ``data["line"]``, which
                may be one too many, tell where; None is not known.
        """
        ...
