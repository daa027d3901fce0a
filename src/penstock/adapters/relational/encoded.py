"""Values that an engine has encoded already: looked at as whole columns, and handed on as they are."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from penstock.model.schema import Column

Values = Sequence[Any]
Encode = Callable[[Values], Values]
TEXT = {str, type(None)}
TIME_CHARACTERS = len("2026-02-20 07:57:00.000000")
DATE_CHARACTERS = len("2026-02-20")
FIRST_TIME = "1000"


class RefusedError(Exception):
    """A value that no column of its kind can hold, with what is wrong with it."""

    def __init__(self, position: int, mistake: str, hint: str) -> None:
        super().__init__(mistake)
        self.position, self.mistake, self.hint = position, mistake, hint


def encoded_values(column: Column, encode: Encode) -> Encode:
    """Returns what takes the values of a column of encoded rows: text of times and JSON as it is, others by ``encode``.

    Text that is not of the usual form becomes a value again, for ``encode`` to judge.
    """
    if column.type in {"boolean", "bigint"}:
        return lambda values: values
    if column.type == "timestamp":
        return lambda values: _dated(values, encode, TIME_CHARACTERS, datetime.datetime.fromisoformat)
    if column.type == "date":
        return lambda values: _dated(values, encode, DATE_CHARACTERS, datetime.date.fromisoformat)
    if column.type.startswith("array"):
        return lambda values: _lists(values, encode)
    return encode


def _dated(values: Values, encode: Encode, length: int, parse: Callable[[str], Any]) -> Values:
    kinds = set(map(type, values))
    if not kinds <= TEXT:
        return encode(values)
    present = [value for value in values if value is not None]
    if not present or (set(map(len, present)) == {length} and min(present) >= FIRST_TIME):
        return values
    made: list[Any] = []
    for position, value in enumerate(values):
        try:
            made.append(None if value is None else parse(value))
        except ValueError:
            raise RefusedError(position, f"is {value[:80]}, which no database keeps", "give None") from None
    return encode(made)


def _lists(values: Values, encode: Encode) -> Values:
    if not set(map(type, values)) <= TEXT:
        return encode(values)
    # An escaped character can be written in several ways, and a NUL among them is refused.
    if not any("\\" in value for value in values if value is not None):
        return values
    return encode([None if value is None else msgspec.json.decode(value) for value in values])
