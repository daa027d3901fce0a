"""Types, names and texts as DuckDB's SQL takes them."""

from __future__ import annotations

from penstock.model.column_types import SCALARS, duckdb_type

__all__ = ["SCALARS", "duckdb_type", "identifier", "literal"]


def identifier(name: str) -> str:
    """Returns a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text as SQL takes it, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"
