"""Where DuckDB's SQL and Athena's (Trino's) differ, and what Athena is asked instead."""

from __future__ import annotations

from typing import Any

from penstock.sql.dialect import Rule
from penstock.sql.formats import TO_ATHENA as FORMATS
from penstock.sql.kinds import kind, typed
from penstock.sql.known import DUCKDB, TRINO
from penstock.sql.patterns import TO_ATHENA as PATTERNS
from penstock.sql.refusals import NoTranslationError
from penstock.sql.times import ISO, text_as_time
from penstock.sql.to_duckdb import to_text

DATETIME = f"{TRINO}/functions/datetime.html"


def divide(node: Any) -> Any:
    from sqlglot import exp

    if kind(node.this) == "double" or kind(node.this) == "interval":
        return node
    made = node.copy()
    made.this.replace(exp.cast(made.this.copy(), "DOUBLE"))
    made.args["typed"] = True
    return typed(made, node)


def whole_division(node: Any) -> Any:
    from sqlglot import exp

    if {kind(node.this), kind(node.expression)} != {"integer"}:
        raise NoTranslationError("write CAST(… AS BIGINT) on both sides")
    made = exp.Div(this=node.this.copy(), expression=node.expression.copy(), typed=True)
    return typed(exp.Paren(this=made), node)


def truncate_date(node: Any) -> Any:
    from sqlglot import exp

    return typed(exp.cast(node.copy(), "TIMESTAMP"), node) if kind(node.this) == "date" else node


def difference(node: Any) -> Any:
    from sqlglot import exp

    unit = exp.var(node.text("unit").upper() or "DAY")
    sides = [exp.TimestampTrunc(this=one.copy(), unit=unit.copy()) for one in (node.expression, node.this)]
    literal = exp.Literal.string(unit.name.lower())
    return typed(exp.Anonymous(this="DATE_DIFF", expressions=[literal, *sides]), node)


def element(node: Any) -> Any:
    from sqlglot import exp

    found = kind(node.this)
    if found not in {"array", "map"} or len(node.expressions) != 1 or node.expressions[0].key == "slice":
        raise NoTranslationError("write element_at(…) in Athena's SQL", "it is not known that this is an array or map")
    index = node.expressions[0].copy()
    if found == "array" and index.key == "literal":
        # It is kept counted from 0.
        index = exp.Literal.number(int(index.this) + 1 - int(node.args.get("offset") or 0))
    elif found == "array":
        raise NoTranslationError("write the position as a number")
    return typed(exp.Anonymous(this="ELEMENT_AT", expressions=[node.this.copy(), index]), node)


def no_integer_cast(node: Any) -> Any:
    if node.to.this.name in {"BIGINT", "INT", "SMALLINT", "TINYINT"} and kind(node.this) in {"double", "unknown"}:
        raise NoTranslationError("write CAST(round(…) AS BIGINT), or CAST(floor(…) AS BIGINT)")
    return node


def concatenated(node: Any) -> Any:
    raise NoTranslationError("write a || b, or coalesce(a, '') || coalesce(b, '')")


def no_group_by_all(node: Any) -> Any:
    if node.args.get("all"):
        raise NoTranslationError("name the columns of GROUP BY")
    return node


def no_star_changes(node: Any) -> Any:
    if any(node.args.get(name) for name in ("except", "except_", "replace", "rename")):
        raise NoTranslationError("name the columns")
    return node


def no_qualify(node: Any) -> Any:
    if node.args.get("qualify") or (node.args.get("distinct") and node.args["distinct"].args.get("on")):
        raise NoTranslationError("write row_number() in a subquery, and WHERE around it")
    return node


def last_part(node: Any) -> Any:
    from sqlglot import exp

    missing = exp.If(this=exp.Is(this=node.this.copy(), expression=exp.null()), true=exp.null())
    default = exp.Coalesce(this=node.copy(), expressions=[exp.Literal.string("")])
    return typed(exp.Case(ifs=[missing], default=default), node)


def only_positive(node: Any) -> Any:
    start = node.args.get("start")
    if start is not None and not (start.key == "literal" and int(start.this) > 0):
        raise NoTranslationError("write a position of 1 or more, as a number")
    return node


FIELDS = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"})


def field(node: Any) -> Any:
    if node.this.name.upper() not in FIELDS:
        raise NoTranslationError(f"the fields that mean the same are {', '.join(sorted(FIELDS))}")
    return node


# Athena's own SQL, where a seed's query would fail over text that holds times.
SAME: tuple[Rule, ...] = (*text_as_time("athena"), ISO)
TO_ATHENA: tuple[Rule, ...] = (
    *text_as_time("duckdb"),
    Rule("division", "/ gives a DOUBLE in DuckDB; of whole numbers a whole number in Athena",
         f"{DUCKDB}/sql/functions/numeric#division-and-modulo-operators", ("div",), divide),
    Rule("whole-division", "Athena has no //; its / of whole numbers is that",
         f"{DUCKDB}/sql/functions/numeric#division-and-modulo-operators", ("intdiv",), whole_division),
    Rule("date-trunc-of-date", "date_trunc of a DATE is a TIMESTAMP in DuckDB, a DATE in Athena", DATETIME,
         ("timestamptrunc", "datetrunc"), truncate_date),
    Rule("date-difference", "DuckDB's date_diff counts the borders between units, Athena's whole units",
         f"{DUCKDB}/sql/functions/date#date_diffpart-startdate-enddate", ("datediff",), difference),
    Rule("subscript", "beyond the end DuckDB gives NULL; Athena fails, unless it is element_at",
         f"{TRINO}/functions/array.html", ("bracket",), element),
    Rule("double-to-integer", "CAST of a DOUBLE rounds halves to the even number in DuckDB, up in Athena",
         f"{DUCKDB}/sql/data_types/typecasting", ("cast", "trycast"), no_integer_cast),
    Rule("number-as-text", "the engines write this type differently as text", f"{TRINO}/functions/conversion.html",
         ("cast", "trycast"), to_text),
    Rule("concat", "concat() leaves out NULL in DuckDB; in Athena it is NULL then",
         f"{TRINO}/functions/string.html", ("concat",), concatenated),
    Rule("split-part", "beyond the last part DuckDB gives an empty text, Athena NULL",
         f"{TRINO}/functions/string.html", ("splitpart",), last_part),
    Rule("substring-start", "a substring from 0, or from before the beginning, is empty in Athena only",
         f"{TRINO}/functions/string.html", ("substring",), only_positive),
    Rule("group-by-all", "Athena has no GROUP BY ALL", f"{TRINO}/sql/select.html", ("group",), no_group_by_all),
    Rule("star", "Athena has no EXCLUDE, REPLACE or RENAME", f"{TRINO}/sql/select.html", ("star",), no_star_changes),
    Rule("qualify", "Athena has neither QUALIFY nor DISTINCT ON", f"{TRINO}/sql/select.html", ("select",), no_qualify),
    Rule("day-of-week", "in DuckDB's dow Sunday is day 0, in Athena's it is 7", DATETIME, ("extract",), field),
    *PATTERNS,
    *FORMATS,
    ISO,
)  # fmt: skip
