"""What a sealed file says of itself: which raw objects it covers, how many records they held, and where those went."""

from __future__ import annotations

import msgspec

from penstock.model.schema import Column

FORMAT = 1


class SourceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """A raw object that a sealed file covers. Always records = good + quarantined + duplicates.

    Attributes:
        records: how many it holds.
        good: how many of them are rows of the sealed file.
        regained: lines that were quarantined, and became rows when the object was gone already.
    """

    key: str
    etag: str = ""
    size: int = 0
    records: int = 0
    good: int = 0
    quarantined: int = 0
    duplicates: int = 0
    regained: tuple[int, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The sums over all that a sealed file covers; ``good`` is the number of its rows."""

    records: int = 0
    good: int = 0
    quarantined: int = 0
    duplicates: int = 0


class SealedSchema(msgspec.Struct, frozen=True):
    """The table's columns when the file was sealed; equal fingerprints mean equal columns."""

    fingerprint: str
    columns: tuple[Column, ...]


class ParquetColumn(msgspec.Struct, frozen=True):
    """A leaf of a Parquet schema.

    Attributes:
        path: its name; for a nested one, all names from the outermost on.
        physical: BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY or FIXED_LEN_BYTE_ARRAY.
        converted: what that stands for, such as UTF8 or TIMESTAMP_MICROS; empty when it stands for itself.
        scale, precision: of a DECIMAL.
    """

    path: tuple[str, ...]
    physical: str
    converted: str = ""
    is_required: bool = False
    scale: int = 0
    precision: int = 0


class Footer(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file, as its footer describes it.

    Attributes:
        sources: the raw objects that it covers, by their keys.
        rows: how many it really holds.
        columns: its Parquet schema.
        created_by: the program that wrote it.
    """

    sources: dict[str, SourceCounts]
    schema: SealedSchema
    counts: Counts
    rows: int
    columns: tuple[ParquetColumn, ...] = ()
    created_by: str = ""
    format: int = FORMAT


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed hours of a day that were put together into one file.

    Attributes:
        day: such as ``year=2026/month=02/day=20``.
        hours: how many sealed files the one is read for.
        problem: why they could not be; then they are read as before.
    """

    table: str
    day: str
    hours: int
    rows: int = 0
    size_bytes: int = 0
    problem: str = ""
