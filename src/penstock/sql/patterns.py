"""Regular expressions: Java's words in Athena, RE2's in DuckDB."""

from __future__ import annotations

import re
from typing import Any

from penstock.sql.dialect import Rule
from penstock.sql.kinds import typed
from penstock.sql.known import DUCKDB, TRINO
from penstock.sql.refusals import NoTranslationError

REGEXP = f"{TRINO}/functions/regexp.html"
# RE2 has none of these, and would say so in words about another text than the user's.
LOOKAROUND = re.compile(r"\(\?(?:=|!|<=|<!|>)|\\[1-9]|[*+?}]\+")


def pattern(node: Any) -> Any:
    found = node.expression
    if found is not None and found.key == "literal" and LOOKAROUND.search(str(found.this)):
        raise NoTranslationError("write the pattern without looking around, and without \\1 in it")
    return node


def no_match_is_null(node: Any) -> Any:
    from sqlglot import exp

    matches = exp.RegexpLike(this=node.this.copy(), expression=node.expression.copy())
    return typed(exp.Case(ifs=[exp.If(this=matches, true=node.copy())]), node)


def no_match_is_empty(node: Any) -> Any:
    from sqlglot import exp

    text = exp.Literal.string("")
    missing = exp.If(this=exp.Is(this=node.this.copy(), expression=exp.null()), true=exp.null())
    return typed(exp.Case(ifs=[missing], default=exp.Coalesce(this=node.copy(), expressions=[text])), node)


def replacement(node: Any) -> Any:
    from sqlglot import exp

    found = node.args.get("replacement")
    if found is None or (found.key == "literal" and not found.this):
        return node
    if found.key != "literal":
        raise NoTranslationError("write the replacement as a text in quotes")
    text = str(found.this)
    if re.search(r"\$\{|\$\D|\$$|\\[^$\\]|\$\d\d", text):
        raise NoTranslationError("write groups as $1 to $9")
    made = re.sub(r"\\(\$)|\$(\d)|\\\\", lambda one: one[1] or (f"\\{one[2]}" if one[2] else "\\\\"), text)
    if made == text:
        return node
    copied = node.copy()
    copied.args["replacement"].replace(exp.Literal.string(made))
    return typed(copied, node)


def plain_replacement(node: Any) -> Any:
    found, modifiers = node.args.get("replacement"), node.args.get("modifiers")
    if modifiers is None or "g" not in str(modifiers.this):
        raise NoTranslationError("write regexp_replace(text, pattern, replacement, 'g')",
                                 "Athena replaces every match, DuckDB the first unless told 'g'")  # fmt: skip
    if found is None or found.key != "literal" or re.search(r"[\\$]", str(found.this)):
        raise NoTranslationError("write the replacement as a plain text in quotes", "groups are written differently")
    return node


TO_DUCKDB = (
    Rule("regexp-lookaround", "DuckDB's regular expressions are RE2's: they neither look around nor refer back",
         f"{DUCKDB}/sql/functions/regular_expressions", ("regexplike", "regexpextract", "regexpreplace"), pattern),
    Rule("regexp-extract", "without a match Athena gives NULL, DuckDB an empty text", REGEXP, ("regexpextract",),
         no_match_is_null),
    Rule("regexp-replacement", "Athena writes a group of the match as $1, DuckDB as \\1", REGEXP, ("regexpreplace",),
         replacement),
)  # fmt: skip
TO_ATHENA = (
    Rule("regexp-extract", "without a match DuckDB gives an empty text, Athena NULL", REGEXP, ("regexpextract",),
         no_match_is_empty),
    Rule("regexp-replacement", "the engines replace differently", REGEXP, ("regexpreplace",), plain_replacement),
)  # fmt: skip
