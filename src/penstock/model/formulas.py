"""Cells of CSV files that a spreadsheet would take for formulas.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re

# The last four are what keyboards of East Asia write for the first.
SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
# Means the same to Python and to RE2.
FORMULA = rf"^ *[{re.escape(SIGNS)}]"
_FORMULA = re.compile(FORMULA)


def spreadsheet_cell(text: str) -> str:
    """Returns a text for a cell of a CSV file: with a quotation mark before it where it would be a formula."""
    return f"'{text}" if _FORMULA.match(text) else text
