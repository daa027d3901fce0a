"""Raw objects as streams of lines that fit; what does not is written down on the way."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from penstock.lake import records
from penstock.lake.compression import compression_of, decompressed
from penstock.lake.formats import MAGIC_BYTES, extension_of
from penstock.lake.outcome import Bad, BrokenError, Good
from penstock.lake.scan import BLOCK_BYTES, DoubtfulError, Lines, LineScanner, rewrite
from penstock.model.datasets import LakeTable
from penstock.model.sealing import SourceCounts
from penstock.ports.objects import ObjectStore
from penstock.ports.rows import RowReader
from penstock.runtime.lake.quarantined import QuarantineFile


class Reading:
    """One source while its records are read: how many fit, and where the others are written down.

    Attributes:
        is_careful: each record is looked at, and written anew as all engines read it alike.
        good: how many records fit; duplicates are among them. None before that is known.
        is_whole: the object is lines that fit, and nothing else.
    """

    def __init__(self, source: SourceCounts, quarantine: Path, *, is_careful: bool = False) -> None:
        self.source = source
        self.is_careful = is_careful
        self.good: int | None = None
        self.is_whole = False
        self._misfits = QuarantineFile(quarantine, source.key)

    @property
    def counts(self) -> SourceCounts:
        """What it held; duplicates are not counted yet."""
        good, bad = self.good or 0, self._misfits.count
        return msgspec.structs.replace(self.source, records=good + bad, good=good, quarantined=bad, duplicates=0)

    @property
    def quarantine(self) -> Path | None:
        """The file of those that do not fit; None when there is none."""
        return self._misfits.path if self._misfits.count else None

    def taken(self, found: Iterable[Lines | Bad]) -> Iterator[bytes]:
        """Yields the lines that fit, and keeps count of all; what was counted before counts no more."""
        self.good = 0
        with self._misfits:
            for one in found:
                if isinstance(one, Bad):
                    self._misfits.add(one)
                else:
                    self.good += one.count
                    yield one.data


class SourceReader:
    """Reads the raw objects of a table.

    Args:
        rows: reads objects that are Parquet.
    """

    def __init__(self, table: LakeTable, objects: ObjectStore, rows: RowReader) -> None:
        self._table = table
        self._objects = objects
        self._rows = rows
        self._scanner = LineScanner(table.record)

    def lines(self, reading: Reading) -> Iterator[bytes]:
        """Yields the records of a source that fit, one a line, many at once.

        Raises:
            NotFoundError: the object is gone.
        """
        if not reading.is_careful:
            with contextlib.suppress(DoubtfulError):
                yield from reading.taken(self._sifted(reading.source.key))
            if reading.good:
                return
        reading.is_careful = True
        yield from reading.taken(rewrite(self._outcomes(reading.source.key)))

    def count_file(self, reading: Reading, path: Path) -> bool:
        """Counts the records of a source that is in a file; False when not each line is one, or that is not clear."""
        with path.open("rb", buffering=0) as file:
            found = self._count(iter(functools.partial(file.read, BLOCK_BYTES), b""))
        if found is not None:
            reading.good, reading.is_whole = found, True
        return reading.is_whole

    def count(self, source: SourceCounts) -> SourceCounts:
        """Returns how many records a source holds, and how many fit. Raises NotFoundError."""
        # Lines that only together look right are not told apart here; sealing found them.
        count = None if source.quarantined else self._count_lines(source.key)
        good = bad = 0
        for outcome in () if count is not None else self._outcomes(source.key):
            good, bad = good + isinstance(outcome, Good), bad + isinstance(outcome, Bad)
        good += count or 0
        return msgspec.structs.replace(source, records=good + bad, good=good, quarantined=bad, duplicates=0)

    def _sifted(self, key: str) -> Iterator[Lines | Bad]:
        """Yields an object of lines. Raises DoubtfulError, before anything else, if it may be something else."""
        if not is_lines(key):
            raise DoubtfulError
        yield from self._scanner.sift(_plain(self._objects.stream(key, BLOCK_BYTES)))

    def _outcomes(self, key: str) -> Iterator[Good | Bad]:
        return records.decode(self._objects.stream(key), self._table.record, key, rows=self._rows)

    def _count_lines(self, key: str) -> int | None:
        """Returns how many lines an object has if each is a record; None when that is not so, or not clear."""
        return self._count(self._objects.stream(key, BLOCK_BYTES)) if is_lines(key) else None

    def _count(self, pieces: Iterator[bytes]) -> int | None:
        try:
            return self._scanner.count(_plain(pieces))
        except BrokenError:
            return None


def is_lines(key: str) -> bool:
    """Tells whether an object is called like lines of JSON."""
    return extension_of(key).startswith(".json")


def _plain(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yields what is in pieces, compressed or not."""
    first = next(pieces, b"")
    return decompressed(_chained(first, pieces), compression_of(first[:MAGIC_BYTES]))


def _chained(first: bytes, others: Iterable[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from others
