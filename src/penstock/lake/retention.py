"""What retention would do: which raw objects go to the archive, which partitions expire, and what is held back and why.

Pure. The rule above all others: nothing goes that is not both old enough and sealed, with counts that balance.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec

from penstock.lake.catalog import Partition, Stored, raw_key_of
from penstock.model.datasets import LakeTable


class Action(enum.StrEnum):
    """What is to become of a partition. HOLD is due for one of the others, and must not go yet."""

    ARCHIVE = "archive"
    EXPIRE = "expire"
    HOLD = "hold"


class Tier(enum.StrEnum):
    """The storage class that a partition's raw objects are in, after S3's."""

    STANDARD = "standard"
    INFREQUENT = "infrequent"
    ARCHIVED = "archive"


class Decision(msgspec.Struct, frozen=True):
    """What is to become of one partition.

    Attributes:
        due_at: since when, in seconds since the epoch.
        keys: the objects that move or go, in the order in which they do; the sealed file is the last.
        size_bytes: of these.
        sealed_etag: the sealed file that the decision relies on. If it is another one by now, the decision is void.
        reason: why; for HOLD, what is missing.
    """

    action: Action
    table: str
    partition: str
    due_at: float
    reason: str
    keys: tuple[str, ...] = ()
    size_bytes: int = 0
    sealed_etag: str = ""


def plan(table: LakeTable, partitions: Iterable[Partition], now: float) -> list[Decision]:
    """Returns what is due at a moment, in the order of the partitions; what is in good order is not mentioned."""
    found = (decide(table, one, now) for one in partitions)
    return [one for one in found if one is not None]


def decide(table: LakeTable, partition: Partition, now: float) -> Decision | None:
    """Returns what is to become of one partition at a moment; None when nothing is due."""
    expires_at = _moment(partition, table.retain_seconds)
    if expires_at is not None and expires_at <= now:
        return _expiry(partition, expires_at)
    archive_at = _moment(partition, table.archive_after_seconds)
    if archive_at is not None and archive_at <= now and partition.raw:
        return _archiving(partition, archive_at)
    return None


def tier(table: LakeTable, partition: Partition, now: float) -> Tier:
    """Returns where a partition's raw objects are. On a disk the infrequent tier is a name, as its price is not."""
    if partition.archived and not partition.covered:
        return Tier.ARCHIVED
    infrequent_at = _moment(partition, table.infrequent_after_seconds)
    return Tier.INFREQUENT if infrequent_at is not None and infrequent_at <= now else Tier.STANDARD


def hindrance(partition: Partition) -> str:
    """Returns why nothing of a partition may be removed; empty when nothing speaks against it."""
    if partition.sealed is None:
        return "it is not sealed"
    late = len(partition.uncovered)
    if late:
        return f"{late} raw object{'s have' if late > 1 else ' has'} come since it was sealed"
    unknown = [one for one in partition.archived if raw_key_of(one.key) not in partition.sealed.sources]
    if unknown:
        return f"its sealed file does not cover {unknown[0].key}"
    if not partition.sealed.is_balanced:
        return "the counts of its sealed file do not balance; `penstock lake check` says where"
    return ""


def _moment(partition: Partition, after_seconds: int | None) -> float | None:
    return None if after_seconds is None else partition.end + after_seconds


def _expiry(partition: Partition, due_at: float) -> Decision:
    missing = hindrance(partition)
    if missing or partition.sealed is None:
        return _hold(partition, due_at, f"it would expire, but {missing}")
    sealed = Stored(partition.sealed.key, partition.sealed.size_bytes)
    # The sealed file goes last: whoever is interrupted before that finds the partition as old and as sealed as it was.
    going = (*partition.raw, *partition.archived, *partition.quarantine, sealed)
    return _decision(Action.EXPIRE, partition, due_at, going, "past its retention, sealed and counted")


def _archiving(partition: Partition, due_at: float) -> Decision:
    missing = hindrance(partition)
    if missing:
        return _hold(partition, due_at, f"its raw objects would be archived, but {missing}")
    return _decision(Action.ARCHIVE, partition, due_at, partition.raw, "its raw objects are sealed and counted")


def _hold(partition: Partition, due_at: float, reason: str) -> Decision:
    return Decision(Action.HOLD, partition.table, partition.path, due_at, reason)


def _decision(action: Action, partition: Partition, due_at: float, going: tuple[Stored, ...], reason: str) -> Decision:
    return Decision(
        action=action,
        table=partition.table,
        partition=partition.path,
        due_at=due_at,
        reason=reason,
        keys=tuple(one.key for one in going),
        size_bytes=sum(one.size_bytes for one in going),
        sealed_etag=partition.sealed.etag if partition.sealed else "",
    )
