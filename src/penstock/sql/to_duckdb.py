"""Where Athena's SQL (Trino's) and DuckDB's differ, and what DuckDB is asked instead."""

from __future__ import annotations

from typing import Any

from penstock.sql.dialect import Rule
from penstock.sql.formats import TO_DUCKDB as FORMATS
from penstock.sql.kinds import kind, typed
from penstock.sql.known import DUCKDB, TRINO
from penstock.sql.patterns import TO_DUCKDB as PATTERNS
from penstock.sql.refusals import NoTranslationError
from penstock.sql.times import text_as_time

DATETIME = f"{TRINO}/functions/datetime.html"


def cast(node: Any, to: str) -> Any:
    """Returns CAST(node AS to)."""
    from sqlglot import exp

    return exp.cast(node, to)


def divide(node: Any) -> Any:
    from sqlglot import exp

    sides = {kind(node.this), kind(node.expression)}
    if "double" in sides or sides & {"interval", "null"}:
        return node
    if sides == {"integer"}:
        made = exp.IntDiv(this=node.this.copy(), expression=node.expression.copy())
        return typed(exp.Paren(this=typed(made, node)), node)
    if "decimal" in sides:
        raise NoTranslationError(
            "write CAST(… AS DOUBLE) on one side, or 1e0 for 1.0",
            "Athena keeps as many decimals as its operands have (1/3.0 is 0.3), DuckDB divides as DOUBLE",
        )
    raise NoTranslationError("write CAST(… AS DOUBLE) or CAST(… AS BIGINT) on one side")


def truncate_date(node: Any) -> Any:
    if kind(node.this) != "date":
        return node
    return typed(cast(node.copy(), "DATE"), node)


def date_and_interval(node: Any) -> Any:
    left, right = (kind(node.this), kind(node.expression))
    if node.key == "dateadd":
        right = "interval"
    return typed(cast(node.copy(), "DATE"), node) if (left, right) == ("date", "interval") else node


def difference(node: Any) -> Any:
    from sqlglot import exp

    unit = exp.Literal.string(node.text("unit").lower() or "day")
    return typed(exp.Anonymous(this="DATE_SUB", expressions=[unit, node.expression.copy(), node.this.copy()]), node)


FIELDS = {
    "DAY_OF_WEEK": "ISODOW", "DAYOFWEEK": "ISODOW", "DOW": "ISODOW", "DAY_OF_MONTH": "DAY", "DAYOFMONTH": "DAY",
    "DAY_OF_YEAR": "DOY", "DAYOFYEAR": "DOY", "DOY": "DOY", "YEAR_OF_WEEK": "ISOYEAR", "YOW": "ISOYEAR",
    **{one: one for one in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")},
}  # fmt: skip


def field(node: Any) -> Any:
    from sqlglot import exp

    name = node.this.name.upper()
    if name not in FIELDS:
        raise NoTranslationError(f"the fields that both have are {', '.join(sorted(FIELDS))}")
    if FIELDS[name] == name:
        return node
    return typed(exp.Extract(this=exp.var(FIELDS[name]), expression=node.expression.copy()), node)


def to_integer(node: Any) -> Any:
    from sqlglot import exp

    if node.to.this.name not in {"BIGINT", "INT", "SMALLINT", "TINYINT"} or kind(node.this) != "double":
        return node
    made = node.copy()
    made.this.replace(exp.Round(this=made.this.copy()))
    return typed(made, node)


def to_text(node: Any) -> Any:
    if node.to.this.name not in {"VARCHAR", "TEXT", "CHAR"}:
        return node
    found = kind(node.this)
    if found in {"text", "integer", "boolean", "date", "null", "decimal"}:
        return node
    hints = {
        "timestamp": "write date_format(…, '%Y-%m-%d %H:%i:%s')",
        "timestamptz": "write date_format(…, '%Y-%m-%d %H:%i:%s')",
        "double": "leave the number as it is, or cast it to DECIMAL first",
    }
    raise NoTranslationError(hints.get(found, "cast to the value's own type first"))


def average(node: Any) -> Any:
    if kind(node.this) != "decimal":
        return node
    if node.this.type is None:
        raise NoTranslationError("write avg(CAST(… AS DOUBLE))")
    return typed(cast(node.copy(), node.this.type.sql("duckdb")), node)


def part(node: Any) -> Any:
    from sqlglot import exp

    text, separator, number = (node.args[name].copy() for name in ("this", "delimiter", "part_index"))
    parts = exp.Anonymous(this="LEN", expressions=[exp.Split(this=text, expression=separator)])
    return typed(exp.Case(ifs=[exp.If(this=exp.GTE(this=parts, expression=number), true=node.copy())]), node)


def substring(node: Any) -> Any:
    from sqlglot import exp

    start = node.args.get("start")
    if start is None or (start.key == "literal" and not start.is_string and int(start.this) > 0):
        return node
    nothing = exp.or_(
        exp.EQ(this=start.copy(), expression=exp.Literal.number(0)),
        exp.LT(this=start.copy(), expression=exp.Neg(this=exp.Length(this=node.this.copy()))),
    )
    empty = exp.If(this=nothing, true=exp.Literal.string(""))
    return typed(exp.Case(ifs=[empty], default=node.copy()), node)


def concatenated(node: Any) -> Any:
    import functools

    from sqlglot import exp

    def joined(one: Any, other: Any) -> Any:
        return exp.DPipe(this=one, expression=other)

    return typed(exp.Paren(this=functools.reduce(joined, [one.copy() for one in node.expressions])), node)


def contains(node: Any) -> Any:
    from sqlglot import exp

    values = node.this
    holds = exp.GT(
        this=exp.Anonymous(this="LEN", expressions=[values.copy()]),
        expression=exp.Anonymous(this="LIST_AGGREGATE", expressions=[values.copy(), exp.Literal.string("count")]),
    )
    otherwise = exp.Case(ifs=[exp.If(this=holds, true=exp.null())], default=exp.false())
    return typed(exp.Paren(this=exp.or_(node.copy(), otherwise)), node)


def scalar_of_json(node: Any) -> Any:
    from sqlglot import exp

    path = node.expression.sql("athena").strip("'")
    plain = exp.Literal.string(path)
    if not path.startswith("$") or any(one in path for one in "*?@'\""):
        raise NoTranslationError("write a path such as '$.a.b[0]'", "only plain paths mean the same")
    kinds = exp.Anonymous(this="JSON_TYPE", expressions=[node.this.copy(), plain.copy()])
    value = exp.Anonymous(this="JSON_EXTRACT_STRING", expressions=[node.this.copy(), plain.copy()])
    scalar = exp.Not(this=exp.In(this=kinds, expressions=[exp.Literal.string("OBJECT"), exp.Literal.string("ARRAY")]))
    return typed(exp.Case(ifs=[exp.If(this=scalar, true=value)]), node)


def only_quantile(node: Any) -> Any:
    if any(node.args.get(name) is not None for name in ("accuracy", "weight", "error_tolerance")):
        raise NoTranslationError("write approx_percentile(x, percentage)")
    return node


def no_ties(node: Any) -> Any:
    limited = node.args.get("limit_options")
    if (
        node.args.get("with_ties")
        or node.args.get("percent")
        or (limited is not None and limited.args.get("with_ties"))
    ):
        raise NoTranslationError("write LIMIT, or rank() in a subquery")
    return node


def no_ordinality(node: Any) -> Any:
    if node.args.get("offset"):
        raise NoTranslationError("write UNNEST without WITH ORDINALITY")
    return node


TO_DUCKDB: tuple[Rule, ...] = (
    *text_as_time("athena"),
    Rule("integer-division", "in Athena / of whole numbers gives a whole number, in DuckDB a DOUBLE",
         f"{DUCKDB}/sql/functions/numeric#division-and-modulo-operators", ("div",), divide),
    Rule("date-trunc-of-date", "date_trunc of a DATE is a DATE in Athena, a TIMESTAMP in DuckDB",
         DATETIME, ("timestamptrunc", "datetrunc"), truncate_date),
    Rule("date-and-interval", "a DATE with days added is a DATE in Athena, a TIMESTAMP in DuckDB",
         DATETIME, ("add", "sub", "dateadd"), date_and_interval),
    Rule("date-difference", "Athena's date_diff counts whole units, DuckDB's counts the borders between them",
         f"{DUCKDB}/sql/functions/date#date_diffpart-startdate-enddate", ("datediff",), difference),
    Rule("day-of-week", "in Athena Sunday is day 7, in DuckDB's dow it is 0", DATETIME, ("extract",), field),
    Rule("double-to-integer", "CAST of a DOUBLE rounds halves up in Athena, to the even number in DuckDB",
         f"{DUCKDB}/sql/data_types/typecasting", ("cast", "trycast"), to_integer),
    Rule("number-as-text", "the engines write this type differently as text", f"{TRINO}/functions/conversion.html",
         ("cast", "trycast"), to_text),
    Rule("decimal-average", "avg of a DECIMAL is a DECIMAL in Athena, a DOUBLE in DuckDB",
         f"{TRINO}/functions/aggregate.html", ("avg",), average),
    Rule("split-part", "beyond the last part Athena gives NULL, DuckDB an empty text",
         f"{TRINO}/functions/string.html", ("splitpart",), part),
    Rule("substring-start", "a substring from 0, or from before the beginning, is empty in Athena",
         f"{TRINO}/functions/string.html", ("substring",), substring),
    Rule("concat", "concat() with a NULL is NULL in Athena, DuckDB leaves it out", f"{TRINO}/functions/string.html",
         ("concat",), concatenated),
    Rule("contains-null", "contains() is NULL in Athena when it finds nothing and the array holds a NULL",
         f"{TRINO}/functions/array.html", ("arraycontains",), contains),
    Rule("json-scalar", "json_extract_scalar of an object or array is NULL in Athena, its text in DuckDB",
         f"{TRINO}/functions/json.html", ("jsonextractscalar",), scalar_of_json),
    Rule("approx-percentile", "DuckDB has neither weights nor an accuracy here",
         f"{TRINO}/functions/aggregate.html", ("approxquantile",), only_quantile),
    Rule("with-ties", "DuckDB has no FETCH … WITH TIES", f"{TRINO}/sql/select.html", ("fetch", "limit"), no_ties),
    Rule("ordinality", "the numbering of UNNEST differs", f"{TRINO}/sql/select.html", ("unnest",), no_ordinality),
    *PATTERNS,
    *FORMATS,
)  # fmt: skip
