"""A small lake of readings, sealed hour by hour, and how it is asked."""

import datetime
import json
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.model.datasets import LakeTable
from penstock.runtime.lake.seal import PartitionSealer


class Reading(msgspec.Struct):
    value: int
    room: str = ""
    taken_at: datetime.datetime | None = None


TABLE = LakeTable(name="readings", record=Reading, sort=("value",))
DAY = "year=2026/month=02/day=20"


def write(lake: Path, hour: str, name: str, *values: int, **more: Any) -> str:
    """Writes an object of one hour; returns its key."""
    lines = "".join(json.dumps({"value": value, **more}) + "\n" for value in values)
    key = f"raw/readings/{DAY}/hour={hour}/{name}.json"
    FileObjectStore(lake).create(key, lines.encode())
    return key


def seal(lake: Path, hour: str) -> None:
    """Seals an hour."""
    sealer = PartitionSealer(FileObjectStore(lake), DuckDbSealer(lake, threads=1), DuckDbRowReader())
    sealer.seal(TABLE, f"{DAY}/hour={hour}")


def make_lake(folder: Path) -> Path:
    """Makes a lake of four readings in two hours, none of them sealed; returns its folder."""
    write(folder, "07", "a", 1, 2)
    write(folder, "07", "b", 3)
    write(folder, "08", "c", 4)
    return folder


def engine(lake: Path, **options: Any) -> DuckDbQueryEngine:
    """Returns an engine of one thread."""
    return DuckDbQueryEngine(lake, threads=1, **options)


def ask(lake: Path, sql: str = "SELECT value FROM readings ORDER BY value", **options: Any) -> list[Any]:
    """Returns the first column of an answer."""
    return [row[0] for row in engine(lake).run(sql, tables=[TABLE], **options).rows]
