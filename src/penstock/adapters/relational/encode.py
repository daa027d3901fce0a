"""From records to what a driver is given: a batch at a time, column by column, each value checked.

A column is looked at as a whole first: where all of its values are of the plain type, none is touched one by one.
"""

from __future__ import annotations

import datetime
import decimal
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from operator import attrgetter
from typing import Any

import msgspec

from penstock.adapters.relational.encoded import Encode, RefusedError, Values, encoded_values
from penstock.adapters.relational.tables import text_lengths
from penstock.errors import UsageError, ValidationError
from penstock.model.column_types import parse_type
from penstock.model.schema import Column
from penstock.model.warehouses import Relation, is_nested
from penstock.ports.warehouse import Server

BATCH_ROWS = 2_000
BIGINT = 2**63
# https://dev.mysql.com/doc/refman/8.4/en/datetime.html
FIRST_YEAR = 1000
# SQLite's numbers have as many digits; what has more is kept as bytes, digit by digit.
SQLITE_DIGITS = 15
NOTHING = type(None)
DECIMALS = decimal.Context(prec=60)


class RowEncoder:
    """Makes rows of one table for one kind of server.

    Args:
        encoded: the rows are those of a ``CsvRows`` that says so.
    """

    def __init__(self, relation: Relation, server: Server, *, encoded: bool = False) -> None:
        self._relation = relation
        self.names = tuple(column.name for column in relation.columns)
        lengths = text_lengths(relation)
        fields = {field.encode_name: field.name for field in msgspec.structs.fields(relation.record)}
        self._takes = [attrgetter(fields[name]) for name in self.names]
        self._columns = [
            (column, _encoder(column, lengths.get(column.name), server, encoded=encoded)) for column in relation.columns
        ]

    def batches(self, rows: Iterable[Any]) -> Iterator[list[Values]]:
        """Yields batches of rows, each as its columns.

        Raises:
            ValidationError: a value cannot be kept.
            UsageError: it is no record of the table's type.
        """
        for given in _lists(rows):
            for start in range(0, len(given), BATCH_ROWS):
                yield self._encoded(given[start : start + BATCH_ROWS])

    def _encoded(self, batch: list[Any]) -> list[Values]:
        made = []
        for (column, encode), values in zip(self._columns, self._taken(batch), strict=True):
            if not column.nullable and None in values:
                raise self._refusal(column, batch[values.index(None)], "is None, which the column cannot be", "")
            try:
                made.append(encode(values))
            except RefusedError as refused:
                raise self._refusal(column, batch[refused.position], refused.mistake, refused.hint) from None
        return made

    def _taken(self, batch: list[Any]) -> Iterator[Values]:
        """Yields a batch's values, column by column."""
        record, kinds = self._relation.record, set(map(type, batch))
        if kinds == {record}:
            return (list(map(take, batch)) for take in self._takes)
        if kinds == {tuple} and set(map(len, batch)) == {len(self.names)}:
            return iter(zip(*batch, strict=True))
        for row in batch:
            if not isinstance(row, record) and not (isinstance(row, tuple) and len(row) == len(self.names)):
                raise UsageError(
                    f"table {self._relation.name!r} has rows of {record.__name__}, not {type(row).__name__}",
                    hint=f"give {record.__name__} records, or tuples of their {len(self.names)} values",
                )
        return iter([[self._value(row, name) for row in batch] for name in self.names])

    def _refusal(self, column: Column, row: Any, mistake: str, hint: str) -> ValidationError:
        key = ", ".join(f"{name}={self._value(row, name)!r}"[:80] for name in self._relation.key)
        return ValidationError(
            f"table {self._relation.name!r}: {column.name!r} of the row with {key} {mistake}",
            hint=hint or f"give what {column.type} can hold",
            table=self._relation.name,
            column=column.name,
        )

    def _value(self, row: Any, name: str) -> Any:
        position = self.names.index(name)
        return row[position] if isinstance(row, tuple) else self._takes[position](row)


def _lists(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yields rows in lists: those that come in lists as they come, others many at a time."""
    found = iter(rows)
    for row in found:
        if isinstance(row, list):
            yield row
            continue
        held = [row]
        for other in itertools.islice(found, BATCH_ROWS - 1):
            if isinstance(other, list):
                yield held
                held = other
                break
            held.append(other)
        yield held


def _encoder(column: Column, length: int | None, server: Server, *, encoded: bool) -> Encode:
    encode = _encoder_of_values(column, length, server)
    if encoded and server == "sqlite" and column.type.startswith("decimal"):
        _, scale = parse_type(column.type).digits
        return lambda values: _short_decimals(values, encode, SQLITE_DIGITS - scale)
    return encoded_values(column, encode) if encoded else encode


def _encoder_of_values(column: Column, length: int | None, server: Server) -> Encode:
    if is_nested(column):
        return _json
    match column.type:
        case "string":
            return lambda values: _text(values, length)
        case "boolean":
            return _booleans
        case "bigint":
            return _integers
        case "double":
            return _floats
        case "binary":
            return lambda values: values
        case "timestamp":
            return lambda values: _times(values, server)
        case "date":
            return lambda values: _dates(values, server)
    digits, scale = parse_type(column.type).digits
    return lambda values: _decimals(values, digits, scale, server)


def _text(values: Values, length: int | None) -> Values:
    kinds = set(map(type, values))
    if not kinds <= {str, NOTHING}:
        values = [_as_text(value) for value in values]
    present = values if NOTHING not in kinds else [value for value in values if value is not None]
    if not present:
        return values
    joined = "".join(present)
    if "\0" in joined or not _encodable(joined):
        _refuse(values, lambda value: "\0" in value or not _encodable(value),
                "has a character that no database keeps (NUL, or half of a surrogate pair)",
                "take it out: text.replace('\\0', ''), or text.encode('utf-8', 'replace').decode()")  # fmt: skip
    if length is not None and max(map(len, present)) > length:
        _refuse(values, lambda value: len(value) > length, f"has more than {length} characters",
                f"the column has {length}; shorten it")  # fmt: skip
    return values


def _as_text(value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, datetime.time):
        return value.isoformat()
    return value if value is None else str(value)


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _booleans(values: Values) -> Values:
    if not set(map(type, values)) <= {bool, NOTHING}:
        _refuse(values, lambda value: not isinstance(value, bool), "is no truth value", "give True or False")
    return values


def _integers(values: Values) -> Values:
    kinds = set(map(type, values))
    if not kinds <= {int, NOTHING}:
        values = [value.value if isinstance(value, Enum) else value for value in values]
        _refuse(values, lambda value: not isinstance(value, int), "is no whole number", "give an int")
        values = [value if value is None else int(value) for value in values]
    present = values if NOTHING not in kinds else [value for value in values if value is not None]
    if present and not (min(present) >= -BIGINT and max(present) < BIGINT):
        _refuse(values, lambda value: not -BIGINT <= value < BIGINT, "has more than 64 bits", "give it as text")
    return values


def _floats(values: Values) -> Values:
    kinds = set(map(type, values))
    if not kinds <= {float, NOTHING}:
        _refuse(values, lambda value: not isinstance(value, float | int), "is no number", "give a float")
        values = [value if value is None else float(value) for value in values]
    present = values if NOTHING not in kinds else [value for value in values if value is not None]
    if not all(map(math.isfinite, present)):
        _refuse(values, lambda value: not math.isfinite(value), "is not finite", "give None")
    return values


def _decimals(values: Values, digits: int, scale: int, server: Server) -> Values:
    unit, limit = decimal.Decimal(1).scaleb(-scale), decimal.Decimal(10) ** (digits - scale)
    # Below this no number of the column has more digits than SQLite's numbers.
    short = decimal.Decimal(10) ** (SQLITE_DIGITS - scale)
    made: list[Any] = []
    for position, value in enumerate(values):
        if value is None:
            made.append(None)
            continue
        if type(value) is int:
            value = decimal.Decimal(value)  # noqa: PLW2901
        if not isinstance(value, decimal.Decimal) or not value.is_finite():
            raise RefusedError(position, "is no decimal number", "give a Decimal")
        whole = value.quantize(unit, context=DECIMALS) if abs(value) < limit else value
        if abs(value) >= limit or whole != value:
            raise RefusedError(
                position, f"is {value:f}", f"the column has {digits} digits, {scale} of them after the point"
            )
        made.append(_sqlite_number(whole, short) if server == "sqlite" else whole)
    return made


def _short_decimals(values: Values, encode: Encode, digits: int) -> Values:
    """Returns numbers that an engine has rounded as the column has them; by ``encode`` where one has many digits."""
    limit = decimal.Decimal(10) ** digits
    present = [value for value in values if value is not None]
    if present and not -limit < min(present) <= max(present) < limit:
        return encode(values)
    return [value if value is None else float(value) for value in values]


def _sqlite_number(value: decimal.Decimal, short: decimal.Decimal) -> float | int | bytes:
    if -short < value < short:
        return float(value)
    if len(value.normalize(DECIMALS).as_tuple().digits) > SQLITE_DIGITS:
        return f"{value:f}".encode()
    return int(value) if value == value.to_integral_value() else float(value)


def _times(values: Values, server: Server) -> Values:
    if not set(map(type, values)) <= {datetime.datetime, NOTHING}:
        _refuse(values, lambda value: not isinstance(value, datetime.datetime), "is no time", "give a datetime")
    _check_years(values)
    if not {value.tzinfo for value in values if value is not None} <= {datetime.UTC, None}:
        try:
            values = [value if value is None else _in_utc(value) for value in values]
        except OverflowError:
            _refuse(values, lambda value: value.year == datetime.MAXYEAR, "is after the year 9999 in UTC", "give None")
    if server == "postgresql":
        # In a session whose time zone is UTC, a time without one means the same.
        return values
    if server == "sqlite":
        length = len("2026-02-20 07:57:00.000000")
        return [value if value is None else value.isoformat(" ", "microseconds")[:length] for value in values]
    return [value if value is None else value.replace(tzinfo=None) for value in values]


def _in_utc(value: datetime.datetime) -> datetime.datetime:
    return value if value.tzinfo is None else value.astimezone(datetime.UTC)


def _dates(values: Values, server: Server) -> Values:
    if not set(map(type, values)) <= {datetime.date, NOTHING}:
        _refuse(values, lambda value: type(value) is not datetime.date, "is no date", "give a date, without a time")
    _check_years(values)
    return [value if value is None else value.isoformat() for value in values] if server == "sqlite" else values


def _check_years(values: Values) -> None:
    if min((value.year for value in values if value is not None), default=FIRST_YEAR) < FIRST_YEAR:
        _refuse(
            values, lambda value: value.year < FIRST_YEAR, "is before the year 1000", "no database keeps it; give None"
        )


def _json(values: Values) -> Values:
    made: list[Any] = []
    for position, value in enumerate(values):
        if value is None:
            made.append(None)
            continue
        try:
            text = msgspec.json.encode(value, order="deterministic").decode()
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise RefusedError(position, f"cannot be JSON: {error}", "give text, numbers, lists and mappings") from None
        if "\\u0000" in text and "\0" in "".join(_texts(msgspec.json.decode(text))):
            raise RefusedError(position, "holds a text with NUL", "take it out: text.replace('\\0', '')")
        made.append(text)
    return made


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)


def _refuse(values: Values, is_wrong: Callable[[Any], bool], mistake: str, hint: str) -> None:
    for position, value in enumerate(values):
        if value is not None and is_wrong(value):
            raise RefusedError(position, mistake, hint)
