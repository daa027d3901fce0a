"""Where DuckDB's SQL and Spark's differ, and what Spark is asked instead.

Spark is asked in ANSI mode, with its session in UTC and without loss of precision in decimals: casts and sums that do
not fit are errors there as they are in DuckDB. A TIMESTAMP of a step is a moment in UTC, which is Spark's TIMESTAMP.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from penstock.errors import QueryError
from penstock.sql.dialect import Rule
from penstock.sql.kinds import Kind, kind, typed
from penstock.sql.known import DUCKDB, GRAMMAR
from penstock.sql.patterns import pattern, plain_replacement
from penstock.sql.refusals import NoTranslationError

SPARK = "https://spark.apache.org/docs/3.5.6"
ANSI = f"{SPARK}/sql-ref-ansi-compliance.html"
FUNCTIONS_PAGE = f"{SPARK}/api/sql/index.html"
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?)?")
FIELDS = frozenset({"YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "DOY", "DAYOFYEAR", "WEEK"})
LETTERS = re.compile(r"%.", re.DOTALL)
KNOWN_LETTERS = frozenset({"%Y", "%m", "%d", "%H", "%M", "%S"})

# Not: what depends on the order of rows (any_value, array_agg, string_agg), and what nobody compared.
FUNCTIONS = frozenset(
    """count countif sum avg min max logicaland logicalor rownumber rank denserank ntile lag lead firstvalue lastvalue
    intdiv abs round greatest least coalesce nullif lower upper trim length strposition substring replace reverse split
    splitpart concatws pad startswith chr timestamptrunc datetrunc datediff year quarter month day hour minute
    regexplike regexpextract regexpreplace arraysize arraycontains transform arrayfilter md5 timetostr struct
    propertyeq qualify""".split()  # noqa: SIM905 - a list of fifty lines says less
)


def check_known(tree: Any, functions: Collection[str]) -> None:
    """Checks that everything in a step is known to Spark.

    Args:
        functions: the names of Python functions, which both engines have.

    Raises:
        QueryError: something is not; it names the first.
    """
    for node in tree.walk():
        named = node.key == "anonymous" and str(node.this).lower() not in functions
        if named or (node.key != "anonymous" and node.key not in GRAMMAR | FUNCTIONS):
            text = f"{node.this}()" if named else node.sql("duckdb")[:60]
            raise QueryError(
                f"{text} is DuckDB's, and it is not known what means the same in Spark",
                hint="write it without, give the transformation a Python function, or leave Spark out of its engines=",
                rule="unknown", source=DUCKDB,
            )  # fmt: skip


def kind_of(node: Any) -> Kind:
    """Returns the kind of an expression; of a function, what it always gives."""
    found = kind(node)
    if found != "unknown":
        return found
    inner = node.unnest()
    if inner.key in {"add", "sub"} and "interval" in {inner.this.key, inner.expression.key}:
        return "timestamp"
    return GIVEN.get(inner.key, "unknown")


GIVEN: dict[str, Kind] = {
    **dict.fromkeys(("timestamptrunc", "datetrunc"), "timestamp"),
    **dict.fromkeys(("datediff", "length", "count", "countif", "extract", "year", "month", "day", "hour", "minute",
                     "quarter", "rownumber", "rank", "denserank", "ntile", "arraysize", "strposition", "mod",
                     "intdiv"), "integer"),
    **dict.fromkeys(("lower", "upper", "trim", "substring", "replace", "splitpart", "concatws", "pad", "dpipe", "md5",
                     "regexpextract", "regexpreplace", "timetostr", "reverse", "chr"), "text"),
}  # fmt: skip


def cast(node: Any) -> Any:
    """Returns a cast that gives the same value."""
    target, source = _target(node), kind_of(node.this)
    if source == "null" or _is_whole(node.this, target):
        return _zoned(node)
    allowed = CASTS.get(target)
    if allowed is None or source not in allowed:
        if node.this.key == "literal" and target in {"DATE", "TIMESTAMP"} and ISO_TIME.fullmatch(str(node.this.this)):
            return _zoned(node)
        raise NoTranslationError(
            "let the record's field have the type, or cast from what both take: "
            + (", ".join(sorted(allowed)) if allowed else "another type"),
            f"a cast of {source} to {target} is not known to give the same in Spark",
        )
    return _zoned(node)


CASTS: dict[str, frozenset[str]] = {
    "BIGINT": frozenset({"integer", "boolean"}),
    "INT": frozenset({"integer", "boolean"}),
    "DOUBLE": frozenset({"integer", "decimal", "double"}),
    "DECIMAL": frozenset({"integer", "decimal", "text"}),
    "VARCHAR": frozenset({"text", "integer", "boolean", "date", "decimal", "timestamp"}),
    "TEXT": frozenset({"text", "integer", "boolean", "date", "decimal", "timestamp"}),
    "DATE": frozenset({"date", "timestamp"}),
    "TIMESTAMP": frozenset({"date", "timestamp"}),
    "BOOLEAN": frozenset({"boolean", "integer"}),
    "STRUCT": frozenset({"struct"}),
}


def _target(node: Any) -> str:
    """Returns the name of the type that a cast is to."""
    name = str(node.to.this.name)
    return {"TIMESTAMPNTZ": "TIMESTAMP", "DATETIME": "TIMESTAMP"}.get(name, name)


def _is_whole(node: Any, target: str) -> bool:
    """Tells whether a number was rounded before it becomes a whole one."""
    return target in {"BIGINT", "INT"} and node.key == "round" and node.args.get("decimals") is None


def _zoned(node: Any) -> Any:
    from sqlglot import exp

    if _target(node) != "TIMESTAMP":
        return node
    made = node.copy()
    # What sqlglot calls so is written as Spark's TIMESTAMP; the other name would be TIMESTAMP_NTZ.
    made.set("to", exp.DataType.build("TIMESTAMPTZ"))
    return typed(made, node)


def divide(node: Any) -> Any:
    from sqlglot import exp

    _check_divisor(node)
    sides = [exp.cast(side.copy(), "DOUBLE") for side in (node.this, node.expression)]
    return typed(exp.Div(this=sides[0], expression=sides[1], typed=True, safe=False), node)


def remainder(node: Any) -> Any:
    _check_divisor(node)
    if {kind_of(node.this), kind_of(node.expression)} - {"integer", "unknown"}:
        raise NoTranslationError("use it with whole numbers", "the engines differ with other numbers")
    return node


def _check_divisor(node: Any) -> None:
    divisor = node.expression.unnest()
    if divisor.key == "literal" and not divisor.is_string and float(divisor.this):
        return
    if divisor.key == "nullif" and str(divisor.expression.this) == "0":
        return
    raise NoTranslationError("write x / nullif(y, 0)", "by zero DuckDB gives infinity, Spark fails")


def average(node: Any) -> Any:
    from sqlglot import exp

    if kind_of(node.this) == "double":
        return node
    made = node.copy()
    made.set("this", exp.cast(node.this.copy(), "DOUBLE"))
    return typed(made, node)


def part(node: Any) -> Any:
    start = node.args.get("start")
    if start is None or start.key != "literal" or not str(start.this).isdigit() or int(str(start.this)) < 1:
        raise NoTranslationError("begin at 1 or later, as a number", "the engines differ before the beginning")
    return node


def rounded(node: Any) -> Any:
    if kind_of(node.this) in {"decimal", "integer"}:
        return node
    raise NoTranslationError("cast to DECIMAL before", "the engines round a DOUBLE differently")


def field(node: Any) -> Any:
    if node.this.name.upper() not in FIELDS:
        raise NoTranslationError(f"the fields that both have are {', '.join(sorted(FIELDS))}")
    return node


def days_between(node: Any) -> Any:
    from sqlglot import exp

    if node.text("unit").upper() not in {"", "DAY"}:
        raise NoTranslationError("count days", "DuckDB counts the borders between units, Spark whole units")
    made = node.copy()
    # Of dates, the whole days are the borders between them.
    for side in ("this", "expression"):
        made.set(side, exp.cast(made.args[side].copy(), "DATE"))
    return typed(made, node)


def letters(node: Any) -> Any:
    found = node.args.get("format")
    text = str(found.this) if found is not None and found.key == "literal" else "%?"
    # A letter that stands for itself in DuckDB stands for a part of the date in Spark.
    if set(LETTERS.findall(text)) - KNOWN_LETTERS or re.search(r"[A-Za-z'#\[\]{}]", LETTERS.sub("", text)):
        raise NoTranslationError(f"write the format as a text with {', '.join(sorted(KNOWN_LETTERS))} only")
    return node


def matching(node: Any) -> Any:
    """Returns a pattern that ends where RE2's does: Java's ``$`` also matches before a last line break."""
    from sqlglot import exp

    pattern(node)
    found = node.expression
    if found is None or found.key != "literal" or node.args.get("flag") is not None:
        raise NoTranslationError("write the pattern as a text in quotes, and without options")
    text = str(found.this)
    inner, ends = (text[:-1], True) if re.search(r"(?<!\\)(?:\\\\)*\$$", text) else (text, False)
    if re.search(r"(?<!\\)(?:\\\\)*\$", re.sub(r"\[[^\]]*\]", "", inner)):
        raise NoTranslationError("let $ stand at the end only", "in Spark $ also matches before a last line break")
    if not ends:
        return node
    made = node.copy()
    made.set("expression", exp.Literal.string(inner + r"\z"))
    return typed(made, node)


def no_order(node: Any) -> Any:
    if node.args.get("on"):
        raise NoTranslationError("write row_number() OVER (…) with QUALIFY")
    return node


def no_ordinality(node: Any) -> Any:
    if node.args.get("offset"):
        raise NoTranslationError("write unnest without WITH ORDINALITY")
    return node


RULES: tuple[Rule, ...] = (
    Rule("cast", "the engines cast differently", ANSI, ("cast", "trycast"), cast),
    Rule("division", "DuckDB divides as DOUBLE, Spark keeps decimals", ANSI, ("div",), divide),
    Rule("remainder", "by zero the engines differ", ANSI, ("mod", "intdiv"), remainder),
    Rule("average", "DuckDB's avg() is a DOUBLE, Spark's of decimals a DECIMAL", FUNCTIONS_PAGE, ("avg",), average),
    Rule("substring", "the engines count differently", FUNCTIONS_PAGE, ("substring",), part),
    Rule("round", "the engines round differently", FUNCTIONS_PAGE, ("round",), rounded),
    Rule("extract", "the fields differ", FUNCTIONS_PAGE, ("extract",), field),
    Rule("date-difference", "the engines count differently", FUNCTIONS_PAGE, ("datediff",), days_between),
    Rule("date-pattern", "the letters of dates differ", f"{SPARK}/sql-ref-datetime-pattern.html", ("timetostr",),
         letters),
    Rule("regexp", "DuckDB's regular expressions are RE2's, Spark's are Java's", FUNCTIONS_PAGE,
         ("regexplike", "regexpextract"), matching),
    Rule("regexp-replacement", "the engines replace differently", FUNCTIONS_PAGE, ("regexpreplace",),
         lambda node: matching(plain_replacement(node))),
    Rule("distinct-on", "Spark has no DISTINCT ON", FUNCTIONS_PAGE, ("distinct",), no_order),
    Rule("ordinality", "the numbering of unnest differs", FUNCTIONS_PAGE, ("unnest",), no_ordinality),
)  # fmt: skip
