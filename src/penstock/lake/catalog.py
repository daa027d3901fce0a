"""What the lake holds of a table: its partitions, each with its state and its counts.

Pure: listings and the metadata of sealed files come in as values.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import msgspec

from penstock.errors import ValidationError
from penstock.lake.formats import is_readable
from penstock.lake.layout import parse_key
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Counts, SourceCounts

ARCHIVE_PREFIX = "archive/"
ARCHIVE_SUFFIX = ".zst"
WIDTH_SECONDS: dict[str, float] = {"hour": 3600.0, "day": 86_400.0}


class State(enum.StrEnum):
    """How far a partition is on its way.

    OPEN still takes records in. RAW_ONLY is closed and waits to be sealed. LATE is sealed, and raw objects came since.
    """

    OPEN = "open"
    RAW_ONLY = "raw only"
    SEALED = "sealed"
    LATE = "late data"


class Stored(msgspec.Struct, frozen=True):
    """An object of the lake."""

    key: str
    size_bytes: int


class Sealed(msgspec.Struct, frozen=True):
    """The sealed file of a partition, as its metadata tell.

    Attributes:
        etag: of the object; another one after each sealing.
        rows: how many it holds.
        sources: the raw objects that it covers, each with its counts.
    """

    key: str
    size_bytes: int
    etag: str
    rows: int
    sources: Mapping[str, SourceCounts]

    @property
    def counts(self) -> Counts:
        """The sums over all sources."""
        of = self.sources.values()
        return Counts(
            records=sum(one.records for one in of),
            good=sum(one.good for one in of),
            quarantined=sum(one.quarantined for one in of),
            duplicates=sum(one.duplicates for one in of),
        )

    @property
    def is_balanced(self) -> bool:
        """Each record of each source is accounted for once, and the good ones are there."""
        accounted = (one.records == one.good + one.quarantined + one.duplicates for one in self.sources.values())
        return all(accounted) and self.counts.good == self.rows


class Partition(msgspec.Struct, frozen=True):
    """The objects of one partition of a table.

    Attributes:
        path: such as ``year=2026/month=02/day=20/hour=07``.
        start, end: in seconds since the epoch; the end is no more part of it.
        archived: the raw objects that were moved to the archive, under their keys there.
    """

    table: str
    path: str
    start: float
    end: float
    raw: tuple[Stored, ...] = ()
    archived: tuple[Stored, ...] = ()
    quarantine: tuple[Stored, ...] = ()
    sealed: Sealed | None = None

    @property
    def covered(self) -> tuple[Stored, ...]:
        """The raw objects whose records are in the sealed file."""
        return tuple(one for one in self.raw if self.sealed is not None and one.key in self.sealed.sources)

    @property
    def uncovered(self) -> tuple[Stored, ...]:
        """The raw objects that are not sealed yet: a query reads them as they are."""
        return tuple(one for one in self.raw if self.sealed is None or one.key not in self.sealed.sources)

    @property
    def counts(self) -> Counts:
        """The counts of what is sealed."""
        return self.sealed.counts if self.sealed is not None else Counts()

    @property
    def size_bytes(self) -> int:
        """Of all objects together."""
        held = (*self.raw, *self.archived, *self.quarantine)
        return sum(one.size_bytes for one in held) + (self.sealed.size_bytes if self.sealed else 0)

    def state(self, table: LakeTable, now: float) -> State:
        """Returns how far it is, for a table with its waiting time, at a moment."""
        if self.sealed is not None:
            return State.LATE if self.uncovered else State.SEALED
        return State.RAW_ONLY if self.end + table.seal_after_seconds <= now else State.OPEN


class Listing(msgspec.Struct, frozen=True):
    """What is there under the prefixes of a table.

    Attributes:
        partitions: in order of time.
        misplaced: objects whose keys are none of the table's partitions; no query reads them.
    """

    partitions: tuple[Partition, ...]
    misplaced: tuple[Stored, ...] = ()


def prefixes(table: str) -> tuple[str, ...]:
    """Returns what the keys of a table begin with, one prefix a zone."""
    return f"raw/{table}/", f"{ARCHIVE_PREFIX}raw/{table}/", f"quarantine/{table}/", f"sealed/{table}/"


def archive_key(raw_key: str) -> str:
    """Returns where a raw object lies in the archive."""
    return f"{ARCHIVE_PREFIX}{raw_key}{ARCHIVE_SUFFIX}"


def raw_key_of(archived_key: str) -> str:
    """Returns the key that an object of the archive had as a raw object."""
    return archived_key.removeprefix(ARCHIVE_PREFIX).removesuffix(ARCHIVE_SUFFIX)


def arrange(table: LakeTable, objects: Iterable[Stored], sealed: Iterable[Sealed]) -> Listing:
    """Returns the partitions that objects make up.

    Args:
        objects: what lies under ``prefixes``, in any order.
        sealed: the sealed files among them. One whose metadata are not given here counts as misplaced.
    """
    by_key = {one.key: one for one in sealed}
    found: dict[str, dict[str, list[Stored]]] = {}
    misplaced: list[Stored] = []
    for one in objects:
        place = _place(table, one.key)
        if place is None or (place[0] == "sealed" and one.key not in by_key):
            misplaced.append(one)
        else:
            zone, path = place
            found.setdefault(path, {}).setdefault(zone, []).append(one)
    partitions = [_partition(table, path, zones, by_key) for path, zones in found.items()]
    return Listing(tuple(sorted(partitions, key=lambda one: one.start)), tuple(misplaced))


def _place(table: LakeTable, key: str) -> tuple[str, str] | None:
    """Returns zone and partition of a key; None for what is none of the table's."""
    is_archived = key.startswith(ARCHIVE_PREFIX)
    try:
        parsed = parse_key(raw_key_of(key) if is_archived else key)
    except ValidationError:
        return None
    path = "/".join(f"{name}={value}" for name, value in parsed.partition.items())
    is_right_width = ("hour" in parsed.partition) == (table.partition == "hour")
    if parsed.table != table.name or not is_right_width:
        return None
    if parsed.zone == "sealed" and parsed.name != f"{table.name}.parquet":
        return None
    if parsed.zone == "raw" and not is_readable(parsed.name):
        return None
    return "archive" if is_archived else parsed.zone, path


def _partition(
    table: LakeTable, path: str, zones: Mapping[str, list[Stored]], sealed: Mapping[str, Sealed]
) -> Partition:
    def of(zone: str) -> tuple[Stored, ...]:
        return tuple(sorted(zones.get(zone, []), key=lambda one: one.key))

    start = parse_key(f"raw/{table.name}/{path}/any").start
    return Partition(
        table=table.name,
        path=path,
        start=start,
        end=start + WIDTH_SECONDS[table.partition],
        raw=of("raw"),
        archived=of("archive"),
        quarantine=of("quarantine"),
        sealed=sealed[of("sealed")[0].key] if of("sealed") else None,
    )
