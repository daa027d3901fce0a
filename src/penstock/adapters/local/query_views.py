"""Tables of the lake as SQL: what a view over a table's files looks like to DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.adapters.local.query_files import TableFiles
from penstock.adapters.local.query_types import duckdb_type, identifier, literal
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.schema import columns
from penstock.ports.query import ResultColumn

# The buffer of each thread is twice as large; a file with a longer line is left out.
LINE_LIMIT_BYTES = 16 * 1024 * 1024


class Quarantined(msgspec.Struct):
    """A record that did not fit, as it lies in the quarantine."""

    reason: str
    source: str | None = None
    line: int | None = None
    raw: str | None = None
    encoding: str | None = None


class Source(msgspec.Struct, frozen=True):
    """One table that a query can name.

    Attributes:
        columns: those of the record, with DuckDB's types.
        required: the columns that every record has; a line that comes back without one of them is no record.
        partition: the partition columns.
    """

    name: str
    zone: str
    table: str
    columns: dict[str, str]
    required: tuple[str, ...]
    partition: tuple[str, ...]

    def described(self) -> list[ResultColumn]:
        """Returns all columns."""
        named = {**self.columns, **dict.fromkeys(self.partition, "VARCHAR")}
        return [ResultColumn(name, kind) for name, kind in named.items()]


def sources(tables: Sequence[LakeTable]) -> dict[str, Source]:
    """Returns what can be named, by its name in lower case. A declared table wins over a quarantine of that name."""
    named = [_source(f"{table.name}_quarantine", "quarantine", table, Quarantined) for table in tables]
    named += [_source(table.name, "raw", table, table.record) for table in tables]
    return {source.name.lower(): source for source in named}


def _source(name: str, zone: str, table: LakeTable, record: type[msgspec.Struct]) -> Source:
    described = columns(record)
    needed = {field.encode_name for field in msgspec.structs.fields(record) if field.required}
    return Source(
        name=name,
        zone=zone,
        table=table.name,
        columns={column.name: duckdb_type(column.type) for column in described},
        required=tuple(column.name for column in described if column.name in needed and not column.nullable),
        partition=PARTITION_COLUMNS[table.partition],
    )


def create_view(source: Source, files: TableFiles) -> str:
    """Returns the statement that makes the view, over these files."""
    rows = _rows(source, files)
    if rows is None:
        rows = f"SELECT {', '.join(f'NULL::{kind} AS {identifier(name)}' for name, kind in _typed(source))}"
        condition = "false"
    else:
        condition = _is_record(source)
    return f"CREATE OR REPLACE VIEW {identifier(source.name)} AS SELECT * FROM ({rows}) WHERE {condition}"


def count_unreadable(source: Source, files: TableFiles) -> str | None:
    """Returns the query that counts what is no record in these files; None when there are none."""
    rows = _rows(source, files)
    return rows and f"SELECT count(*) FROM ({rows}) WHERE NOT ({_is_record(source)})"


def _typed(source: Source) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in source.described()]


def _is_record(source: Source) -> str:
    """Returns the condition that tells records from lines that DuckDB could not make one of: those are all NULL.

    DuckDB takes NaN and Infinity for numbers; JSON has neither, and one of them would spoil every average.
    """
    there = [f"{identifier(name)} IS NOT NULL" for name in source.columns]
    needed = [f"{identifier(name)} IS NOT NULL" for name in source.required] or [f"({' OR '.join(there)})"]
    finite = [f"isfinite(coalesce({identifier(name)}, 0))" for name, kind in source.columns.items() if kind == "DOUBLE"]
    return " AND ".join(needed + finite)


def _rows(source: Source, files: TableFiles) -> str | None:
    parts = [_of_lines(source, files.lines)] if files.lines else []
    parts += [_of_documents(source, files.documents)] if files.documents else []
    return " UNION ALL ".join(parts) or None


def _of_lines(source: Source, paths: Sequence[str]) -> str:
    declared = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in source.columns.items())
    wanted = ", ".join(identifier(name) for name, _ in _typed(source))
    return (
        f"SELECT {wanted} FROM read_json({_list(paths)}, format='newline_delimited', columns={{{declared}}},"
        f" {_options(source)}, ignore_errors=true)"
    )


def _of_documents(source: Source, paths: Sequence[str]) -> str:
    shape = ", ".join(f"{identifier(name)} {kind}" for name, kind in source.columns.items())
    parts = ", ".join(identifier(name) for name in source.partition)
    own = ", ".join(f"record.{identifier(name)} AS {identifier(name)}" for name in source.columns)
    return (
        f"SELECT {own}, {parts} FROM (SELECT try_cast(element AS STRUCT({shape})) AS record, {parts} FROM"
        f" (SELECT unnest(CASE json_type(json) WHEN 'ARRAY' THEN try_cast(json AS JSON[]) ELSE [json] END) AS element,"
        f" {parts} FROM read_json_objects({_list(paths)}, format='unstructured', {_options(source)})))"
    )


def _options(source: Source) -> str:
    hive = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in source.partition)
    return f"hive_partitioning=true, hive_types={{{hive}}}, maximum_object_size={LINE_LIMIT_BYTES}"


def _list(paths: Sequence[str]) -> str:
    return "[" + ", ".join(literal(_exact(path)) for path in paths) + "]"


def _exact(path: str) -> str:
    """Returns a pattern that only this path fits."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)
