"""What to seal, and what a sealed file says of itself. Pure: listings and footers come in as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from penstock.lake.layout import parse_key, table_prefix
from penstock.model.datasets import LakeTable
from penstock.model.schema import columns, fingerprint
from penstock.model.sealing import FORMAT, Counts, Footer, SealedSchema, SourceCounts

WIDTH_SECONDS: dict[str, float] = {"hour": 3600.0, "day": 86_400.0}


class RawObject(Protocol):
    """What a listing tells of an object."""

    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to seal a partition.

    Attributes:
        read: the raw objects to read, in the order of their keys.
        keep: sources of the sealed file whose rows are taken over from it.
        regain: those of ``keep`` whose quarantine is to be put through again.
    """

    read: tuple[SourceCounts, ...] = ()
    keep: tuple[SourceCounts, ...] = ()
    regain: tuple[SourceCounts, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Tells whether the sealed file is as it should be."""
        return not self.read and not self.regain


def sealed_key(table: str, partition: str) -> str:
    """Returns the key of a partition's sealed file."""
    return f"{table_prefix(table, 'sealed')}{partition}/{table}.parquet"


def partition_of(key: str) -> str:
    """Returns the partition of a key, such as ``year=2026/month=02/day=20/hour=07``.

    Raises:
        ValidationError: it is no key of the lake.
    """
    return "/".join(f"{name}={value}" for name, value in parse_key(key).partition.items())


def is_closed(table: LakeTable, key: str, now: float) -> bool:
    """Tells whether the partition of a key takes no more records in, at least none that are in time."""
    return parse_key(key).start + WIDTH_SECONDS[table.partition] + table.seal_after_seconds <= now


def plan(table: LakeTable, raw: Iterable[RawObject], footer: Footer | None, *, again: bool = False) -> Plan:
    """Returns what is to be done for a partition.

    What is sealed is read again only where that changes something: when asked to, and where an object that came late
    may hold what the first of several equal records is. Once raw objects are gone, the sealed rows are all there is.

    Args:
        raw: the raw objects of the partition, in the order of their keys.
        footer: of its sealed file, if there is one.
        again: put everything through again, what is in quarantine too.
    """
    described = tuple(SourceCounts(key=one.key, etag=one.etag, size=one.size) for one in raw)
    sealed: Mapping[str, SourceCounts] = footer.sources if footer else {}
    fresh = tuple(one for one in described if one.key not in sealed)
    if not fresh and not again:
        return Plan(keep=tuple(sealed.values()))
    is_whole = not (sealed.keys() - {one.key for one in described})
    if is_whole and (again or table.unique or not sealed):
        return Plan(read=described)
    regain = tuple(one for one in sealed.values() if again and (one.quarantined or one.regained))
    return Plan(read=fresh, keep=tuple(sealed.values()), regain=regain)


def totals(sources: Iterable[SourceCounts]) -> Counts:
    """Returns the sums."""
    found = list(sources)
    return Counts(
        records=sum(one.records for one in found),
        good=sum(one.good for one in found),
        quarantined=sum(one.quarantined for one in found),
        duplicates=sum(one.duplicates for one in found),
    )


def metadata(table: LakeTable, sources: Iterable[SourceCounts]) -> dict[str, str]:
    """Returns a sealed file's key-value metadata."""
    found = sorted(sources, key=lambda one: one.key.encode())
    described = columns(table.record)
    return {
        "penstock.sources": msgspec.json.encode(found).decode(),
        "penstock.schema": msgspec.json.encode(SealedSchema(fingerprint(described), described)).decode(),
        "penstock.counts": msgspec.json.encode(totals(found)).decode(),
        "penstock.format": str(FORMAT),
    }
