"""The SQL around a transformation's steps: rows of staged files, and rows of outputs."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.adapters.local.duckdb_text import identifier, literal
from penstock.model.column_types import duckdb_type
from penstock.model.transformations import LINE
from penstock.ports.transform import StagedInput

# DuckDB holds twice as much for each thread; the lines of a file are seldom longer.
SMALLEST_OBJECT_BYTES = 1024 * 1024
RECORD = "r"
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
# Sums of whole numbers are wider than their column; what is too large is an error, not another number.
_CHECKED = frozenset({"UBIGINT", "HUGEINT", "UHUGEINT"})
# How a column is had as the text that databases keep of it; of nested ones only those whose JSON has one form.
ENCODED = {
    "timestamp": "strftime({}, '%Y-%m-%d %H:%M:%S.%f')",
    "date": "CAST({} AS VARCHAR)",
    "array<string>": "CAST(to_json({}) AS VARCHAR)",
    "array<bigint>": "CAST(to_json({}) AS VARCHAR)",
}


def from_lines(staged: StagedInput) -> str:
    """Returns the query for the rows of a staged file."""
    kinds = {name: duckdb_type(kind) for name, kind in staged.columns.items()}
    read = {name: _read_as(kind) for name, kind in kinds.items()}
    prefix = ""
    if staged.own:
        declared = {RECORD: f"STRUCT({', '.join(f'{identifier(name)} {kind}' for name, kind in read.items())})"}
        declared |= {name: "BIGINT" if name == LINE else "VARCHAR" for name in staged.own}
        prefix = f"{RECORD}."
    else:
        declared = read
    chosen = [f"{_value(prefix + identifier(name), kind)} AS {identifier(name)}" for name, kind in kinds.items()]
    chosen += [identifier(name) for name in staged.own]
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in declared.items())
    limit = max(SMALLEST_OBJECT_BYTES, staged.longest_bytes + 1024)
    return (
        f"SELECT {', '.join(chosen)} FROM read_json({literal(exact(str(staged.path)))}, format='newline_delimited',"
        f" columns={{{columns}}}, maximum_object_size={limit}, hive_partitioning=false)"
    )


def select_output(name: str, columns: dict[str, str]) -> str:
    """Returns the query for an output's rows, as its columns have them."""
    chosen = ", ".join(f"CAST({identifier(column)} AS {duckdb_type(kind)})" for column, kind in columns.items())
    return f"SELECT {chosen} FROM {identifier(name)}"


def encodable(kind: str) -> bool:
    """Whether a column can be had as the text that databases keep of it."""
    return kind in ENCODED


def select_encoded(name: str, columns: dict[str, str]) -> str:
    """Returns the query for an output's rows with text for what ``encodable`` says."""
    chosen = []
    for column, kind in columns.items():
        cast = f"CAST({identifier(column)} AS {duckdb_type(kind)})"
        chosen.append(ENCODED[kind].format(cast) if kind in ENCODED else cast)
    return f"SELECT {', '.join(chosen)} FROM {identifier(name)}"


def copy_csv(name: str, columns: dict[str, str], path: Path, part: range) -> str:
    """Returns the statement that writes an output's rows as CSV: text in quotes, null as nothing, nested as JSON.

    Args:
        part: the numbers of the rows that are wanted.
    """
    chosen, quoted = [], []
    for column, kind in columns.items():
        to = duckdb_type(kind)
        cast = f"CAST({identifier(column)} AS {to})"
        is_nested = to.startswith(("STRUCT", "MAP")) or to.endswith("]")
        chosen.append(f"{f'CAST(to_json({cast}) AS VARCHAR)' if is_nested else cast} AS {identifier(column)}")
        if is_nested or to == "VARCHAR":
            quoted.append(identifier(column))
    force = f", FORCE_QUOTE ({', '.join(quoted)})" if quoted else ""
    return (
        f"COPY (SELECT {', '.join(chosen)} FROM {identifier(name)}"
        f" WHERE rowid >= {part.start} AND rowid < {part.stop}) TO {literal(str(path))}"
        f" (FORMAT csv, HEADER false{force})"
    )


def lossy(found: str | None, wanted: str) -> str | None:
    """Returns why a column of one type cannot be taken for another without changing values; None if it can."""
    if found is None:
        return "is missing"
    to = duckdb_type(wanted)
    if found in {to, '"NULL"', "NULL"} or (to == "VARCHAR" and found.startswith(("ENUM", "JSON"))):
        return None
    if to == "BIGINT" and found in _WHOLE | _CHECKED:
        return None
    if to == "DOUBLE" and (found == "FLOAT" or found in _WHOLE - {"BIGINT"}):
        return None
    if to == "TIMESTAMP" and found in {"DATE", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS"}:
        return None
    source, target = _DECIMAL.fullmatch(found), _DECIMAL.fullmatch(to)
    if target and (found in _WHOLE or found in _CHECKED):
        return None
    # Fewer digits before the point are checked by the cast; fewer behind it would be rounded.
    if source and target and int(source[2]) <= int(target[2]):
        return None
    if found.startswith(("STRUCT", "MAP")) or found.endswith("]"):
        return None if to.startswith(("STRUCT", "MAP")) or to.endswith("]") else f"is {found}, not {to}"
    return f"is {found}, not {to}"


def _read_as(kind: str) -> str:
    """Returns the type that a value is read as: DuckDB's reader of JSON leaves out an offset of a TIMESTAMP."""
    return "VARCHAR" if kind == "TIMESTAMP" else kind.replace("TIMESTAMP", "TIMESTAMPTZ")


def _value(column: str, kind: str) -> str:
    if kind == "TIMESTAMP":
        return (
            f"CASE WHEN ends_with({column}, 'Z') OR NOT regexp_matches({column}, '[+-][0-9][0-9]:?[0-9][0-9]$')"
            f" THEN CAST({column} AS TIMESTAMP) ELSE make_timestamp(epoch_us(CAST({column} AS TIMESTAMPTZ))) END"
        )
    return f"CAST({column} AS {kind})" if "TIMESTAMP" in kind else column


def exact(path: str) -> str:
    """Returns a pattern that only this path fits."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)
