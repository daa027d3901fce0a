"""Rows as the engine hands them over → rows as the port promises them: times have their zone."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

Row = tuple[Any, ...]


def reader(columns: Mapping[str, str]) -> Callable[[list[Row]], list[Row]]:
    """Returns what makes rows with these columns whole."""
    timed = [number for number, kind in enumerate(columns.values()) if "timestamp" in kind]
    if not timed:
        return lambda rows: rows
    return lambda rows: [_whole(row, timed) for row in rows]


def _whole(row: Row, timed: list[int]) -> Row:
    values = list(row)
    for number in timed:
        values[number] = _in_utc(values[number])
    return tuple(values)


def _in_utc(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.UTC)
    if isinstance(value, list):
        return [_in_utc(item) for item in value]
    if isinstance(value, dict):
        return {_in_utc(key): _in_utc(item) for key, item in value.items()}
    return value
