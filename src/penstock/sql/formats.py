"""Patterns of dates: MySQL's letters in Athena, strftime's in DuckDB."""

from __future__ import annotations

import re
from typing import Any

from penstock.sql.dialect import Rule
from penstock.sql.known import TRINO
from penstock.sql.refusals import NoTranslationError

# As strftime writes them, into which both are read.
KNOWN = frozenset(
    {"%Y", "%y", "%m", "%d", "%H", "%M", "%S", "%j", "%a", "%b", "%B", "%A", "%p", "%f", "%I", "%%", "%T"}
)
SPECIFIER = re.compile(r"%-?.", re.DOTALL)


def known_letters(node: Any) -> Any:
    found = node.args.get("format")
    if found is None or found.key != "literal":
        raise NoTranslationError("write the pattern as a text in quotes")
    strange = [one for one in SPECIFIER.findall(str(found.this)) if one not in KNOWN]
    if strange:
        raise NoTranslationError("use year, month, day, hour, minute and second", f"{strange[0]} differs")
    return node


RULE = Rule("date-pattern", "the engines' letters for parts of a date differ", f"{TRINO}/functions/datetime.html",
            ("timetostr", "strtotime"), known_letters)  # fmt: skip
TO_DUCKDB = (RULE,)
TO_ATHENA = (RULE,)
