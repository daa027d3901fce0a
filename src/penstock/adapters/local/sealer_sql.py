"""The SQL of sealing: lines of JSON and rows sealed before as the rows of one table.

A line is read strictly: what a column cannot hold is an error, never NULL. Timestamps are read as text, since DuckDB's
reader of JSON leaves out an offset from UTC and cuts what it should round; what RFC 3339 allows is what arrives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.adapters.local.duckdb_text import exact, identifier, literal
from penstock.model.column_types import duckdb_type
from penstock.model.datasets import LakeTable
from penstock.model.schema import columns

# A little more than a reader of lines lets pass. DuckDB holds twice as much for each thread.
LINE_LIMIT_BYTES = 17 * 1024 * 1024
# A query that looks for a few rows reads only their groups.
ROW_GROUP_ROWS = 32_768
NUMBER = '"penstock.number"'
TABLES = ("staged", "duplicates")


class Shape(msgspec.Struct, frozen=True):
    """A table as its sealed files have it.

    Attributes:
        columns: their types in DuckDB, by name.
        sort, unique: columns.
    """

    columns: dict[str, str]
    sort: tuple[str, ...]
    unique: tuple[str, ...]


def shape_of(table: LakeTable) -> Shape:
    """Returns the shape of a table. Without sort columns it is sorted by time, without a time it stays as it came."""
    by_time = (table.time,) if table.time else ()
    return Shape(
        {column.name: duckdb_type(column.type) for column in columns(table.record)}, table.sort or by_time, table.unique
    )


def select_lines(shape: Shape, paths: Sequence[Path]) -> str:
    """Returns the query for the rows of files of lines."""
    declared = ", ".join(f"{literal(name)}: {literal(read_as(kind))}" for name, kind in shape.columns.items())
    chosen = ", ".join(f"{value_of(name, kind)} AS {identifier(name)}" for name, kind in shape.columns.items())
    files = ", ".join(literal(exact(str(path))) for path in paths)
    return (
        f"SELECT {chosen} FROM read_json([{files}], format='newline_delimited', columns={{{declared}}},"
        f" maximum_object_size={LINE_LIMIT_BYTES}, hive_partitioning=false)"
    )


def select_previous(shape: Shape, path: Path, found: Mapping[str, str]) -> str:
    """Returns the query for the rows of a sealed file that has the columns ``found``; new columns are NULL in it."""
    chosen = ", ".join(
        f"CAST({identifier(name) if name in found else 'NULL'} AS {kind}) AS {identifier(name)}"
        for name, kind in shape.columns.items()
    )
    return f"SELECT {chosen} FROM read_parquet({literal(exact(str(path)))}, hive_partitioning=false)"


def stage(rows: str) -> str:
    """Returns the statement that keeps the rows that come first, numbered from 1 in their order."""
    return f"CREATE TABLE staged AS SELECT *, row_number() OVER () AS {NUMBER} FROM ({rows})"


def stage_more(rows: str, after: int) -> str:
    """Returns the statement that keeps more rows, numbered from ``after`` on."""
    return f"INSERT INTO staged SELECT *, {after} + row_number() OVER () FROM ({rows})"


def find_duplicates(shape: Shape, after: int) -> str:
    """Returns the statement that finds the rows that an earlier one equals in all unique columns; NULL equals none.

    Rows up to ``after`` stay, whatever they equal.
    """
    keys = ", ".join(map(identifier, shape.unique))
    present = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in shape.unique)
    return (
        f"CREATE TABLE duplicates AS SELECT {NUMBER} FROM (SELECT {NUMBER},"
        f" row_number() OVER (PARTITION BY {keys} ORDER BY {NUMBER}) AS place FROM staged WHERE {present})"
        f" WHERE place > 1 AND {NUMBER} > {after}"
    )


# Takes the number of each source, and that of its last row; rows are those of sources one after the other.
COUNT_DUPLICATES = (
    f"SELECT source, count(*) FROM duplicates ASOF JOIN (SELECT unnest(?) AS source, unnest(?) AS last) AS ends"
    f" ON duplicates.{NUMBER} <= ends.last GROUP BY source"
)
SELECT_UNIQUE = f"SELECT * EXCLUDE ({NUMBER}) FROM staged ANTI JOIN duplicates ON staged.{NUMBER} = duplicates.{NUMBER}"


def select_nothing(shape: Shape) -> str:
    """Returns the query for no row."""
    return f"SELECT {', '.join(f'CAST(NULL AS {k}) AS {identifier(n)}' for n, k in shape.columns.items())} WHERE false"


def copy(shape: Shape, rows: str, path: Path, *, in_order: bool = False) -> str:
    """Returns the statement that writes rows, sorted, as one Parquet file.

    The least effort of zstd: columns that are encoded already become hardly smaller by more of it.
    """
    order = ", ".join(map(identifier, shape.sort)) or (NUMBER if in_order else "")
    return (
        f"COPY ({rows}{f' ORDER BY {order}' if order else ''}) TO {literal(str(path))}"
        f" (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
    )


def read_as(kind: str) -> str:
    """Returns the type to read a column of lines as, so that nothing of it is lost."""
    return "VARCHAR" if kind == "TIMESTAMP" else kind.replace("TIMESTAMP", "TIMESTAMPTZ")


def value_of(name: str, kind: str) -> str:
    """Returns the expression for a column of lines, read so, as a value of its type."""
    column = identifier(name)
    if kind != "TIMESTAMP":
        return f"CAST({column} AS {kind})" if "TIMESTAMP" in kind else column
    return (
        f"CASE WHEN length({column}) <= 27 AND ends_with({column}, 'Z') THEN CAST({column} AS TIMESTAMP) ELSE"
        f" make_timestamp(epoch_us(CAST(upper({column}) AS TIMESTAMPTZ))"
        f" + CASE WHEN regexp_matches({column}, '[.][0-9]{{6}}[5-9]') THEN 1 ELSE 0 END) END"
    )
