"""Rows as lines of CSV, as a database server takes them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec

UNQUOTED = ("boolean", "bigint", "double", "decimal", "timestamp", "date")


def csv_line(row: Sequence[Any], kinds: Sequence[str]) -> str:
    """Returns a row as a line: NULL as nothing, text in quotes, nested values as JSON, times in UTC."""
    return ",".join(_cell(value, kind) for value, kind in zip(row, kinds, strict=True)) + "\n"


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind.startswith(UNQUOTED):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime.datetime):
            return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(" ")
        return str(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return '"' + text.replace('"', '""') + '"'
