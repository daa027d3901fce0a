"""Athena's texts → Python values.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

from __future__ import annotations

import datetime
import decimal
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

BOOLEANS = {"true": True, "false": False}


def value(text: str | None, type_name: str) -> Any:
    """Returns a value of a result.

    Arrays, maps and rows stay texts: Athena writes them without quotes, so that they cannot be read back.
    ``json_format(CAST(x AS JSON))`` in the query gives JSON.
    """
    if text is None:
        return None
    try:
        return READERS.get(type_name, str)(text)
    except (ValueError, ArithmeticError, KeyError):
        # A year past 9999, say, is a date to Athena and none to Python.
        return text


def _datetime(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _zoned(text: str) -> datetime.datetime:
    """Reads a time with a zone's name or offset at its end, such as ``2026-02-20 07:57:00.250 Europe/Berlin``."""
    local, _, zone = text.rpartition(" ")
    if zone[:1] in {"+", "-"}:
        return _datetime(f"{local}{zone}")
    return _datetime(local).replace(tzinfo=zoneinfo.ZoneInfo(zone))


READERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": BOOLEANS.__getitem__,
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), int),
    **dict.fromkeys(("float", "real", "double"), float),
    "decimal": decimal.Decimal,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timestamp": _datetime,
    "timestamp with time zone": _zoned,
    # Bytes are written in hexadecimal digits, two and a blank.
    "varbinary": bytes.fromhex,
}
