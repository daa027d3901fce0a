"""What lies in quarantine, and putting it through again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from penstock.errors import NotFoundError, ValidationError
from penstock.lake.layout import table_prefix
from penstock.lake.sealing import partition_of
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectStore
from penstock.runtime.lake.quarantined import SEAL, QuarantineLine, read_quarantine
from penstock.runtime.lake.seal import Outcome, PartitionSealer


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the quarantine.

    Attributes:
        by_seal: how many of its records sealing found; tasks found the others.
        reason: the most frequent one.
    """

    key: str
    partition: str
    source: str
    records: int
    by_seal: int
    reason: str


class Replayed(msgspec.Struct, frozen=True):
    """A partition whose quarantine was put through again: how many records lay there before, and lie there now."""

    outcome: Outcome
    before: int
    after: int


def quarantine_keys(objects: ObjectStore, table: LakeTable, within: str = "") -> Iterator[str]:
    """Yields the keys of a table's quarantine; of those partitions whose path begins with ``within``."""
    for info in objects.list(f"{table_prefix(table.name, 'quarantine')}{within}"):
        try:
            partition_of(info.key)
        except ValidationError:
            continue
        yield info.key


def quarantined(objects: ObjectStore, table: LakeTable, within: str = "") -> Iterator[Quarantined]:
    """Yields what lies in a table's quarantine, one for each object."""
    for key in quarantine_keys(objects, table, within):
        records = by_seal = 0
        reasons: Counter[str] = Counter()
        source = ""
        try:
            for line in read_quarantine(objects, key):
                records, by_seal = records + 1, by_seal + (line.by == SEAL)
                reasons[line.reason] += 1
                source = source or line.source
        except NotFoundError:
            continue
        reason = reasons.most_common(1)[0][0] if reasons else ""
        yield Quarantined(
            key=key, partition=partition_of(key), source=source, records=records, by_seal=by_seal, reason=reason
        )


def replay(objects: ObjectStore, sealer: PartitionSealer, table: LakeTable, within: str = "") -> Iterator[Replayed]:
    """Seals those partitions again in whose quarantine sealing has put something; yields what came of each.

    What fits now becomes rows; the rest stays in quarantine with today's reason. Of raw objects that are gone the
    quarantine itself is read.
    """
    before: Counter[str] = Counter()
    for one in quarantined(objects, table, within):
        before[one.partition] += one.by_seal
    for partition, count in sorted(before.items()):
        if count:
            outcome = sealer.seal(table, partition, again=True)
            yield Replayed(outcome, count, outcome.counts.quarantined)


def lines_of(objects: ObjectStore, table: LakeTable, within: str = "") -> Iterator[QuarantineLine]:
    """Yields the records in a table's quarantine."""
    for key in quarantine_keys(objects, table, within):
        yield from read_quarantine(objects, key)
