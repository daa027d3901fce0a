"""What retention would do: which raw objects go to the archive, which partitions expire, and what is held back and why.

Pure. The rule above all others: nothing goes that is not both old enough and sealed, with counts that balance. Each
zone of a table may have an age of its own; when the sealed file goes, all that is left of its partition goes with it,
but for raw objects in the archive that are kept for longer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import msgspec

from penstock.lake.catalog import Partition, Stored, raw_key_of
from penstock.model.datasets import ZONES, LakeTable


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
        zones: of the objects that move or go; where the sealed file goes, all that is left goes with it.
        keys: the objects that move or go, in the order in which they do; a sealed file is the last.
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
    zones: tuple[str, ...] = ()


def plan(table: LakeTable, partitions: Iterable[Partition], now: float) -> list[Decision]:
    """Returns what is due at a moment, in the order of the partitions; what is in good order is not mentioned."""
    return [decision for one in partitions for decision in decide(table, one, now)]


def decide(table: LakeTable, partition: Partition, now: float) -> list[Decision]:
    """Returns what is to become of one partition at a moment: what expires, then what is archived of the rest."""
    due = _due(table, partition, now)
    found = [_expiry(table, partition, due)] if due else []
    archive_at = _moment(partition, table.archive_after_seconds)
    if archive_at is not None and archive_at <= now and partition.raw and "raw" not in due and "sealed" not in due:
        found.append(_archiving(partition, archive_at))
    return found


def _due(table: LakeTable, partition: Partition, now: float) -> dict[str, float]:
    """Returns the zones that hold something which is old enough to expire, each with since when."""
    held = {
        "raw": (*partition.raw, *partition.archived),
        "quarantine": partition.quarantine,
        "sealed": () if partition.sealed is None else (partition.sealed,),
    }
    # What was never sealed is as old as what was, and is told of.
    if partition.sealed is None and partition.raw:
        held["sealed"] = partition.raw
    due: dict[str, float] = {}
    for zone in ZONES:
        if zone == "sealed" and table.outlived_by_archive and partition.raw and "raw" not in due:
            # They go to the archive first: without its sealed file nothing would tell that they are sealed.
            continue
        at = _moment(partition, table.retained_seconds(zone))
        if held[zone] and at is not None and at <= now:
            due[zone] = at
    return due


def tier(table: LakeTable, partition: Partition, now: float) -> Tier:
    """Returns where a partition's raw objects are. On a disk the infrequent tier is a name, as its price is not."""
    if partition.archived and not partition.covered:
        return Tier.ARCHIVED
    infrequent_at = _moment(partition, table.infrequent_seconds("raw"))
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


def _expiry(table: LakeTable, partition: Partition, due: Mapping[str, float]) -> Decision:
    due_at = min(due.values())
    is_rest = table.outlived_by_archive and not partition.raw and partition.sealed is None
    missing = "" if is_rest else hindrance(partition)
    if missing:
        return _hold(partition, due_at, f"{_named(due)} would expire, but {missing}")
    going = _going(table, partition, due)
    decided = _decision(Action.EXPIRE, partition, due_at, going, _told(due, is_rest=is_rest))
    return msgspec.structs.replace(decided, zones=tuple(due))


def _going(table: LakeTable, partition: Partition, due: Mapping[str, float]) -> tuple[Stored, ...]:
    """Returns what goes, the sealed file last: whoever is interrupted before that finds the partition as it was."""
    is_last = "sealed" in due
    going: list[Stored] = []
    if is_last or "raw" in due:
        going += partition.raw
    if "raw" in due or (is_last and not table.outlived_by_archive):
        going += partition.archived
    if is_last or "quarantine" in due:
        going += partition.quarantine
    if is_last and partition.sealed is not None:
        going.append(Stored(partition.sealed.key, partition.sealed.size_bytes))
    return tuple(going)


def _named(due: Mapping[str, float]) -> str:
    return "it" if "sealed" in due else f"its {' and '.join(due)} records"


def _told(due: Mapping[str, float], *, is_rest: bool) -> str:
    if is_rest:
        return "archived longer than what was sealed of it, and past that time"
    if "sealed" in due:
        return "past its retention, sealed and counted"
    return f"{' and '.join(due)} records past their retention, sealed and counted"


def _archiving(partition: Partition, due_at: float) -> Decision:
    missing = hindrance(partition)
    if missing:
        return _hold(partition, due_at, f"its raw objects would be archived, but {missing}")
    decided = _decision(Action.ARCHIVE, partition, due_at, partition.raw, "its raw objects are sealed and counted")
    return msgspec.structs.replace(decided, zones=("raw",))


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
