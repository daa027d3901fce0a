"""Retention carried out: raw objects go to the archive, partitions expire; what a plan relied on is checked anew first.

Whoever is interrupted leaves a partition as old and as sealed as it was, so that the next turn goes on from there.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from penstock.errors import ConditionFailedError, PenstockError
from penstock.faultpoints import fault_point
from penstock.lake.catalog import Partition, archive_key, raw_key_of
from penstock.lake.compression import decompressed
from penstock.lake.layout import table_prefix
from penstock.lake.outcome import BrokenError
from penstock.lake.retention import Action, Decision, decide, plan
from penstock.model.datasets import ZONES, LakeTable
from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.objects import ObjectStore
from penstock.ports.sealing import SealingEngine
from penstock.runtime.machine.lake_catalog import LakeCatalog

INTERVAL_SECONDS = 3600.0
# Of one turn of `up`: other parts wait for their turns meanwhile.
PARTITIONS_PER_TURN = 20
LEVEL = 9


class Retention:
    """Plans and carries out what the tables' retention says.

    Args:
        forget: told of the table and partition of each sealed file before it goes, to remove what is derived from it.
    """

    def __init__(
        self,
        *,
        objects: ObjectStore,
        sealing: SealingEngine,
        clock: Clock,
        definitions: Mapping[str, Definition],
        forget: Callable[[str, str], None] = lambda table, partition: None,
        warn: Callable[[str], None] = lambda text: None,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._objects = objects
        self._sealing = sealing
        self.catalog = LakeCatalog(objects, sealing)
        self._clock = clock
        self.tables = [
            table
            for definition in definitions.values()
            for table in definition.lake_tables.values()
            if table.retain_seconds is not None or table.retain_zones or table.archive_after_seconds is not None
        ]
        self._forget = forget
        self._warn = warn
        self._due_at = float("-inf")

    def tick(self) -> None:
        """Carries out what is due, once an hour; sooner while there is more than one turn's work."""
        if self._clock.monotonic() < self._due_at:
            return
        carried = 0
        for decision in self.plan():
            if carried == PARTITIONS_PER_TURN:
                self._due_at = self._clock.monotonic() + 1.0
                return
            try:
                carried += self.carry_out(decision) is not None
            except PenstockError as error:
                self._warn(f"retention of {decision.table} {decision.partition}: {error.message} ({error.hint})")
        self._due_at = self._clock.monotonic() + self._interval_seconds

    def plan(self, tables: Sequence[LakeTable] | None = None) -> list[Decision]:
        """Returns what is due now, of all tables that have a retention or of some."""
        now = self._clock.now()
        return [one for table in (self.tables if tables is None else tables) for one in self._plan(table, now)]

    def _plan(self, table: LakeTable, now: float) -> list[Decision]:
        """Returns what is due of one table. Only of partitions that are old enough are sealed files opened."""
        ages = (*(table.retained_seconds(zone) for zone in ZONES), table.archive_after_seconds)
        youngest = min((age for age in ages if age is not None), default=math.inf)
        if self.catalog.oldest_end(table) + youngest > now:
            return []
        old = dict.fromkeys(one.partition for one in plan(table, self.catalog.outline(table).partitions, now))
        return [one for path in old for one in plan(table, self.catalog.listing(table, f"{path}/").partitions, now)]

    def carry_out(self, decision: Decision) -> Decision | None:
        """Does what was decided, if it would be decided now as well; returns what was done, None when nothing was.

        Raises:
            PenstockError: an object cannot be written or deleted; what was done so far stays done.
        """
        current = self._again(decision)
        if current is None:
            return None
        if current.action is Action.ARCHIVE:
            for key in current.keys:
                self._archive(key)
            return current
        if current.action is Action.EXPIRE:
            self._expire(current)
            return current
        return None

    def restore(self, partition: Partition) -> list[str]:
        """Brings a partition's raw objects back from the archive; returns their keys.

        They are covered by the sealed file as before, so no query sees a record twice.
        """
        return [self._restore(one.key) for one in partition.archived]

    def _again(self, decision: Decision) -> Decision | None:
        """Returns the decision as it is at this moment: raw objects may have come, a sealer may have been here."""
        table = next((one for one in self.tables if one.name == decision.table), None)
        if table is None:
            return None
        now = self._clock.now()
        found = self.catalog.listing(table, f"{decision.partition}/").partitions
        decided = [one for partition in found for one in decide(table, partition, now)]
        return next((one for one in decided if one.action is decision.action), None)

    def _expire(self, decision: Decision) -> None:
        for key in decision.keys:
            fault_point("retention.before_delete")
            if key.startswith(table_prefix(decision.table, "sealed")):
                found = self._objects.head(key)
                if found is None or found.etag != decision.sealed_etag:
                    continue
                self._forget(decision.table, decision.partition)
            self._objects.delete(key)

    def _archive(self, key: str) -> None:
        """Moves one raw object: what is in the archive is read back before the raw one goes."""
        target = archive_key(key)
        if self._objects.head(target) is None:
            self._compress(key, target)
        if _digest(self._content(target)) != _digest(self._objects.stream(key)):
            raise PenstockError(
                f"{target} is not what {key} holds", hint="delete the one in the archive; the raw object is still there"
            )
        fault_point("retention.before_delete")
        self._objects.delete(key)

    def _compress(self, key: str, target: str) -> None:
        import zstandard

        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()
        with self._sealing.scratch() as folder, suppress(ConditionFailedError):
            path = folder / "archived"
            with path.open("wb") as file:
                file.writelines(compressor.compress(piece) for piece in self._objects.stream(key))
                file.write(compressor.flush())
            fault_point("retention.before_archive")
            self._objects.replace(target, path, if_match=None)

    def _restore(self, archived: str) -> str:
        """Brings one raw object back; returns its key."""
        key = raw_key_of(archived)
        with self._sealing.scratch() as folder, suppress(ConditionFailedError):
            path = folder / "restored"
            with path.open("wb") as file:
                file.writelines(self._content(archived))
            self._objects.replace(key, path, if_match=None)
        self._objects.delete(archived)
        return key

    def _content(self, archived: str) -> Iterator[bytes]:
        """Yields what an object of the archive holds, decompressed."""
        try:
            yield from decompressed(self._objects.stream(archived), "zstd")
        except BrokenError as error:
            raise PenstockError(
                f"{archived} is damaged: {error}",
                hint="restore it from a backup; its raw object is kept if it is there",
            ) from error


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()
