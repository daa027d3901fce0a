"""Sealing a partition: plan, read, write, and replace what is there, if it is still what was planned from.

Every step can be repeated, and the last one is atomic. Whoever dies on the way has changed nothing that a reader of the
table sees; of several that seal one partition, each that comes late finds another file than it planned from, and plans
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.errors import ConditionFailedError, HomeError, NotFoundError, ValidationError
from penstock.faultpoints import fault_point
from penstock.lake import sealing
from penstock.lake.formats import is_readable
from penstock.lake.layout import quarantine_key, table_prefix
from penstock.lake.sealing import Plan
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Counts, Footer, SourceCounts
from penstock.ports.objects import ObjectStore
from penstock.ports.rows import RowReader
from penstock.ports.sealing import SealingEngine
from penstock.runtime.lake.evidence import damaged, refuse_lost
from penstock.runtime.lake.line_files import LARGE_BYTES, LineFiles, MisfitError
from penstock.runtime.lake.quarantined import put_quarantine
from penstock.runtime.lake.sources import SourceReader

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
        large_bytes: objects from this size on are read by the engine as they are.
    """

    def __init__(
        self, objects: ObjectStore, engine: SealingEngine, rows: RowReader, *, large_bytes: int = LARGE_BYTES
    ) -> None:
        self._large_bytes = large_bytes
        self._objects = objects
        self._engine = engine
        self._rows = rows

    def seal(self, table: LakeTable, partition: str, *, again: bool = False, accept_loss: bool = False) -> Outcome:
        """Makes one sealed file of all raw objects that a partition holds now.

        Args:
            partition: such as ``year=2026/month=02/day=20/hour=07``.
            again: reads what is sealed already too, and what is in quarantine.
            accept_loss: with ``again``, seals what is there even where the sealed file is damaged or gone and rows of
                raw objects that are there no more go with it.

        Raises:
            ValidationError: the sealed file is damaged; or sealing again would lose rows.
            ConditionFailedError: others sealed this partition all the time.
        """
        for _ in range(ATTEMPTS):
            try:
                return self._attempt(table, partition, again=again, accept_loss=accept_loss)
            except (ConditionFailedError, NotFoundError):
                # Another sealer was first, or retention was: what there is now is planned anew.
                continue
        raise ConditionFailedError(
            f"{table.name} {partition} changes all the time", hint="seal again when it has become quiet"
        )

    def _attempt(self, table: LakeTable, partition: str, *, again: bool, accept_loss: bool) -> Outcome:
        key = sealing.sealed_key(table.name, partition)
        # In this order: what is replaced is at the latest what was planned from.
        known = self._objects.head(key)
        raw = [one for one in self._objects.list(f"{table_prefix(table.name)}{partition}/") if is_readable(one.key)]
        footer = self._footer(table, partition, [one.key for one in raw], again=again, accept_loss=accept_loss)
        plan = sealing.plan(table, raw, footer, again=again)
        if plan.is_nothing:
            counts = sealing.totals(plan.keep)
            is_partial = again and bool(plan.keep)
            return Outcome(table=table.name, partition=partition, is_new=False, counts=counts, is_partial=is_partial)
        with self._engine.scratch() as scratch:
            reader = SourceReader(table, self._objects, self._rows)
            files = LineFiles(self._objects, self._engine, reader, table, plan, scratch, large_bytes=self._large_bytes)
            work = _Work(self._objects, self._engine, files, table, plan, scratch)
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

    def _footer(
        self, table: LakeTable, partition: str, raw: Sequence[str], *, again: bool, accept_loss: bool
    ) -> Footer | None:
        """Returns what the sealed file says of itself; None where there is none, or it is made anew from ``raw``."""
        try:
            footer = self._engine.footer(sealing.sealed_key(table.name, partition))
        except ValidationError:
            if not again:
                raise
            if accept_loss and raw:
                return None
            raise damaged(self._objects, table, partition, raw) from None
        if footer is None and again and not accept_loss:
            refuse_lost(self._objects, table, partition, raw)
        return footer


class _Work:
    """One sealing of one partition."""

    def __init__(
        self,
        objects: ObjectStore,
        engine: SealingEngine,
        files: LineFiles,
        table: LakeTable,
        plan: Plan,
        scratch: Path,
    ) -> None:
        self.path = scratch
        self._objects = objects
        self._engine = engine
        self._table = table
        self._plan = plan
        self._scratch = scratch
        self._files = files

    def write(self, previous: Path | None) -> list[SourceCounts]:
        """Writes the new file; returns what it covers."""
        while True:
            sources: list[SourceCounts] = []

            def describe(duplicates: Mapping[int, int], sources: list[SourceCounts] = sources) -> Mapping[str, str]:
                sources[:] = self._sources(duplicates)
                return sealing.metadata(self._table, sources)

            try:
                written = self._engine.write(
                    self._table,
                    self._files.prepare(),
                    check=self._files.check,
                    previous=previous,
                    describe=describe,
                    scratch=self._scratch,
                )
            except MisfitError:
                continue
            except ValidationError as error:
                if "line" not in error.data or not self._files.take_care(error.data.get("path"), error.data["line"]):
                    raise
                continue
            if written.rows == sealing.totals(sources).good:
                self.path = written.path
                return sources
            if not self._files.take_care(None, None):
                raise HomeError(
                    f"{self._table.name}: {written.rows} rows of {sealing.totals(sources).good} were sealed",
                    hint="the sealed file does not hold what it says: `penstock lake seal --again`",
                )

    def put_quarantines(self, *, before: bool) -> None:
        """Writes what did not fit; ``before`` the sealed file is there what is new, afterwards what is no more."""
        regained = {one.key for one in self._plan.regain}
        partition = sealing.partition_of(self._files.readings[0].source.key)
        within = f"{table_prefix(self._table.name, 'quarantine')}{partition}/"
        known = {one.key for one in self._objects.list(within)}
        for one in self._files.readings:
            key = one.source.key
            grows = one.quarantine is not None and key not in regained
            if grows is before and (one.quarantine is not None or quarantine_key(self._table, key) in known):
                put_quarantine(self._objects, self._table, key, one.quarantine, self._scratch)

    def _sources(self, duplicates: Mapping[int, int]) -> list[SourceCounts]:
        kept = {one.key: one for one in self._plan.keep}
        for number, one in enumerate(self._files.readings):
            double = duplicates.get(number, 0)
            counts = msgspec.structs.replace(one.counts, good=one.counts.good - double, duplicates=double)
            lines = tuple(self._files.regained.get(counts.key, ()))
            kept[counts.key] = _regained(kept[counts.key], counts, lines) if counts.key in kept else counts
        return list(kept.values())


def _regained(kept: SourceCounts, found: SourceCounts, lines: tuple[int, ...]) -> SourceCounts:
    return msgspec.structs.replace(
        kept,
        good=kept.good + found.good,
        quarantined=kept.quarantined - found.good - found.duplicates,
        duplicates=kept.duplicates + found.duplicates,
        regained=(*kept.regained, *lines),
    )
