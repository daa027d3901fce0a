"""Leads as CSV for a spreadsheet. A cell that a spreadsheet would take for a formula is text there."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Literal

from penstock import spreadsheet_cell
from penstock.pipelines.leads.summary import because

COLUMNS = (
    "score", "grade", "full_name", "job_title", "company", "email", "phone_e164", "country_iso2", "city", "source",
    "status", "last_activity_at", "reasons", "as_of", "scorer", "model_score", "model_grade", "lead_id",
)  # fmt: skip


def write_leads(
    warehouse: Any, file: Path, grades: str, *, by: Literal["rules", "model"] = "rules", exact: bool = False
) -> int:
    """Writes the leads of some grades with their newest scores, the best first; returns how many.

    Args:
        warehouse: the handle of the warehouse.
        by: whose grades are meant, and whose scores come first.
        exact: texts are left as they are, also where a spreadsheet would take them for formulas.
    """
    marks = {f"g{number}": grade for number, grade in enumerate(grades)}
    prefix = "model_" if by == "model" else ""
    found = warehouse.query(
        f"SELECT {', '.join(COLUMNS)} FROM v_leads_current "
        f"WHERE {prefix}grade IN ({', '.join(f':{mark}' for mark in marks)}) ORDER BY {prefix}score DESC, lead_id",
        marks,
    )
    temporary = file.with_name(f".{file.name}.part")
    try:
        # The mark at the beginning tells spreadsheets that it is UTF-8.
        with temporary.open("w", encoding="utf-8-sig", errors="replace", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(COLUMNS)
            writer.writerows(_cells(row, exact=exact) for row in found.rows)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return len(found.rows)


def _cells(row: tuple[Any, ...], *, exact: bool) -> list[Any]:
    cells = dict(zip(COLUMNS, row, strict=True))
    cells["reasons"] = because(cells["reasons"] or "[]")
    return [spreadsheet_cell(cell) if isinstance(cell, str) and not exact else cell for cell in cells.values()]
