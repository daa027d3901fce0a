"""Sealing a partition: plan, read, write, and replace what is there, if it is still what was planned from.

Every step can be repeated, and the last one is atomic. Whoever dies on the way has changed nothing that a reader of the
table sees; of several that seal one partition, each that comes late finds another file than it planned from, and plans
again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.errors import ConditionFailedError, HomeError, NotFoundError, ValidationError
from penstock.faultpoints import fault_point
from penstock.lake import sealing
from penstock.lake.fit import misfit
from penstock.lake.formats import is_readable
from penstock.lake.json_records import json_judge
from penstock.lake.layout import quarantine_key, table_prefix
from penstock.lake.outcome import Bad, Good
from penstock.lake.sealing import Plan
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Counts, Footer, SourceCounts
from penstock.ports.objects import ObjectStore
from penstock.ports.rows import RowReader
from penstock.ports.sealing import SealingEngine
from penstock.runtime.lake.quarantined import SEAL, QuarantineLine, put_quarantine, read_quarantine
from penstock.runtime.lake.sources import Prepared, SourceReader

ATTEMPTS = 10


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What sealing a partition came to.

    Attributes:
        is_new: there is a new sealed file; otherwise all was sealed already.
        counts: of everything that the sealed file covers.
        read: how many raw objects were read.
        is_partial: it was to be sealed from raw objects again, and some of those are gone: their rows stayed as they
            were sealed.
    """

    table: str
    partition: str
    is_new: bool
    counts: Counts = Counts()
    read: int = 0
    is_partial: bool = False


class PartitionSealer:
    """Seals partitions of the lake.

    Args:
        objects: the lake's.
        engine: reads and writes sealed files.
        rows: reads raw objects that are Parquet.
    """

    def __init__(self, objects: ObjectStore, engine: SealingEngine, rows: RowReader) -> None:
        self._objects = objects
        self._engine = engine
        self._rows = rows

    def seal(self, table: LakeTable, partition: str, *, again: bool = False) -> Outcome:
        """Makes one sealed file of all raw objects that a partition holds now.

        Args:
            partition: such as ``year=2026/month=02/day=20/hour=07``.
            again: reads what is sealed already too, and what is in quarantine.

        Raises:
            ValidationError: the sealed file that is there is damaged.
            ConditionFailedError: others sealed this partition all the time.
        """
        for _ in range(ATTEMPTS):
            try:
                return self._attempt(table, partition, again=again)
            except (ConditionFailedError, NotFoundError):
                # Another sealer was first, or retention was: what there is now is planned anew.
                continue
        raise ConditionFailedError(
            f"{table.name} {partition} changes all the time", hint="seal again when it has become quiet"
        )

    def _attempt(self, table: LakeTable, partition: str, *, again: bool) -> Outcome:
        key = sealing.sealed_key(table.name, partition)
        # In this order: what is replaced is at the latest what was planned from.
        known = self._objects.head(key)
        raw = [one for one in self._objects.list(f"{table_prefix(table.name)}{partition}/") if is_readable(one.key)]
        footer = self._footer(key, whole=again and bool(raw)) if known else None
        plan = sealing.plan(table, raw, footer, again=again)
        if plan.is_nothing:
            counts = sealing.totals(plan.keep)
            is_partial = again and bool(plan.keep)
            return Outcome(table=table.name, partition=partition, is_new=False, counts=counts, is_partial=is_partial)
        with self._engine.scratch() as scratch:
            reader = SourceReader(table, self._objects, self._engine, self._rows, scratch)
            work = _Work(self._objects, self._engine, reader, table, plan, scratch)
            sources = work.write(self._engine.fetch(key, scratch) if plan.keep and footer else None)
            work.put_quarantines(before=True)
            fault_point("sealing.before_replace")
            self._objects.replace(key, work.path, if_match=known.etag if known else None)
            fault_point("sealing.after_replace")
            work.put_quarantines(before=False)
        return Outcome(
            table=table.name,
            partition=partition,
            is_new=True,
            counts=sealing.totals(sources),
            read=len(plan.read),
            is_partial=again and bool(plan.keep),
        )

    def _footer(self, key: str, *, whole: bool) -> Footer | None:
        try:
            return self._engine.footer(key)
        except ValidationError:
            # What is read again from raw objects needs no sealed file.
            if whole:
                return None
            raise


class _Work:
    """One sealing of one partition."""

    def __init__(
        self,
        objects: ObjectStore,
        engine: SealingEngine,
        reader: SourceReader,
        table: LakeTable,
        plan: Plan,
        scratch: Path,
    ) -> None:
        self.path = scratch
        self._objects = objects
        self._engine = engine
        self._reader = reader
        self._table = table
        self._plan = plan
        self._scratch = scratch
        self._prepared: list[Prepared] = []

    def write(self, previous: Path | None) -> list[SourceCounts]:
        """Writes the new file; returns what it covers."""
        self._prepared = [self._reader.prepare(source) for source in self._plan.read]
        self._prepared += [self._regain(source) for source in self._plan.regain]
        while True:
            sources: list[SourceCounts] = []

            def describe(duplicates: Sequence[int], sources: list[SourceCounts] = sources) -> Mapping[str, str]:
                sources[:] = self._sources(duplicates)
                return sealing.metadata(self._table, sources)

            try:
                written = self._engine.write(
                    self._table, self._lines(), previous=previous, describe=describe, scratch=self._scratch
                )
            except ValidationError as error:
                if not self._rewrite(error.data.get("path")):
                    raise
                continue
            if written.rows == sealing.totals(sources).good:
                self.path = written.path
                return sources
            if not self._rewrite(None):
                raise HomeError(
                    f"{self._table.name}: {written.rows} rows of {sealing.totals(sources).good} were sealed",
                    hint="the sealed file does not hold what it says: `penstock lake seal --again`",
                )

    def put_quarantines(self, *, before: bool) -> None:
        """Writes what did not fit; ``before`` the sealed file is there what is new, afterwards what is no more."""
        for one in self._prepared:
            grows = one.quarantine is not None and one.counts.key not in {
                regained.key for regained in self._plan.regain
            }
            if grows is not before:
                continue
            key = one.counts.key
            if one.quarantine is not None or self._objects.head(quarantine_key(self._table, key)) is not None:
                put_quarantine(self._objects, self._table, key, one.quarantine, self._scratch)

    def _lines(self) -> list[Path]:
        return [one.lines for one in self._prepared if one.lines is not None]

    def _sources(self, duplicates: Sequence[int]) -> list[SourceCounts]:
        kept = {one.key: one for one in self._plan.keep}
        left = list(duplicates)
        for one in self._prepared:
            double = left.pop(0) if one.lines is not None else 0
            counts = msgspec.structs.replace(one.counts, good=one.counts.good - double, duplicates=double)
            kept[counts.key] = _regained(kept[counts.key], counts) if counts.key in kept else counts
        return list(kept.values())

    def _rewrite(self, path: str | None) -> bool:
        """Looks line by line at a source that the engine cannot take, or at all; False if that was done already."""
        found = False
        for number, one in enumerate(self._prepared):
            if not one.is_rewritten and (path is None or str(one.lines) == path):
                self._prepared[number] = self._reader.rewrite(one.counts)
                found = True
        return found

    def _regain(self, source: SourceCounts) -> Prepared:
        """Puts the quarantine of a raw object that is gone through again."""
        judge = json_judge(self._table.record, misfit(self._table.record))
        done = set(source.regained)
        fitting: list[int] = []

        def outcomes() -> Iterator[Good | Bad]:
            for line in _quarantine_of(self._objects, quarantine_key(self._table, source.key)):
                # Whoever died right after it had sealed has left what is a row by now.
                if line.by != SEAL or line.line in done:
                    continue
                found = judge(line.line, line.data)
                if isinstance(found, Good):
                    fitting.append(line.line)
                yield found

        prepared = self._reader.sort_out(outcomes(), source)
        counts = msgspec.structs.replace(prepared.counts, regained=tuple(fitting))
        return msgspec.structs.replace(prepared, counts=counts)


def _quarantine_of(objects: ObjectStore, key: str) -> Iterator[QuarantineLine]:
    with contextlib.suppress(NotFoundError):
        yield from read_quarantine(objects, key)


def _regained(kept: SourceCounts, found: SourceCounts) -> SourceCounts:
    return msgspec.structs.replace(
        kept,
        good=kept.good + found.good,
        quarantined=kept.quarantined - found.good - found.duplicates,
        duplicates=kept.duplicates + found.duplicates,
        regained=(*kept.regained, *found.regained),
    )
