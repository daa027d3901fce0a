"""A warehouse's tables as SQLAlchemy has them. One declaration, the record type, makes them on every server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import JSON, TypeEngine

from penstock.model.column_types import parse_type
from penstock.model.schema import Column as RecordColumn
from penstock.model.schema import unwrap
from penstock.model.warehouses import KEY_CHARACTERS, NAME_CHARACTERS, Relation, Warehouse, is_nested

MYSQL = ("mysql", "mariadb")
# Text is told apart by its characters, and by spaces at its end; each server has its own name for that.
# https://dev.mysql.com/doc/refman/8.4/en/charset-binary-collations.html
# https://mariadb.com/kb/en/supported-character-sets-and-collations/
TABLE_OPTIONS: Mapping[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def metadata_of(warehouse: Warehouse) -> MetaData:
    """Returns the tables."""
    metadata = MetaData()
    for relation in warehouse.relations.values():
        lengths = text_lengths(relation)
        table = Table(
            relation.name,
            metadata,
            *(_column(relation, column, lengths.get(column.name)) for column in relation.columns),
            **TABLE_OPTIONS,
        )
        for names in relation.indexes:
            Index(index_name(relation.name, names), *(table.c[name] for name in names))
    return metadata


def text_lengths(relation: Relation) -> dict[str, int]:
    """Returns how many characters a text column can hold, where there is a limit: keys, and what says so itself."""
    found = {}
    for field in msgspec.structs.fields(relation.record):
        limit = _max_length(field.type)
        if limit is not None:
            found[field.encode_name] = limit
    for column in relation.columns:
        if column.type == "string" and column.name in relation.looked_up:
            found.setdefault(column.name, KEY_CHARACTERS)
    return {column.name: found[column.name] for column in relation.columns
            if column.type == "string" and column.name in found}  # fmt: skip


def index_name(table: str, names: tuple[str, ...]) -> str:
    """Returns the name of an index."""
    full = "_".join(("ix", table, *names))
    if len(full) <= NAME_CHARACTERS:
        return full
    return f"{full[: NAME_CHARACTERS - 9]}_{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def _column(relation: Relation, column: RecordColumn, length: int | None) -> Column[Any]:
    is_key = column.name in relation.key
    return Column(
        column.name,
        column_type(column, length),
        primary_key=is_key,
        nullable=column.nullable and not is_key,
        autoincrement=False,
    )


def column_type(column: RecordColumn, length: int | None = None) -> TypeEngine[Any]:
    """Returns the type of a column; ``length`` is of text."""
    if is_nested(column):
        return JSON().with_variant(postgresql.JSONB(), "postgresql")
    match column.type:
        case "string":
            return String(length) if length else Text().with_variant(mysql.LONGTEXT(), *MYSQL)
        case "boolean":
            return Boolean()
        case "bigint":
            return BigInteger().with_variant(Integer(), "sqlite")
        case "double":
            return Double()
        case "binary":
            return LargeBinary().with_variant(mysql.LONGBLOB(), *MYSQL)
        case "timestamp":
            return DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), *MYSQL)
        case "date":
            return Date()
    return Numeric(*parse_type(column.type).digits)


def _max_length(annotation: Any) -> int | None:
    """Returns what ``msgspec.Meta(max_length=…)`` says of a text, also where it may be null."""
    for note in getattr(annotation, "__metadata__", ()):
        if isinstance(note, msgspec.Meta) and note.max_length is not None:
            return note.max_length
    found = [_max_length(inner) for inner in get_args(annotation)] if unwrap(annotation)[0] is str else []
    return next((one for one in found if one is not None), None)
