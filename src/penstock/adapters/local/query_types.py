"""Column types in the catalog's notation → DuckDB's."""

from __future__ import annotations

import re

from penstock.errors import ValidationError

# JSON holds bytes as base64 text.
SCALARS = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "binary": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def duckdb_type(name: str) -> str:
    """Returns DuckDB's name of a type such as ``map<string,double>``.

    Raises:
        ValidationError: it is none of the catalog's types.
    """
    if name in SCALARS:
        return SCALARS[name]
    if DECIMAL.fullmatch(name):
        return name.upper()
    outer, bracket, inner = name.partition("<")
    if not bracket or not inner.endswith(">"):
        raise _no_type(name)
    parts = _split(inner.removesuffix(">"))
    if outer == "array" and len(parts) == 1:
        return f"{duckdb_type(parts[0])}[]"
    if outer == "map" and len(parts) == 2:
        return f"MAP({duckdb_type(parts[0])}, {duckdb_type(parts[1])})"
    if outer == "struct":
        fields = [part.partition(":") for part in parts]
        return f"STRUCT({', '.join(f'{identifier(field)} {duckdb_type(kind)}' for field, _, kind in fields)})"
    raise _no_type(name)


def identifier(name: str) -> str:
    """Returns a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text as SQL takes it, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def _no_type(name: str) -> ValidationError:
    return ValidationError(f"{name!r} is no column type", hint="see penstock.model.schema")


def _split(inner: str) -> list[str]:
    """Splits at the commas that are in no bracket."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(inner):
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(inner[start:position])
            start = position + 1
    return [*parts, inner[start:]]
