"""Warehouses: relational tables in a database, each declared by a record type."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.model.access import Grant, Kind, WarehouseAction
from penstock.model.schema import Column, columns

RUNS_TABLE = "pipeline_runs"
NESTED = ("array<", "map<", "struct<")
# InnoDB's index keys have 3072 bytes, a character of utf8mb4 up to four: three texts of this length go into one.
# https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html
KEY_CHARACTERS = 255
INDEX_BYTES = 3072
# https://www.postgresql.org/docs/15/limits.html and https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html
NAME_CHARACTERS = 63


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a warehouse keeps of a run, where the pipeline declares nothing else.

    Attributes:
        counts: what the run has counted, by name.
    """

    run_id: str
    counts: dict[str, int] = {}


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """A table of a warehouse.

    Attributes:
        record: the type of its rows; each of its fields is a column, in this order.
        key: the columns that tell rows apart.
        indexes: columns by which rows are looked up, several where they belong together.
    """

    name: str
    record: type[Any]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    place: str = ""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of the record's fields.

        Raises:
            TypeError: a field has a type that no column can hold.
        """
        return columns(self.record)

    @property
    def looked_up(self) -> frozenset[str]:
        """The columns of the key and of the indexes."""
        return frozenset(self.key).union(*self.indexes)


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """A database with a pipeline's tables.

    Attributes:
        relations: its tables by name; that of the runs is one of them.
        runs: the table with one row for each run whose rows are there.
        views: SELECT statements by the name of their view, in an order in which each can be made.
        migrations: the package whose folder ``versions`` says, by Alembic's revisions, how the tables came to be;
            empty for tables that are made as they are declared, and never changed.
    """

    name: str
    relations: dict[str, Relation]
    runs: str = RUNS_TABLE
    views: dict[str, str] = {}
    migrations: str = ""
    place: str = ""

    @property
    def writing_user(self) -> str:
        """Who writes rows where users have no password of their own: what its roles may do, and no more."""
        return f"{self.name}_write"

    @property
    def reading_user(self) -> str:
        """Who reads rows there."""
        return f"{self.name}_read"

    @property
    def write(self) -> Grant:
        return Grant(Kind.WAREHOUSE, self.name, WarehouseAction.WRITE)

    @property
    def read(self) -> Grant:
        return Grant(Kind.WAREHOUSE, self.name, WarehouseAction.READ)


def is_nested(column: Column) -> bool:
    """Tells whether a column holds what only JSON can: a list, a map or a struct."""
    return column.type.startswith(NESTED)
