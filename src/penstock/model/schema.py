"""Columns of a record type: one declaration gives validation, SQL types and the JSON schema."""

from __future__ import annotations

import datetime
import decimal
import types
import typing
from enum import Enum
from typing import Any

import msgspec

SCALARS: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "bigint",
    float: "double",
    bytes: "binary",
    decimal.Decimal: "decimal(38,9)",
    datetime.datetime: "timestamp",
    datetime.date: "date",
}


class Column(msgspec.Struct, frozen=True):
    """A column: its name, its type in the catalog's (Glue's) notation, and whether it may be null."""

    name: str
    type: str
    nullable: bool = False


def columns(record: type[msgspec.Struct]) -> tuple[Column, ...]:
    """Returns the columns of a record type.

    Raises:
        TypeError: a field has a type that no column can hold.
    """
    found = []
    for field in msgspec.structs.fields(record):
        try:
            name, nullable = _type_name(field.type)
        except TypeError as error:
            raise TypeError(f"{record.__name__}.{field.name}: {error}") from None
        found.append(Column(field.encode_name, name, nullable))
    return tuple(found)


def _type_name(annotation: Any) -> tuple[str, bool]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _type_name(typing.get_args(annotation)[0])
    if origin in {typing.Union, types.UnionType}:
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        if len(members) != 1:
            raise TypeError(f"a union of {len(members)} types has no column type; choose one of them")
        return _type_name(members[0])[0], True
    if origin is typing.Literal:
        return SCALARS[type(typing.get_args(annotation)[0])], False
    if origin in {list, tuple, set, frozenset}:
        return f"array<{_type_name(typing.get_args(annotation)[0])[0]}>", False
    if origin is dict:
        key, value = (_type_name(argument)[0] for argument in typing.get_args(annotation))
        return f"map<{key},{value}>", False
    return _plain_type_name(annotation), False


def _plain_type_name(annotation: Any) -> str:
    if annotation in SCALARS:
        return SCALARS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "string"
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        inner = ",".join(f"{column.name}:{column.type}" for column in columns(annotation))
        return f"struct<{inner}>"
    raise TypeError(f"{annotation!r} has no column type; use {', '.join(t.__name__ for t in SCALARS)}")
