"""Column types in the catalog's notation, such as ``map<string,array<double>>``, and what engines and files call them.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
https://duckdb.org/docs/stable/sql/data_types/overview
https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from penstock.errors import ValidationError

# JSON holds bytes as base64 text, and so do all files of the lake. A timestamp is in UTC.
SCALARS = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "binary": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
PARQUET = {
    "string": ("BYTE_ARRAY", "UTF8"),
    "boolean": ("BOOLEAN", ""),
    "bigint": ("INT64", "INT_64"),
    "double": ("DOUBLE", ""),
    "binary": ("BYTE_ARRAY", "UTF8"),
    "timestamp": ("INT64", "TIMESTAMP_MICROS"),
    "date": ("INT32", "DATE"),
}
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
# A decimal of more digits than this is a fixed number of bytes in Parquet.
INT32_DIGITS, INT64_DIGITS = 9, 18


class ParquetLeaf(msgspec.Struct, frozen=True):
    """A column as Parquet stores it: one for each value that a nested type is made of.

    Attributes:
        path: the names on the way, such as ``("tags", "key_value", "key")``.
        logical: what the physical type means, as Parquet's ConvertedType; empty where that is all it means.
    """

    path: tuple[str, ...]
    physical: str
    logical: str


class ColumnType(msgspec.Struct, frozen=True):
    """A type, taken apart.

    Attributes:
        name: a scalar's notation, or ``array``, ``map`` or ``struct``.
        inner: what it is made of: an array's element, a map's key and value, a struct's fields.
        fields: the names of a struct's fields.
    """

    name: str
    inner: tuple[ColumnType, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The type in the catalog's notation."""
        if self.fields:
            parts = [f"{name}:{kind.text}" for name, kind in zip(self.fields, self.inner, strict=True)]
        else:
            parts = [kind.text for kind in self.inner]
        return f"{self.name}<{','.join(parts)}>" if parts else self.name

    @property
    def digits(self) -> tuple[int, int]:
        """A decimal's precision and scale."""
        found = DECIMAL.fullmatch(self.name)
        return (int(found[1]), int(found[2])) if found else (0, 0)


def parse_type(text: str) -> ColumnType:
    """Takes a type apart.

    Raises:
        ValidationError: it is none of the catalog's types.
    """
    if text in SCALARS or DECIMAL.fullmatch(text):
        return ColumnType(text)
    outer, bracket, inner = text.partition("<")
    if not bracket or not inner.endswith(">"):
        raise _no_type(text)
    parts = _split(inner.removesuffix(">"))
    if outer == "struct":
        named = [part.partition(":") for part in parts]
        return ColumnType(outer, tuple(parse_type(kind) for _, _, kind in named), tuple(name for name, _, _ in named))
    if len(parts) != {"array": 1, "map": 2}.get(outer):
        raise _no_type(text)
    return ColumnType(outer, tuple(parse_type(part) for part in parts))


def duckdb_type(text: str) -> str:
    """Returns DuckDB's name of a type such as ``map<string,double>``.

    Raises:
        ValidationError: it is none of the catalog's types.
    """
    return _duckdb(parse_type(text))


def _duckdb(kind: ColumnType) -> str:
    inner = [_duckdb(one) for one in kind.inner]
    match kind.name:
        case "array":
            return f"{inner[0]}[]"
        case "map":
            return f"MAP({', '.join(inner)})"
        case "struct":
            pairs = zip(kind.fields, inner, strict=True)
            return f"STRUCT({', '.join(f'{_quoted(name)} {one}' for name, one in pairs)})"
    return SCALARS.get(kind.name, kind.name.upper())


def glue_type(text: str) -> str:
    """Returns a type as the tables in Glue have it: bytes are text there, and names are in lower case."""
    return _glue(parse_type(text)).text


def _glue(kind: ColumnType) -> ColumnType:
    name = "string" if kind.name == "binary" else kind.name
    return ColumnType(name, tuple(map(_glue, kind.inner)), tuple(field.lower() for field in kind.fields))


def parquet_leaves(name: str, text: str) -> list[ParquetLeaf]:
    """Returns what a column of this type is in a sealed file.

    Raises:
        ValidationError: it is none of the catalog's types.
    """
    return list(_leaves((name,), parse_type(text)))


def _leaves(path: tuple[str, ...], kind: ColumnType) -> Iterator[ParquetLeaf]:
    match kind.name:
        case "array":
            yield from _leaves((*path, "list", "element"), kind.inner[0])
        case "map":
            for name, inner in zip(("key", "value"), kind.inner, strict=True):
                yield from _leaves((*path, "key_value", name), inner)
        case "struct":
            for name, inner in zip(kind.fields, kind.inner, strict=True):
                yield from _leaves((*path, name), inner)
        case _:
            yield ParquetLeaf(path, *_parquet_scalar(kind))


def _parquet_scalar(kind: ColumnType) -> tuple[str, str]:
    precision, _ = kind.digits
    if not precision:
        return PARQUET[kind.name]
    if precision <= INT64_DIGITS:
        return ("INT32" if precision <= INT32_DIGITS else "INT64"), "DECIMAL"
    return "FIXED_LEN_BYTE_ARRAY", "DECIMAL"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _no_type(text: str) -> ValidationError:
    return ValidationError(f"{text!r} is no column type", hint="see penstock.model.schema")


def _split(inner: str) -> list[str]:
    """Splits at the commas that are in no bracket."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(inner):
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(inner[start:position])
            start = position + 1
    return [*parts, inner[start:]]
