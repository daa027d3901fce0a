"""A table as queries in Athena name it, where partitions are sealed: a view over what is sealed and what is not yet.

A view is a table of the catalog whose text is the query, as Athena itself writes it.
https://docs.aws.amazon.com/athena/latest/ug/views.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from penstock.deploy.projection import RAW, SEALED
from penstock.deploy.recent import since
from penstock.model.column_types import glue_type
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.schema import Column, columns

# A query reads raw objects of these last days alone: what is older has been sealed, or an alarm has told of it.
RAW_DAYS = 3
_AND = "\n  AND "
# https://docs.aws.amazon.com/athena/latest/ug/data-types.html: types of DDL, and what queries call them
_NAMES = {"string": "varchar", "timestamp": "timestamp(3)", "float": "real", "int": "integer", "binary": "varbinary"}
_SCALAR = re.compile(r"[a-z]+(\(\d+(,\d+)?\))?")


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A view of the catalog.

    Attributes:
        columns: with their types in Glue's notation; the partition columns come last.
        sql: the query; tables in it are of the view's own database.
    """

    name: str
    columns: tuple[Column, ...]
    sql: str


def view(table: LakeTable) -> View:
    """Returns the view of a table: its sealed rows, and the raw records of recent partitions that are not sealed.

    Of a partition either the one or the other is read, so that nothing comes twice. A raw object that arrives in a
    sealed partition is seen once the partition has been sealed again.
    """
    partition = PARTITION_COLUMNS[table.partition]
    described = columns(table.record)
    own = [column.name.lower() for column in described]
    names = [*own, *partition]
    listed, keys = ", ".join(map(quoted, names)), ", ".join(partition)
    same = " AND ".join(f"fresh.{key} = closed.{key}" for key in partition)
    conditions = [f"fresh.{quoted(name)} IS NOT NULL" for name in _required(table.record)]
    conditions = conditions or [f"({' OR '.join(f'fresh.{quoted(name)} IS NOT NULL' for name in own)})"]
    conditions.append(f"closed.{partition[0]} IS NULL")
    sql = (
        f"SELECT {listed}\nFROM {quoted(SEALED + table.name.lower())}\n"
        f"UNION ALL\n"
        f"SELECT {', '.join(f'fresh.{quoted(name)}' for name in names)}\n"
        f"FROM (\n  SELECT *\n  FROM {quoted(RAW + table.name.lower())}\n{_indented(since(RAW_DAYS))}\n) AS fresh\n"
        f"LEFT JOIN (\n  SELECT DISTINCT {keys}\n  FROM {quoted(SEALED + table.name.lower())}\n"
        f"{_indented(since(RAW_DAYS))}\n) AS closed\n  ON {same}\n"
        f"WHERE {_AND.join(conditions)}\n"
    )
    typed = [Column(one.name.lower(), glue_type(one.type), one.nullable) for one in described]
    return View(name=table.name, columns=(*typed, *(Column(key, "string") for key in partition)), sql=sql)


def query_type(name: str) -> str:
    """Returns what queries call a type of Glue's: ``array<bigint>`` is ``array(bigint)``.

    Raises:
        ValueError: it is none of Glue's types.
    """
    outer, bracket, inner = name.partition("<")
    if not bracket and _SCALAR.fullmatch(name):
        return _NAMES.get(name, name)
    parts = _split(inner.removesuffix(">"))
    if not inner.endswith(">") or outer not in {"array", "map", "struct"}:
        raise ValueError(f"{name!r} is no type of the catalog")
    if outer == "struct":
        fields = (part.partition(":") for part in parts)
        return f"row({', '.join(f'{quoted(field)} {query_type(kind)}' for field, _, kind in fields)})"
    return f"{outer}({','.join(map(query_type, parts))})"


def quoted(name: str) -> str:
    """Returns a name as a query takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def _required(record: type[msgspec.Struct]) -> list[str]:
    """Returns the columns that every record has: a line without one of them is no record."""
    needed = {field.encode_name for field in msgspec.structs.fields(record) if field.required}
    return [column.name.lower() for column in columns(record) if column.name in needed and not column.nullable]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _split(inner: str) -> Sequence[str]:
    """Splits at the commas that are in no bracket."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(inner):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append(inner[start:position])
            start = position + 1
    return [*parts, inner[start:]]
