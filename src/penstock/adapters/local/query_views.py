"""Tables of the lake as SQL: what a view over a table's files looks like to DuckDB."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from penstock.adapters.local.duckdb_text import exact, identifier, literal
from penstock.adapters.local.query_files import TableFiles
from penstock.adapters.local.query_partitions import bare_name
from penstock.adapters.local.query_snapshot import Snapshot
from penstock.adapters.local.sealer_sql import LINE_LIMIT_BYTES as SEALED_LINE_LIMIT_BYTES
from penstock.adapters.local.sealer_sql import read_as, value_of
from penstock.model.column_types import duckdb_type
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.schema import columns
from penstock.model.table_names import QUARANTINE_SUFFIX, RAW_PREFIX, Quarantined, table_names
from penstock.ports.query import ResultColumn

# The buffer of each thread is twice as large; a file with a longer line is left out.
LINE_LIMIT_BYTES = 16 * 1024 * 1024
# A quote that is never closed spoils lines, not the file; that takes one thread a file.
CSV_OPTIONS = (
    "header=true, all_varchar=true, null_padding=true, ignore_errors=true, parallel=false, strict_mode=false,"
    " delim=',', quote='\"', escape='\"'"
)
DAY = PARTITION_COLUMNS["day"]
TIMESTAMP = re.compile(r"(?<!\")\bTIMESTAMP\b(?! WITH)")


class Source(msgspec.Struct, frozen=True):
    """One table that a query can name.

    Attributes:
        columns: those of the record, with DuckDB's types.
        required: the columns that every record has; a line that comes back without one of them is no record.
        rules: what else a record is to be, as a digest.
        partition: the partition columns.
        is_other_name: it is another name of a table, which no listing shows.
    """

    name: str
    zone: str
    table: str
    columns: dict[str, str]
    required: tuple[str, ...]
    partition: tuple[str, ...]
    is_other_name: bool = False
    rules: str = ""

    def described(self) -> list[ResultColumn]:
        """Returns all columns."""
        named = {**self.columns, **dict.fromkeys(self.partition, "VARCHAR")}
        return [ResultColumn(name, kind) for name, kind in named.items()]


def sources(tables: Sequence[LakeTable]) -> dict[str, Source]:
    """Returns what can be named, by its name in lower case."""
    found = {}
    declared = {table.name.lower() for table in tables}
    for name, (table, is_quarantine) in table_names(tables).items():
        record = Quarantined if is_quarantine else table.record
        is_other_name = not is_quarantine and name not in declared
        spelled = f"{table.name}{QUARANTINE_SUFFIX}" if is_quarantine else table.name
        spelled = f"{RAW_PREFIX}{table.name}" if is_other_name else spelled
        found[name] = _source(spelled, "quarantine" if is_quarantine else "raw", table, record, is_other_name)
    return found


def _source(name: str, zone: str, table: LakeTable, record: type[msgspec.Struct], is_other_name: bool) -> Source:
    shape = _shape(record)
    return Source(
        name=name,
        zone=zone,
        table=table.name,
        columns=shape.columns,
        required=shape.required,
        partition=PARTITION_COLUMNS[table.partition],
        is_other_name=is_other_name,
        rules=shape.rules,
    )


class _Shape(NamedTuple):
    columns: dict[str, str]
    required: tuple[str, ...]
    rules: str


@functools.lru_cache(maxsize=256)
def _shape(record: type[msgspec.Struct]) -> _Shape:
    """Returns what a type says of a table. Types do not change, and looking into one takes longer than most else."""
    described = columns(record)
    needed = {field.encode_name for field in msgspec.structs.fields(record) if field.required}
    required = tuple(column.name for column in described if column.name in needed and not column.nullable)
    # What is another when the type is: literals, limits, what may be left out.
    rules = hashlib.sha256(msgspec.json.encode(msgspec.json.schema(record), order="deterministic")).hexdigest()[:16]
    return _Shape({column.name: duckdb_type(column.type) for column in described}, required, rules)


def create_view(source: Source, snapshot: Snapshot, tables: Mapping[str, Sequence[str]] | None = None) -> str:
    """Returns the statement that makes the view.

    Args:
        tables: the columns that each of the files with columns of its own has.
    """
    parts = [_of_columns(source, dict(held), paths, "parquet") for held, paths in snapshot.sealed.items()]
    parts += [_of_columns(source, dict(held), paths, "parquet", DAY) for held, paths in snapshot.days.items()]
    raw = _rows(source, snapshot.files)
    if raw is not None:
        parts.append(f"SELECT * FROM ({raw}) WHERE {_is_record(source)}")
    if snapshot.files.fitted:
        parts.append(_of_fitted(source, list(snapshot.files.fitted)))
    for path in snapshot.files.tables:
        own = _of_columns(source, dict.fromkeys((tables or {}).get(path, ()), ""), [path], _format(path))
        parts.append(f"SELECT * FROM ({own}) WHERE {_is_record(source)}")
    if not parts:
        empty = ", ".join(f"NULL::{kind} AS {identifier(name)}" for name, kind in _typed(source))
        parts = [f"SELECT {empty} WHERE false"]
    return f"CREATE OR REPLACE VIEW {identifier(source.name)} AS {' UNION ALL '.join(parts)}"


def describe_file(path: str) -> str:
    """Returns the query for the columns of a file that has columns of its own."""
    return f"DESCRIBE SELECT * FROM {_reader([path], _format(path))}, hive_partitioning=false)"


def _format(path: str) -> str:
    return "parquet" if bare_name(path).endswith(".parquet") else "csv"


def _of_columns(
    source: Source, held: Mapping[str, str], paths: Sequence[str], reader: str, in_path: Sequence[str] | None = None
) -> str:
    """Returns the query over files that have columns: those they lack are NULL, those of another type are cast.

    Args:
        held: the files' columns and their types; an empty type is one to be tried.
        in_path: the partition columns that the path tells, all of them when absent; the file has the others.
    """
    wanted = []
    for name, kind in source.columns.items():
        column = identifier(name)
        if name not in held:
            wanted.append(f"NULL::{kind} AS {column}")
        elif held[name] == kind:
            wanted.append(column)
        else:
            # A text may have an offset from UTC, which counts.
            value = f"CAST({column} AS {kind})" if held[name] else f"TRY_CAST({_tried(column, kind)} AS {kind})"
            wanted.append(f"{value} AS {column}")
    wanted += [identifier(name) for name in source.partition]
    return f"SELECT {', '.join(wanted)} FROM {_reader(paths, reader)}, {_hive(source, in_path)})"


def _tried(column: str, kind: str) -> str:
    return f"TRY_CAST({column} AS {_zoned(kind)})" if TIMESTAMP.search(kind) else column


def _reader(paths: Sequence[str], reader: str) -> str:
    options = f", {CSV_OPTIONS}" if reader == "csv" else ""
    return f"read_{reader}({_list(paths)}{options}"


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
    declared = ", ".join(f"{literal(name)}: {literal(_zoned(kind))}" for name, kind in source.columns.items())
    own = [_in_utc(identifier(name), kind) for name, kind in source.columns.items()]
    wanted = ", ".join([*own, *map(identifier, source.partition)])
    return (
        f"SELECT {wanted} FROM read_json({_list(paths)}, format='newline_delimited', columns={{{declared}}},"
        f" {_options(source)}, ignore_errors=true)"
    )


def _of_fitted(source: Source, paths: Sequence[str]) -> str:
    """Returns the query over lines of records and nothing else, read as they are sealed.

    The condition is always true. It has every column read: a key that is there twice is an error then, whatever is
    asked for.
    """
    declared = ", ".join(f"{literal(name)}: {literal(read_as(kind))}" for name, kind in source.columns.items())
    own = [f"{value_of(name, kind)} AS {identifier(name)}" for name, kind in source.columns.items()]
    return (
        f"SELECT {', '.join([*own, *map(identifier, source.partition)])} FROM read_json({_list(paths)},"
        f" format='newline_delimited', columns={{{declared}}}, {_hive(source)},"
        f" maximum_object_size={SEALED_LINE_LIMIT_BYTES})"
        f" WHERE hash({', '.join(map(identifier, source.columns))}) >= 0"
    )


def _of_documents(source: Source, paths: Sequence[str]) -> str:
    shape = ", ".join(f"{identifier(name)} {_zoned(kind)}" for name, kind in source.columns.items())
    parts = ", ".join(identifier(name) for name in source.partition)
    own = ", ".join(_in_utc(f"record.{identifier(name)}", kind, name) for name, kind in source.columns.items())
    return (
        f"SELECT {own}, {parts} FROM (SELECT try_cast(element AS STRUCT({shape})) AS record, {parts} FROM"
        f" (SELECT unnest(CASE json_type(json) WHEN 'ARRAY' THEN try_cast(json AS JSON[]) ELSE [json] END) AS element,"
        f" {parts} FROM read_json_objects({_list(paths)}, format='unstructured', {_options(source)})))"
    )


def _zoned(kind: str) -> str:
    """Returns a type to read JSON as: without a zone DuckDB would leave out an offset from UTC."""
    return TIMESTAMP.sub("TIMESTAMP WITH TIME ZONE", kind)


def _in_utc(value: str, kind: str, name: str = "") -> str:
    named = f" AS {identifier(name) if name else value}"
    return f"CAST({value} AS {kind}){named}" if TIMESTAMP.search(kind) else f"{value}{named}"


def _options(source: Source) -> str:
    return f"{_hive(source)}, maximum_object_size={LINE_LIMIT_BYTES}"


def _hive(source: Source, in_path: Sequence[str] | None = None) -> str:
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in in_path or source.partition)
    return f"hive_partitioning=true, hive_types={{{types}}}"


def _list(paths: Sequence[str]) -> str:
    return "[" + ", ".join(literal(exact(path)) for path in paths) + "]"
