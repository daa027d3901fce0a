"""Column types in the catalog's notation → DuckDB's."""

from __future__ import annotations

from penstock.errors import ValidationError

SCALARS = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "binary": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}


def duckdb_type(name: str) -> str:
    """Returns DuckDB's name of a type such as ``map<string,double>``.

    Raises:
        ValidationError: it is none of the catalog's types.
    """
    if name in SCALARS:
        return SCALARS[name]
    if name.startswith("decimal("):
        return name.upper()
    outer, _, inner = name.partition("<")
    parts = _split(inner.removesuffix(">"))
    if outer == "array" and len(parts) == 1:
        return f"{duckdb_type(parts[0])}[]"
    if outer == "map" and len(parts) == 2:
        return f"MAP({duckdb_type(parts[0])}, {duckdb_type(parts[1])})"
    if outer == "struct":
        fields = [part.partition(":") for part in parts]
        quoted = ", ".join(f'"{field}" {duckdb_type(kind)}' for field, _, kind in fields)
        return f"STRUCT({quoted})"
    raise ValidationError(f"{name!r} is no column type", hint="see penstock.model.schema")


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
