"""Answers of queries as Athena hands them out: every value a text.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

from __future__ import annotations

import datetime
import math
import re
from decimal import Decimal
from typing import Any

import msgspec

from penstock.ports.query import Result

# DuckDB's names of types → Athena's, as https://docs.aws.amazon.com/athena/latest/APIReference/API_ColumnInfo.html has
TYPES = {
    "VARCHAR": "varchar", "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "integer",
    "BIGINT": "bigint", "HUGEINT": "decimal", "FLOAT": "float", "DOUBLE": "double", "DATE": "date", "TIME": "time",
    "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "BLOB": "varbinary",
    "JSON": "json", "UUID": "uuid",
}  # fmt: skip
_OUTER = ((re.compile(r".*\]"), "array"), (re.compile(r"MAP\(.*"), "map"), (re.compile(r"STRUCT\(.*"), "row"),
          (re.compile(r"DECIMAL\(.*"), "decimal"), (re.compile(r"U[A-Z]+INT(EGER)?"), "bigint"))  # fmt: skip


class Answer(msgspec.Struct, frozen=True):
    """A query that is over.

    Attributes:
        columns: (name, Athena's type) of each.
        rows: texts; None for NULL.
        problem: why it failed; None where it did not.
        submitted_at, completed_at: seconds since the epoch.
    """

    pipeline: str
    sql: str
    columns: list[tuple[str, str]]
    rows: list[list[str | None]]
    problem: str | None
    submitted_at: float
    completed_at: float
    scanned_bytes: int


def answer_of(pipeline: str, sql: str, result: Result, problem: str | None, times: tuple[float, float]) -> Answer:
    """Returns what is kept of a query. Of one that failed, no row is."""
    return Answer(
        pipeline=pipeline,
        sql=sql,
        columns=[(column.name, athena_type(column.type)) for column in result.columns],
        rows=[] if problem else [[text(value) for value in row] for row in result.rows],
        problem=problem,
        submitted_at=times[0],
        completed_at=times[1],
        scanned_bytes=result.scanned_bytes,
    )


def athena_type(name: str) -> str:
    """Returns Athena's name of an engine's type."""
    if name in TYPES:
        return TYPES[name]
    return next((kind for pattern, kind in _OUTER if pattern.fullmatch(name)), "varchar")


def text(value: Any) -> str | None:
    """Returns a value as Athena writes it; None for NULL. Within arrays, maps and rows nothing is quoted."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        shown = value.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        return f"{shown} UTC" if value.tzinfo is not None else shown
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_inner(key)}={_inner(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inner(one) for one in value) + "]"
    return str(value)


def _inner(value: Any) -> str:
    return "null" if value is None else str(text(value))


def _double(value: float) -> str:
    """Returns a double as Java writes it, by whose rules Athena does: ``1.0E10``, ``0.001``, ``1.0E-4``.

    https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/lang/Double.html#toString(double)
    """
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return format(Decimal(repr(value)), "f") if "e" in repr(value) else repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    shown = "".join(str(digit) for digit in digits).rstrip("0") or "0"
    power = len(digits) + int(exponent) - 1
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"
