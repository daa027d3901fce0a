"""What is checked of lake tables and hot tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

import msgspec

from penstock.errors import Finding
from penstock.model.datasets import PARTITION_COLUMNS, HotTable, LakeTable
from penstock.model.pipeline import Definition
from penstock.model.schema import Column, columns

NESTED = ("array<", "map<", "struct<")
TIMES = ("timestamp", "date", "string", "bigint", "double")


def column_names(names: str | Sequence[str]) -> tuple[str, ...]:
    """Returns the columns that an option names: one, or several in order."""
    return (names,) if isinstance(names, str) else tuple(names)


def check(definition: Definition) -> Iterator[Finding]:
    """Yields every mistake of the tables."""
    for table in definition.lake_tables.values():
        yield from _lake_table(table)
    for hot in definition.hot_tables.values():
        yield from _hot_table(hot)


def _lake_table(table: LakeTable) -> Iterator[Finding]:
    if not (isinstance(table.record, type) and issubclass(table.record, msgspec.Struct)):
        yield Finding(table.place, "record-type", f"records of {table.name!r} are of {table.record!r}",
                      "declare `class Record(msgspec.Struct): …` and give that class")  # fmt: skip
        return
    try:
        known = {column.name: column for column in columns(table.record)}
    except TypeError as error:
        yield Finding(table.place, "record-type", f"lake table {table.name!r}: {error}", "change the field's type")
        return
    for name in sorted(set(PARTITION_COLUMNS[table.partition]) & {name.lower() for name in known}):
        message = f"lake table {table.name!r}: {table.record.__name__} has a column {name!r}, as its partitions"
        yield Finding(table.place, "partition-column", message, "rename the field; letter case is no difference")
    for option, names in (("sort", table.sort), ("unique", table.unique)):
        yield from _columns(table, option, names, known)
    if table.time is not None:
        yield from _time(table, table.time, known)


def _columns(table: LakeTable, option: str, names: tuple[str, ...], known: dict[str, Column]) -> Iterator[Finding]:
    for name in names:
        if name not in known:
            yield _no_column(table, option, name, known)
        elif known[name].type.startswith(NESTED):
            message = f"lake table {table.name!r}: {option}= names {name!r}, which is {known[name].type}"
            yield Finding(table.place, "column-type", message, "name columns that hold one value")
    if len(set(names)) != len(names):
        yield Finding(table.place, "column-twice", f"lake table {table.name!r}: {option}= names a column twice",
                      "name each column once")  # fmt: skip


def _time(table: LakeTable, name: str, known: dict[str, Column]) -> Iterator[Finding]:
    if name not in known:
        yield _no_column(table, "time", name, known)
    elif known[name].type not in TIMES:
        message = f"lake table {table.name!r}: time= names {name!r}, which is {known[name].type}"
        yield Finding(table.place, "column-type", message,
                      "name a datetime, text in ISO 8601, or seconds since the epoch")  # fmt: skip


def _no_column(table: LakeTable, option: str, name: str, known: dict[str, Column]) -> Finding:
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"name one of {', '.join(known) or 'its columns'}"
    message = f"lake table {table.name!r}: {option}= names {name!r}, which {table.record.__name__} does not have"
    return Finding(table.place, "unknown-column", message, hint)


def _hot_table(hot: HotTable) -> Iterator[Finding]:
    names = [hot.partition.name, *([hot.sort.name] if hot.sort else [])]
    if len(set(names)) != len(names):
        yield Finding(hot.place, "key", f"hot table {hot.name!r} uses {names[0]!r} as both keys",
                      "partition and sort key are two attributes")  # fmt: skip
    if len({index.name for index in hot.indexes}) != len(hot.indexes):
        yield Finding(hot.place, "key", f"hot table {hot.name!r} has two indexes of one name", "rename one of them")
