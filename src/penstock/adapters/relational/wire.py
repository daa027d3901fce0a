"""Batches as text: for PostgreSQL's COPY, and for MySQL's INSERT. A column is looked at as a whole first."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.adapters.relational.encoded import Values

# https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2
COPY_NULL = "\\N"
COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
# https://dev.mysql.com/doc/refman/8.4/en/string-literals.html; the connection is in utf8mb4, and its SQL mode is ours.
SQL_ESCAPES = str.maketrans({"\\": "\\\\", "'": "''"})
# Well below the least that a server takes by default: 16 MB of MariaDB.
STATEMENT_CHARACTERS = 2_000_000


def copy_text(batch: Sequence[Values]) -> str:
    """Returns a batch, given by its columns, in the text format of COPY."""
    columns = [_copy_fields(values) for values in batch]
    return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


def value_lists(batch: Sequence[Values]) -> Iterator[str]:
    """Yields a batch, given by its columns, as what stands behind VALUES: as many rows as one statement takes."""
    rows = [f"({row})" for row in map(",".join, zip(*map(_literals, batch), strict=True))]
    begin = size = 0
    for position, row in enumerate(rows):
        if size and size + len(row) > STATEMENT_CHARACTERS:
            yield ",".join(rows[begin:position])
            begin, size = position, 0
        size += len(row)
    yield ",".join(rows[begin:])


def _copy_fields(values: Values) -> Sequence[str]:
    kinds = set(map(type, values))
    if str in kinds:
        if _has(values, kinds, "\\\t\n\r"):
            return _each(values, lambda value: value.translate(COPY_ESCAPES), COPY_NULL)
        return values if len(kinds) == 1 else [COPY_NULL if value is None else value for value in values]
    if bytes in kinds:
        return _each(values, lambda value: f"\\\\x{value.hex()}", COPY_NULL)
    return _each(values, str, COPY_NULL) if type(None) in kinds else list(map(str, values))


def _literals(values: Values) -> Sequence[str]:
    kinds = set(map(type, values))
    if str in kinds:
        if _has(values, kinds, "\\'"):
            return _each(values, lambda value: f"'{value.translate(SQL_ESCAPES)}'", "NULL")
        return ["NULL" if value is None else f"'{value}'" for value in values]
    if bytes in kinds:
        return _each(values, lambda value: f"x'{value.hex()}'", "NULL")
    if kinds & {int, float, bool}:
        return _each(values, repr, "NULL")
    if decimal.Decimal in kinds:
        # An exponent would make it a double.
        return _each(values, "{:f}".format, "NULL")
    return ["NULL" if value is None else f"'{value}'" for value in values]


def _has(values: Values, kinds: set[type], characters: str) -> bool:
    joined = "".join(values if len(kinds) == 1 else [value for value in values if value is not None])
    return any(character in joined for character in characters)


def _each(values: Values, shown: Callable[[Any], str], null: str) -> list[str]:
    return [null if value is None else shown(value) for value in values]
