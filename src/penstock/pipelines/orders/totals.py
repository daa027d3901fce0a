"""What became of each object, and whether everything that was generated is accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

GENERATED, PROCESSED, HOLDS = "generated", "processed", "holds"
# How long an object may wait for its ETL before it counts as lost.
PATIENCE_SECONDS = 900
DAYS = 3


class Processed(msgspec.Struct, kw_only=True):
    """What became of an object's lines.

    Attributes:
        unreconciled: lines that are none of the three; there should be none.
    """

    key: str
    read: int
    stored: int
    quarantined: int
    duplicates: int
    late: int = 0

    @property
    def unreconciled(self) -> int:
        return self.read - self.stored - self.quarantined - self.duplicates


def generated(key: str, records: int, at: float) -> dict[str, Any]:
    """Returns the item that says that an object was written, at a time in seconds since the epoch."""
    return {"day": day_of(at), "step": f"{GENERATED}#{key}", "key": key, "records": records, "at": int(at)}


def processed(one: Processed, arrived: str, days: Iterable[str]) -> list[dict[str, Any]]:
    """Returns the items that say what became of an object, and of which days it holds orders.

    Args:
        arrived: the day in which the object arrived.
    """
    told = {"day": arrived, "step": processed_step(one.key), **msgspec.structs.asdict(one)}
    return [told, *({"day": day, "step": f"{HOLDS}#{one.key}", "key": one.key} for day in sorted(set(days)))]


def processed_step(key: str) -> str:
    """Returns under what it is kept what became of an object."""
    return f"{PROCESSED}#{key}"


def told(written: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> str:
    """Returns what people are told of a batch, in lines.

    Args:
        written: the objects, each with its key and the number of its records.
        items: what is kept of those that were processed.
    """
    if not written:
        return "No orders were to be written."
    objects = "one object" if len(written) == 1 else f"{len(written):,} objects"
    kept, quarantined, twice = (
        int(sum(one[name] for one in items)) for name in ("stored", "quarantined", "duplicates")
    )  # fmt: skip
    lines = [f"{sum(one['records'] for one in written):,} records in {objects}"]
    lines.append(f"  {kept:>9,}  orders were stored: penstock items Orders")
    if quarantined:
        lines.append(f"  {quarantined:>9,}  could not be kept; why: penstock query reject-reasons")
    if twice:
        lines.append(f"  {twice:>9,}  were there twice, and stored once")
    if waiting := len(written) - len(items):
        lines.append(f"  {waiting:,} of the objects are not processed yet: penstock executions")
    return "\n".join(lines)


def missing(items: Iterable[Mapping[str, Any]], now: float) -> int:
    """Returns how many generated records are not accounted for, of the objects that should have been processed."""
    items = list(items)
    accounted = {
        one["key"]: one["stored"] + one["quarantined"] + one["duplicates"]
        for one in items
        if one["step"].startswith(f"{PROCESSED}#")
    }
    return sum(
        abs(one["records"] - accounted.get(one["key"], 0))
        for one in items
        if one["step"].startswith(f"{GENERATED}#") and one["at"] <= now - PATIENCE_SECONDS
    )


def holding(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the objects that hold orders of a day."""
    return sorted(one["key"] for one in items if one["step"].startswith(f"{HOLDS}#"))


def day_of(at: float) -> str:
    """Returns the day of a time in seconds since the epoch, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def arrival_day(key: str) -> str:
    """Returns the day of an object's partition: ``raw/orders/year=2026/month=02/day=20/…`` is of 2026-02-20."""
    parts = dict(part.split("=", 1) for part in key.split("/") if "=" in part)
    return f"{parts['year']}-{parts['month']}-{parts['day']}"


def last_days(at: float) -> list[str]:
    """Returns the days whose totals can still change at a time: as many as an order may be late, and its own."""
    today = datetime.fromtimestamp(at, UTC)
    return [(today - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(DAYS)]
