"""Where ``penstock.states`` and moto's Step Functions do not agree: in what, who is right, and by which page.

``python -m tests.differential.differences`` prints the table of docs/explanation/states-and-moto.md.
"""

from __future__ import annotations

from tests.differential.differences.language import CHOICE, DEFINITIONS, INTRINSICS, LANGUAGES, PATHS
from tests.differential.differences.work import ERRORS, MAPS, READERS, TASKS

DIFFERENCES = (*PATHS, *CHOICE, *INTRINSICS, *ERRORS, *TASKS, *MAPS, *READERS, *LANGUAGES, *DEFINITIONS)


def table() -> str:
    """Returns the differences as a table in Markdown."""
    rows = ["| Cases | Here | In moto | Right | Because | Source |", "|---|---|---|---|---|---|"]
    for one in DIFFERENCES:
        names = ", ".join(f"`{name}`" for name in one.cases)
        rows.append(f"| {names} | {one.here} | {one.moto} | {one.right} | {one.why} | [page]({one.page}) |")
    return "\n".join(rows)
