"""Leads as CSV for a spreadsheet. A cell that a spreadsheet would take for a formula is text there.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

COLUMNS = (
    "score", "grade", "full_name", "job_title", "company", "email", "phone_e164", "country_iso2", "city", "source",
    "status", "last_activity_at", "as_of", "scorer", "lead_id",
)  # fmt: skip
# The last four are what keyboards of East Asia write for the first.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write_leads(warehouse: Any, file: Path, grades: str) -> int:
    """Writes the leads of some grades with their newest scores, the best first; returns how many.

    Args:
        warehouse: the handle of the warehouse.
    """
    marks = {f"g{number}": grade for number, grade in enumerate(grades)}
    found = warehouse.query(
        f"SELECT {', '.join(COLUMNS)} FROM v_leads_current "
        f"WHERE grade IN ({', '.join(f':{mark}' for mark in marks)}) ORDER BY score DESC, lead_id",
        marks,
    )
    temporary = file.with_name(f".{file.name}.part")
    try:
        # The mark at the beginning tells spreadsheets that it is UTF-8.
        with temporary.open("w", encoding="utf-8-sig", errors="replace", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(COLUMNS)
            writer.writerows([neutral(value) for value in row] for row in found.rows)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return len(found.rows)


def neutral(value: Any) -> Any:
    """Returns a cell that no spreadsheet takes for a formula; numbers stay as they are, texts get a quotation mark."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return value
