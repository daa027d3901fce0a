"""The SQL for rows of delimited text, which DuckDB reads by itself."""

from __future__ import annotations

import json

from penstock.adapters.local.duckdb_text import identifier, literal
from penstock.adapters.local.transform_sql import exact
from penstock.model.column_types import duckdb_type
from penstock.model.transformations import Cells
from penstock.ports.transform import StagedInput

LINE_BYTES_LIMIT = 4 * 1024 * 1024


def from_delimited(staged: StagedInput, cells: Cells) -> str:
    """Returns the query for the rows of a staged file of plain delimited text, in the order of its lines."""
    names = [f"cell_{place}" for place in range(len(cells.names))]
    chosen = ", ".join(
        f"{_value(field, kind, cells, names)} AS {identifier(field)}" for field, kind in staged.columns.items()
    )
    # Every text is compared without NULL, which a header cannot be.
    is_header = " AND ".join(
        f"coalesce({name}, '') = {literal(text)}" for name, text in zip(names, cells.names, strict=True)
    )
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    return (
        f"SELECT {chosen} FROM (SELECT *, row_number() OVER () AS cell_line FROM read_csv("
        f"{literal(exact(str(staged.path)))}, columns={{{columns}}}, auto_detect=false, header=false,"
        f" delim={literal(cells.separator)}, quote='\"', escape='\"', new_line='\\n', nullstr='',"
        f" strict_mode=true, max_line_size={LINE_BYTES_LIMIT}, hive_partitioning=false))"
        f" WHERE coalesce({', '.join(names)}) IS NOT NULL AND NOT ({is_header})"
    )


def _value(field: str, kind: str, cells: Cells, names: list[str]) -> str:
    if field == cells.line:
        return f"cell_line + {cells.lines_before}"
    if field in cells.fields:
        return names[cells.fields[field]]
    if field == cells.rest:
        return _rest(cells, names)
    return f"CAST(NULL AS {duckdb_type(kind)})"


def _rest(cells: Cells, names: list[str]) -> str:
    """Returns the JSON object of what no field takes, or NULL."""
    taken = set(cells.fields.values())
    members = [
        f"{literal(json.dumps(text, ensure_ascii=False) + ':')} || CAST(to_json({names[place]}) AS VARCHAR)"
        for place, text in enumerate(cells.names)
        if place not in taken
    ]
    if not members:
        return "CAST(NULL AS VARCHAR)"
    return f"'{{' || nullif(concat_ws(',', {', '.join(members)}), '') || '}}'"
