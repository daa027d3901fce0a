"""Records in Parquet: rows from whoever can read it, judged as all others are. Rows count from 1, as lines do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.lake.outcome import KEPT_BYTES, Bad, Good
from penstock.model.schema import columns

# Takes an object's bytes; yields its rows as plain values, times with their zone. Raises ValidationError if it cannot.
RowReader = Callable[[Iterable[bytes]], Iterator[Mapping[str, Any]]]


def decode_rows(
    rows: Iterator[Mapping[str, Any]], record: type[msgspec.Struct], misfit: Callable[[Any], str | None]
) -> Iterator[Good | Bad]:
    """Yields the records of rows. NULL is no value where a field has a default and may not be null.

    Raises:
        ValidationError: the remaining rows cannot be read.
    """
    nullable = {column.name for column in columns(record) if column.nullable}
    for number, row in enumerate(rows, start=1):
        values = {name: value for name, value in row.items() if value is not None or name in nullable}
        raw = _raw(row)
        try:
            found = msgspec.convert(values, record)
        except (msgspec.ValidationError, RecursionError, ValueError, OverflowError) as error:
            yield Bad(number, f"the row does not fit: {error}", raw[:KEPT_BYTES])
            continue
        reason = misfit(found)
        yield Good(number, found, raw) if reason is None else Bad(number, reason, raw[:KEPT_BYTES])


def unreadable(_: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """Reads no Parquet, and says so."""
    raise ValidationError("this is Parquet, which cannot be read here", hint="read it where DuckDB is")


def _raw(row: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(row, enc_hook=str)
    except (TypeError, ValueError, OverflowError):
        return repr(dict(row)).encode("utf-8", "backslashreplace")
