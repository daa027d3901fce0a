"""Rows of plain values as records of a type."""

from __future__ import annotations

import datetime
import decimal
import itertools
from collections.abc import Callable
from typing import Any

import msgspec

from penstock.model.schema import unwrap

Row = tuple[Any, ...]
# What an engine hands over is of these types already.
PLAIN = frozenset({str, bool, int, float, decimal.Decimal, datetime.datetime, datetime.date})


def maker(record: type[Any]) -> Callable[[list[Row]], list[Any]]:
    """Returns what makes records of rows whose values are in the order of the record's fields."""
    fields = msgspec.structs.fields(record)
    converted = [(place, field.type) for place, field in enumerate(fields) if unwrap(field.type)[0] not in PLAIN]
    by_place = len(record.__match_args__) == len(fields)
    names = [field.name for field in fields]

    def make(rows: list[Row]) -> list[Any]:
        found = [_converted(row, converted) for row in rows] if converted else rows
        if by_place:
            return list(itertools.starmap(record, found))
        return [record(**dict(zip(names, row, strict=True))) for row in found]

    return make


def _converted(row: Row, places: list[tuple[int, Any]]) -> list[Any]:
    values = list(row)
    for place, kind in places:
        values[place] = msgspec.convert(values[place], kind)
    return values
