"""Which cells a spreadsheet would calculate, by OWASP's list of signs, and how they are made text."""

import pytest

from penstock.model.formulas import spreadsheet_cell

FORMULAS = (
    "=1+1", "+33639981234", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff20A1",
    '=HYPERLINK("http://x","y")', "=cmd|'/c calc'!A1", "=\n1",
)  # fmt: skip


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_would_be_a_formula_is_text(cell: str) -> None:
    assert spreadsheet_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", " ", "Anna", "a=1", "1+1", "שלום", "😀", "'=1", "\\"])
def test_what_is_text_stays_as_it_is(cell: str) -> None:
    assert spreadsheet_cell(cell) == cell
