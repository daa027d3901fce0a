"""Raw files as sealing reads them, for queries over what is not sealed yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from penstock.lake import records
from penstock.lake.compression import compression_of, decompressed
from penstock.lake.formats import MAGIC_BYTES, extension_of
from penstock.lake.outcome import Bad, BrokenError
from penstock.lake.scan import BLOCK_BYTES, DoubtfulError, Lines, LineScanner, rewrite
from penstock.model.datasets import LakeTable
from penstock.ports.query import Fitted
from penstock.ports.rows import RowReader

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}


class RawFitting:
    """Tells records of a table from what is none, as sealing does.

    Args:
        rows: reads files that are Parquet.
    """

    def __init__(self, rows: RowReader) -> None:
        self._rows = rows

    def __call__(self, table: LakeTable, path: Path, target: Path, *, is_careful: bool = False) -> Fitted:
        """Looks at a raw file; unless it is whole, its records are written to ``target``. Raises OSError."""
        scanner = LineScanner(table.record)
        if not is_careful:
            if _is_whole(scanner, path):
                return Fitted(is_whole=True)
            plain = _plain(path)
            if plain is not None:
                try:
                    good, misfits = _write(scanner.sift(plain), target)
                except DoubtfulError:
                    good = 0
                if good:
                    return Fitted(is_whole=False, misfits=misfits)
        outcomes = records.decode(_pieces(path), table.record, path.name, rows=self._rows)
        _, misfits = _write(rewrite(outcomes), target)
        return Fitted(is_whole=False, misfits=misfits)


def _is_whole(scanner: LineScanner, path: Path) -> bool:
    """Tells whether each line of a file is a record, and any reader sees by its name how it is compressed."""
    with path.open("rb") as file:
        compression = compression_of(file.read(MAGIC_BYTES))
    if compression != COMPRESSED.get(path.suffix.lower(), ""):
        return False
    plain = _plain(path)
    try:
        return plain is not None and scanner.count(plain) is not None
    except (BrokenError, DoubtfulError):
        return False


def _plain(path: Path) -> Iterator[bytes] | None:
    """Yields a file that is called like lines of JSON, not compressed any more; None for any other."""
    if not extension_of(path.name).startswith(".json"):
        return None
    with path.open("rb") as file:
        compression = compression_of(file.read(MAGIC_BYTES))
    return decompressed(_pieces(path), compression)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(BLOCK_BYTES):
            yield piece


def _write(found: Iterable[Lines | Bad], target: Path) -> tuple[int, int]:
    """Writes lines; returns how many, and how many records did not fit."""
    good = misfits = 0
    with target.open("wb") as file:
        for one in found:
            if isinstance(one, Bad):
                misfits += 1
            else:
                good += one.count
                file.write(one.data)
    return good, misfits
