"""Raw objects as files of lines that fit: as they are where all of it fits, else written anew without what does not."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from penstock.lake import records
from penstock.lake.compression import compression_of, decompressed
from penstock.lake.formats import MAGIC_BYTES, extension_of
from penstock.lake.outcome import Bad, BrokenError, Good
from penstock.lake.scan import BLOCK_BYTES, DoubtfulError, LineScanner, rewrite
from penstock.model.datasets import LakeTable
from penstock.model.sealing import SourceCounts
from penstock.ports.objects import ObjectStore
from penstock.ports.rows import RowReader
from penstock.ports.sealing import SealingEngine
from penstock.runtime.lake.quarantined import QuarantineFile

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}


class Prepared(msgspec.Struct, kw_only=True):
    """A source that has been looked at.

    Attributes:
        counts: duplicates are not counted yet, they are among the good.
        lines: its records that fit; None when there is none.
        quarantine: where the others are written down; None when there is none.
        is_rewritten: every line was written anew, as all engines read it alike.
    """

    counts: SourceCounts
    lines: Path | None
    quarantine: Path | None = None
    is_rewritten: bool = False


class SourceReader:
    """Prepares the raw objects of a table to be sealed.

    Args:
        rows: reads objects that are Parquet.
        scratch: where files may be made.
    """

    def __init__(
        self, table: LakeTable, objects: ObjectStore, engine: SealingEngine, rows: RowReader, scratch: Path
    ) -> None:
        self._table = table
        self._objects = objects
        self._engine = engine
        self._rows = rows
        self._scratch = scratch
        self._scanner = LineScanner(table.record)

    def prepare(self, source: SourceCounts) -> Prepared:
        """Returns a source as what an engine can read.

        Raises:
            NotFoundError: the object is gone.
        """
        count = self._count_lines(source.key)
        if count is None:
            return self._sift(source) or self.rewrite(source)
        counts = msgspec.structs.replace(source, records=count, good=count, quarantined=0, duplicates=0)
        return Prepared(counts=counts, lines=self._engine.fetch(source.key, self._scratch))

    def count(self, source: SourceCounts) -> SourceCounts:
        """Returns how many records a source holds, and how many fit. Raises NotFoundError."""
        # Lines that only together look right are not told apart here; sealing found them.
        count = None if source.quarantined else self._count_lines(source.key)
        good = bad = 0
        for outcome in () if count is not None else self._outcomes(source.key):
            good, bad = good + isinstance(outcome, Good), bad + isinstance(outcome, Bad)
        good += count or 0
        return msgspec.structs.replace(source, records=good + bad, good=good, quarantined=bad, duplicates=0)

    def rewrite(self, source: SourceCounts) -> Prepared:
        """Returns a source whose records are looked at one by one."""
        return self.sort_out(self._outcomes(source.key), source)

    def sort_out(self, outcomes: Iterable[Good | Bad], source: SourceCounts) -> Prepared:
        """Writes what fits and what does not, each to a file of its own."""
        good = 0

        def counted() -> Iterator[Good | Bad]:
            nonlocal good
            for outcome in outcomes:
                good += isinstance(outcome, Good)
                yield outcome

        lines, quarantine = self._new_files(source)
        with lines.open("wb") as file, quarantine:
            for misfit in rewrite(counted(), file):
                quarantine.add(misfit)
        return _prepared(source, good, lines, quarantine, is_rewritten=True)

    def _sift(self, source: SourceCounts) -> Prepared | None:
        """Returns an object of lines without those that do not fit; None where it may be something else."""
        plain = self._plain(source.key)
        lines, quarantine = self._new_files(source)
        good = 0
        try:
            with lines.open("wb") as file, quarantine:
                for found in self._scanner.sift(plain or (), file):
                    if isinstance(found, Bad):
                        quarantine.add(found)
                    else:
                        good += found
        except (DoubtfulError, BrokenError):
            return None
        return _prepared(source, good, lines, quarantine, is_rewritten=False) if good else None

    def _new_files(self, source: SourceCounts) -> tuple[Path, QuarantineFile]:
        name = secrets.token_hex(8)
        return self._scratch / f"{name}.json", QuarantineFile(self._scratch / f"{name}.quarantine", source.key)

    def _outcomes(self, key: str) -> Iterator[Good | Bad]:
        return records.decode(self._objects.stream(key), self._table.record, key, rows=self._rows)

    def _count_lines(self, key: str) -> int | None:
        """Returns how many lines an object has if each is a record; None when that is not so, or not clear."""
        plain = self._plain(key)
        try:
            return None if plain is None else self._scanner.count(plain)
        except BrokenError:
            return None

    def _plain(self, key: str) -> Iterator[bytes] | None:
        """Yields an object of JSON that is compressed as its name says; None for any other."""
        pieces = self._objects.stream(key, BLOCK_BYTES)
        first = next(pieces, b"")
        compression = compression_of(first[:MAGIC_BYTES])
        is_named_so = compression == COMPRESSED.get(Path(key).suffix.lower(), "")
        if not is_named_so or not extension_of(key).startswith((".json", ".jsonl", ".ndjson")):
            return None
        return decompressed(_chained(first, pieces), compression)


def _prepared(
    source: SourceCounts, good: int, lines: Path, quarantine: QuarantineFile, *, is_rewritten: bool
) -> Prepared:
    bad = quarantine.count
    return Prepared(
        counts=msgspec.structs.replace(source, records=good + bad, good=good, quarantined=bad, duplicates=0),
        lines=lines if good else None,
        quarantine=quarantine.path if bad else None,
        is_rewritten=is_rewritten,
    )


def _chained(first: bytes, others: Iterable[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from others
