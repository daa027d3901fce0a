"""Which partitions have to be sealed: those that are closed and hold raw objects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from penstock.errors import ValidationError
from penstock.lake.catalog import ARCHIVE_PREFIX, raw_key_of
from penstock.lake.formats import is_readable
from penstock.lake.layout import partition_path, table_prefix
from penstock.lake.sealing import WIDTH_SECONDS, is_closed, partition_of
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectStore

RECENT_PARTITIONS = 3


def closed_partitions(objects: ObjectStore, table: LakeTable, now: float, within: str = "") -> dict[str, int]:
    """Returns the closed partitions of a table that hold raw objects, each with a digest of which.

    Args:
        now: in seconds since the epoch.
        within: only those whose path begins so, such as ``year=2026/month=02``.
    """
    return {name: digest for name, digest, closed in _partitions(objects, table, now, within) if closed}


def recently_closed(objects: ObjectStore, table: LakeTable, now: float) -> dict[str, int]:
    """Returns those that closed last, without a look at all the others."""
    width = WIDTH_SECONDS[table.partition]
    latest = now - table.seal_after_seconds - width
    names = {partition_path(table, max(0.0, latest - width * back)) for back in range(RECENT_PARTITIONS)}
    found: dict[str, int] = {}
    for name in sorted(names):
        found.update(closed_partitions(objects, table, now, f"{name}/"))
    return found


def next_closing(objects: ObjectStore, table: LakeTable, now: float) -> float | None:
    """Returns when the first of the partitions closes that are open and hold objects, in seconds since the epoch."""
    width = WIDTH_SECONDS[table.partition]
    first = (now - table.seal_after_seconds) // width
    last = now // width
    for number in range(int(first), int(last) + 1):
        closes_at = (number + 1) * width + table.seal_after_seconds
        path = f"{table_prefix(table.name)}{partition_path(table, number * width)}/"
        if closes_at > now and next(iter(objects.list(path)), None) is not None:
            return closes_at
    return None


def all_partitions(objects: ObjectStore, table: LakeTable, within: str = "", *, sealed: bool = False) -> list[str]:
    """Returns all partitions that hold raw objects, closed or not; with ``sealed``, those that hold any other too."""
    found = {name for name, _, _ in _partitions(objects, table, float("inf"), within)}
    for zone in ("sealed", f"{ARCHIVE_PREFIX}raw") if sealed else ():
        for info in objects.list(f"{table_prefix(table.name, zone)}{within}"):
            with contextlib.suppress(ValidationError):
                found.add(partition_of(raw_key_of(info.key)))
    return sorted(found)


def _partitions(objects: ObjectStore, table: LakeTable, now: float, within: str) -> Iterator[tuple[str, int, bool]]:
    found: dict[str, tuple[int, bool]] = {}
    folder, placed = "", None
    for info in objects.list(f"{table_prefix(table.name)}{within}"):
        if not is_readable(info.key):
            continue
        # Keys come in order: those of a folder one after the other.
        if info.key.rpartition("/")[0] != folder:
            folder, placed = info.key.rpartition("/")[0], _place(table, info.key, now)
        if placed is not None:
            name, closed = placed
            digest, _ = found.get(name, (0, closed))
            found[name] = (hash((digest, info.key)), closed)
    for name, (digest, closed) in found.items():
        yield name, digest, closed


def _place(table: LakeTable, key: str, now: float) -> tuple[str, bool] | None:
    """Returns the partition of a key, and whether it is closed; None where it is no key of the lake."""
    try:
        return partition_of(key), is_closed(table, key, now)
    except ValidationError:
        return None
