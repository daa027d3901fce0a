"""The balance of the lake, proved from its files alone: raw = sealed + quarantined + duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from penstock.errors import NotFoundError, PenstockError, ValidationError
from penstock.lake import sealing
from penstock.lake.catalog import ARCHIVE_PREFIX, archive_key, raw_key_of
from penstock.lake.formats import is_readable
from penstock.lake.layout import parse_key, quarantine_key, table_prefix
from penstock.lake.sealing import WIDTH_SECONDS, partition_of
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Counts, Footer, SourceCounts
from penstock.ports.objects import ObjectInfo, ObjectStore
from penstock.ports.rows import RowReader
from penstock.ports.sealing import SealingEngine
from penstock.runtime.lake.archived import ArchivedObjects
from penstock.runtime.lake.evidence import lost, quarantined_sources
from penstock.runtime.lake.quarantined import SEAL, read_quarantine
from penstock.runtime.lake.sources import SourceReader


class Imbalance(msgspec.Struct, frozen=True):
    """Something that is not as the sealed file says."""

    key: str
    message: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What the files of one partition hold.

    Attributes:
        counts: as the sealed file has them; zeros without one.
        rows: how many the sealed file really holds.
        unsealed: raw objects that no sealed file covers yet.
        archived: raw objects that are covered and are in the archive now.
        gone: raw objects that are covered and expired since, so that only their counts are left.
        wrong: what does not agree; nothing when all is well.
    """

    table: str
    partition: str
    counts: Counts = Counts()
    rows: int = 0
    sources: int = 0
    unsealed: int = 0
    archived: int = 0
    gone: int = 0
    wrong: tuple[Imbalance, ...] = ()


class LakeCheck:
    """Compares what sealed files say with what raw objects and quarantines hold.

    Args:
        rows: reads raw objects that are Parquet.
        recount: reads every raw object again, those in the archive too; without it the counts that were written when
            they were sealed are taken for true.
        now: in seconds since the epoch: tells which quarantines have expired and cannot be counted any more; without
            it, none has.
    """

    def __init__(
        self, objects: ObjectStore, engine: SealingEngine, rows: RowReader, *, recount: bool = True, now: float = 0.0
    ) -> None:
        self._now = now
        self._objects = objects
        self._engine = engine
        self._rows = rows
        self._recount = recount

    def check(self, table: LakeTable, partition: str | None = None) -> Iterator[Balance]:
        """Yields the balance of each partition, the oldest first; of one of them when it is named."""
        raw: dict[str, dict[str, ObjectInfo]] = {}
        archived: dict[str, dict[str, ObjectInfo]] = {}
        for info in self._listed(table, "raw", partition):
            if is_readable(info.key):
                raw.setdefault(partition_of(info.key), {})[info.key] = info
        for info in self._listed(table, f"{ARCHIVE_PREFIX}raw", partition):
            key = raw_key_of(info.key)
            archived.setdefault(partition_of(key), {})[key] = info
        others = {
            partition_of(info.key) for zone in ("sealed", "quarantine") for info in self._listed(table, zone, partition)
        }
        for name in sorted(raw.keys() | archived.keys() | others):
            yield self._balance(table, name, _Present(raw.get(name, {}), archived.get(name, {})))

    def _listed(self, table: LakeTable, zone: str, partition: str | None) -> Iterator[ObjectInfo]:
        for info in self._objects.list(table_prefix(table.name, zone) + (f"{partition}/" if partition else "")):
            try:
                parse_key(raw_key_of(info.key) if info.key.startswith(ARCHIVE_PREFIX) else info.key)
            except PenstockError:
                continue
            yield info

    def _balance(self, table: LakeTable, partition: str, present: _Present) -> Balance:
        key = sealing.sealed_key(table.name, partition)
        unsealed = len(present.raw)
        try:
            footer = self._engine.footer(key)
        except PenstockError as error:
            wrong = (Imbalance(key, f"{error.message}; {error.hint}"),)
            return Balance(table=table.name, partition=partition, unsealed=unsealed, wrong=wrong)
        if footer is None:
            found = (*_uncovered(table, present, {}), *self._lost(table, partition, present))
            return Balance(table=table.name, partition=partition, unsealed=unsealed, wrong=found)
        moved = (footer.sources.keys() & present.archived.keys()) - present.raw.keys()
        return Balance(
            table=table.name,
            partition=partition,
            counts=footer.counts,
            rows=footer.rows,
            sources=len(footer.sources),
            unsealed=len(present.raw.keys() - footer.sources.keys()),
            archived=len(moved),
            gone=len(footer.sources.keys() - present.raw.keys() - moved),
            wrong=(*self._wrong(table, key, footer, present), *_uncovered(table, present, footer.sources)),
        )

    def _lost(self, table: LakeTable, partition: str, present: _Present) -> Iterator[Imbalance]:
        """Yields what a quarantine knows that is nowhere else: there was a sealed file once."""
        known = quarantined_sources(self._objects, table, partition)
        if missing := sorted(known - present.raw.keys() - present.archived.keys()):
            yield Imbalance(sealing.sealed_key(table.name, partition), lost(missing))

    def _wrong(self, table: LakeTable, key: str, footer: Footer, present: _Present) -> Iterator[Imbalance]:
        yield from _sums(key, footer)
        for source in footer.sources.values():
            yield from self._quarantine(table, source)
            place: ObjectStore = self._objects
            info = present.raw.get(source.key)
            if info is None and self._recount and source.key in present.archived:
                place = ArchivedObjects(self._objects)
                try:
                    info = place.head(source.key)
                except ValidationError as error:
                    yield Imbalance(archive_key(source.key), f"{error.message}; {error.hint}")
            if info is not None and info.size != source.size:
                yield Imbalance(source.key, f"had {source.size} bytes when it was sealed and has {info.size} now")
            elif info is not None and self._recount:
                yield from _recounted(SourceReader(table, place, self._rows), source)

    def _quarantine(self, table: LakeTable, source: SourceCounts) -> Iterator[Imbalance]:
        key = quarantine_key(table, source.key)
        found: Counter[str] = Counter()
        if source.quarantined or self._objects.head(key) is not None:
            try:
                lines = {(one.by, one.line) for one in read_quarantine(self._objects, key)}
            except NotFoundError:
                lines = set()
            found.update(by for by, _ in lines)
            if not lines and self._has_expired(table, source.key):
                return
            everything = len({line for _, line in lines})
            # A task may have written its own findings, of the same lines, over those of sealing.
            if found[SEAL] != source.quarantined and (found[SEAL] or everything < source.quarantined):
                yield Imbalance(key, f"holds {found[SEAL]} records, {source.quarantined} were quarantined")

    def _has_expired(self, table: LakeTable, key: str) -> bool:
        """Tells whether the quarantine of a raw object is past its retention."""
        kept_seconds = table.retained_seconds("quarantine")
        return (
            kept_seconds is not None
            and parse_key(key).start + WIDTH_SECONDS[table.partition] + kept_seconds <= self._now
        )


class _Present(msgspec.Struct, frozen=True):
    """The raw objects of a partition that are there, by their keys as raw ones: where they arrived, and archived."""

    raw: Mapping[str, ObjectInfo]
    archived: Mapping[str, ObjectInfo]


def _uncovered(table: LakeTable, present: _Present, sources: Mapping[str, SourceCounts]) -> Iterator[Imbalance]:
    """Yields what is in the archive alone and in no sealed file: no query reads it."""
    lost = sorted(present.archived.keys() - present.raw.keys() - sources.keys())
    if lost and not (table.outlived_by_archive and not sources):
        yield Imbalance(
            archive_key(lost[0]),
            f"is archived{f', as {len(lost) - 1} more are,' if len(lost) > 1 else ''} and no sealed file covers it:"
            f" `penstock lake restore {table.name} {partition_of(lost[0])}`, then seal",
        )


def _recounted(reader: SourceReader, source: SourceCounts) -> Iterator[Imbalance]:
    try:
        counts = reader.count(source)
    except NotFoundError:
        return
    if counts.records != source.records:
        yield Imbalance(source.key, f"holds {counts.records} records, {source.records} were sealed")
    elif counts.good != source.good + source.duplicates:
        yield Imbalance(
            source.key,
            f"has {counts.good} records that fit, {source.good + source.duplicates} did when it was sealed:"
            " `penstock quarantine replay` puts them through again",
        )


def _sums(key: str, footer: Footer) -> Iterator[Imbalance]:
    for source in footer.sources.values():
        if source.records != source.good + source.quarantined + source.duplicates:
            yield Imbalance(source.key, f"is said to hold {source.records} records, which its parts do not add up to")
    if footer.counts != sealing.totals(footer.sources.values()):
        yield Imbalance(key, "is said to hold other counts than the sum of its sources")
    if footer.rows != footer.counts.good:
        yield Imbalance(key, f"has {footer.rows} rows, {footer.counts.good} were sealed")


def added(balances: Iterable[Balance]) -> dict[str, Any]:
    """Returns the sums over partitions."""
    found = list(balances)
    sums = sealing.totals([SourceCounts(key="", **msgspec.structs.asdict(one.counts)) for one in found])
    return {
        "partitions": len(found),
        **msgspec.structs.asdict(sums),
        "rows": sum(one.rows for one in found),
        "unsealed": sum(one.unsealed for one in found),
        "archived": sum(one.archived for one in found),
        "gone": sum(one.gone for one in found),
    }
