"""Athena's texts → Python values.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

from __future__ import annotations

import datetime
import decimal
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

from penstock.errors import QueryError
from penstock.ports.query import Parameter, Parameters

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


def execution_parameters(parameters: Parameters) -> list[str]:
    """Returns parameters as Athena takes them: literals of SQL, in the order of the question marks.

    https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html

    Raises:
        QueryError: they have names; Athena's have none.
    """
    if isinstance(parameters, Mapping):
        if not parameters:
            return []
        raise QueryError("Athena's parameters have no names", hint="write ? in the query, and give the values in order")
    return [_literal(one) for one in parameters]


def _literal(parameter: Parameter) -> str:
    match parameter:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if parameter else "FALSE"
        case float():
            return f"DOUBLE '{parameter!r}'"
        case int():
            return str(parameter)
        case decimal.Decimal():
            return f"DECIMAL '{parameter:f}'"
        case datetime.datetime():
            moment = parameter if parameter.tzinfo is None else parameter.astimezone(datetime.UTC)
            return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S.%f}'"
        case datetime.date():
            return f"DATE '{parameter.isoformat()}'"
    return "'" + parameter.replace("'", "''") + "'"


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
