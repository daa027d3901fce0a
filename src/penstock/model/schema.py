"""Columns of a record type: one declaration gives validation, SQL types and the JSON schema.

A ``datetime`` is a ``timestamp`` in UTC: what a record gives with an offset is converted, what it gives without one
is UTC already. A ``Decimal`` has 38 digits, 9 of them after the point, unless it says otherwise::

    Money = Annotated[Decimal, Precision(12, 2)]
"""

from __future__ import annotations

import datetime
import decimal
import functools
import hashlib
import types
import typing
import uuid
from enum import Enum
from typing import Any

import msgspec

from penstock.errors import UsageError

DIGITS_LIMIT = 38
UNCLEAR = frozenset("<>(),:")
SCALARS: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "bigint",
    float: "double",
    bytes: "binary",
    decimal.Decimal: "decimal(38,9)",
    datetime.datetime: "timestamp",
    datetime.date: "date",
    datetime.time: "string",
    uuid.UUID: "string",
}
Path = tuple[type, ...]


class Precision(msgspec.Struct, frozen=True):
    """How many digits a Decimal column has: in all, and of these after the point.

    Raises:
        UsageError: no column has so many digits.
    """

    digits: int
    scale: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.digits <= DIGITS_LIMIT and 0 <= self.scale <= self.digits):
            raise UsageError(
                f"no decimal has {self.digits} digits, {self.scale} of them after the point",
                hint=f"1 to {DIGITS_LIMIT} digits in all, and no more than that after the point",
            )

    @property
    def type(self) -> str:
        """The column's type in the catalog's notation."""
        return f"decimal({self.digits},{self.scale})"


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
    return _known_columns(record)


@functools.lru_cache(maxsize=256)
def _known_columns(record: Any) -> tuple[Column, ...]:
    return _columns(record, ())


def fingerprint(described: tuple[Column, ...]) -> str:
    """Returns 16 hexadecimal digits that are equal for equal columns in equal order, and for no others."""
    return hashlib.sha256(msgspec.json.encode(described)).hexdigest()[:16]


def json_schema(record: type[msgspec.Struct]) -> dict[str, Any]:
    """Returns the JSON schema (2020-12) of one record.

    Raises:
        TypeError: a field has a type that no column can hold.
    """
    columns(record)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(record)}


def unwrap(annotation: Any) -> tuple[Any, Precision | None, bool]:
    """Returns a field's type without what is around it, the digits that it declares, and whether it may be null.

    Raises:
        TypeError: it is a union of several types.
    """
    precision, nullable = None, False
    while True:
        origin = typing.get_origin(annotation)
        if isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif origin is typing.Annotated:
            annotation, *notes = typing.get_args(annotation)
            precision = next((note for note in notes if isinstance(note, Precision)), precision)
        elif origin in {typing.Union, types.UnionType}:
            members = [one for one in typing.get_args(annotation) if one not in {type(None), msgspec.UnsetType}]
            if len(members) != 1:
                raise TypeError(f"a union of {len(members)} types has no column type; choose one of them")
            annotation, nullable = members[0], True
        else:
            return annotation, precision, nullable


def type_name(annotation: Any) -> tuple[str, bool]:
    """Returns the column type of an annotation, in the catalog's notation, and whether it may be null.

    Raises:
        TypeError: no column can hold it.
    """
    return _type_name(annotation, ())


def _columns(record: type[msgspec.Struct], path: Path) -> tuple[Column, ...]:
    if record in path:
        raise TypeError(f"{record.__name__} holds itself; a column has a fixed depth")
    if record.__struct_config__.array_like:
        raise TypeError(f"{record.__name__} is array_like; columns need names")
    found = []
    for field in msgspec.structs.fields(record):
        try:
            name, nullable = _type_name(field.type, (*path, record))
        except TypeError as error:
            raise TypeError(f"{record.__name__}.{field.name}: {error}") from None
        found.append(Column(field.encode_name, name, nullable))
    return tuple(found)


def _type_name(annotation: Any, path: Path) -> tuple[str, bool]:
    plain, precision, nullable = unwrap(annotation)
    if precision is not None:
        if plain is not decimal.Decimal:
            raise TypeError(f"Precision says nothing about {plain!r}; it is for Decimal")
        return precision.type, nullable
    origin = typing.get_origin(plain)
    if origin is typing.Literal:
        values = typing.get_args(plain)
        return _of_values([one for one in values if one is not None]), nullable or None in values
    arguments = typing.get_args(plain)
    if origin in {list, tuple, set, frozenset}:
        return f"array<{_element(origin, arguments, path)}>", nullable
    if origin is dict:
        key, value = (_type_name(argument, path)[0] for argument in arguments)
        if "<" in key:
            raise TypeError(f"a map's key is one value, not {key}")
        return f"map<{key},{value}>", nullable
    return _plain_type_name(plain, path), nullable


def _element(origin: type, arguments: tuple[Any, ...], path: Path) -> str:
    members = {_type_name(argument, path)[0] for argument in arguments if argument is not Ellipsis}
    if len(members) != 1:
        raise TypeError(
            f"a {origin.__name__} of {len(members)} types has no column type; use a struct with named fields"
        )
    return members.pop()


def _of_values(values: list[Any]) -> str:
    kinds = {SCALARS.get(type(value), "") for value in values}
    if len(kinds) != 1 or "" in kinds:
        raise TypeError(f"values of {len(kinds)} types have no column type; let all be text, or all whole numbers")
    return kinds.pop()


def _plain_type_name(annotation: Any, path: Path) -> str:
    if annotation in SCALARS:
        return SCALARS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _of_values([member.value for member in annotation])
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        inner = _columns(annotation, path)
        for column in inner:
            if UNCLEAR & set(column.name):
                raise TypeError(f"the name {column.name!r} inside of a struct is none that a catalog takes")
        if not inner:
            raise TypeError(f"{annotation.__name__} has no fields")
        return f"struct<{','.join(f'{column.name}:{column.type}' for column in inner)}>"
    raise TypeError(f"{annotation!r} has no column type; use {', '.join(t.__name__ for t in SCALARS)}")
