"""Where things are in the lake: keys from tables and times, and back."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

import msgspec

from penstock.errors import ValidationError
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable

ZONES = ("raw", "sealed", "quarantine")
SOURCE_LIMIT = 80
EXECUTION_LIMIT = 120
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
FORMATS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H"}


class LakeKey(msgspec.Struct, frozen=True):
    """A key, taken apart.

    Attributes:
        partition: the partition columns' values, such as ``{"year": "2026", "month": "02"}``.
        start: the beginning of the partition, in seconds since the epoch.
    """

    zone: str
    table: str
    partition: dict[str, str]
    start: float
    name: str


def table_prefix(table: str, zone: str = "raw") -> str:
    """Returns what all keys of a table begin with."""
    return f"{zone}/{table}/"


def partition_path(table: LakeTable, at: float) -> str:
    """Returns the partition of a time, such as ``year=2026/month=02/day=20/hour=07``, in UTC."""
    # Whole seconds: the conversion would round the last microsecond of an hour into the next.
    moment = datetime.fromtimestamp(at // 1, UTC)
    return "/".join(f"{name}={moment.strftime(FORMATS[name])}" for name in PARTITION_COLUMNS[table.partition])


def raw_key(table: LakeTable, at: float, source: str, execution: str, extension: str = ".json") -> str:
    """Returns the key of a raw object.

    Args:
        at: when the execution began, in seconds since the epoch.
        source: what wrote it; any text.
        execution: sets it apart from all others of this source.
        extension: says what it holds, such as ``.json.zst``.
    """
    name = f"{_safe(source, SOURCE_LIMIT)}-{_safe(execution, EXECUTION_LIMIT)}{extension}"
    return f"{table_prefix(table.name)}{partition_path(table, at)}/{name}"


def quarantine_key(table: LakeTable, source_key: str, number: int = 1) -> str:
    """Returns the key for records of a raw object that did not fit."""
    parsed = parse_key(source_key)
    partition = "/".join(f"{name}={value}" for name, value in parsed.partition.items())
    stem = parsed.name.removesuffix(".json")
    suffix = "" if number == 1 else f".{number}"
    return f"{table_prefix(table.name, 'quarantine')}{partition}/{stem}{suffix}.json"


def parse_key(key: str) -> LakeKey:
    """Takes a key apart.

    Raises:
        ValidationError: it is no key of the lake.
    """
    zone, _, rest = key.partition("/")
    table, _, rest = rest.partition("/")
    *folders, name = rest.split("/")
    partition = dict(folder.split("=", 1) for folder in folders if "=" in folder)
    columns = tuple(partition)
    if zone not in ZONES or not table or not name or len(partition) != len(folders):
        raise _not_a_key(key)
    if columns not in PARTITION_COLUMNS.values():
        raise _not_a_key(key)
    try:
        start = datetime(*(int(value) for value in partition.values()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (ValueError, TypeError):
        raise _not_a_key(key) from None
    return LakeKey(zone, table, partition, start.timestamp(), name)


def _not_a_key(key: str) -> ValidationError:
    return ValidationError(
        f"{key[:200]!r} is no key of the lake", hint="such as raw/<table>/year=2026/month=02/day=20/hour=07/<name>.json"
    )


def sanitise(name: str) -> str:
    """Returns a name from outside as one that is safe in a key: the last part of a path, in plain characters."""
    last = re.split(r"[/\\]", name)[-1]
    return _safe(last.lstrip("."), SOURCE_LIMIT)


def _safe(text: str, limit: int) -> str:
    """Returns text in the characters of a key; what had to change gets a digest, so that different stays different."""
    plain = re.sub(r"\.{2,}", ".", UNSAFE.sub("-", text)).strip("-.")
    if plain == text and 0 < len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: limit - 9].strip('-.') or 'file'}-{digest}"
