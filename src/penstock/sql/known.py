"""What the gate knows the meaning of, in sqlglot's words; anything else is refused.

Functions stand under the page that defines them; those with a rule of their own are in ``to_duckdb`` and ``to_athena``.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from penstock.errors import QueryError
from penstock.model.queries import Dialect

if TYPE_CHECKING:
    from sqlglot import exp

TRINO = "https://trino.io/docs/current"
DUCKDB = "https://duckdb.org/docs/stable"

# The grammar that both share, with one meaning.
GRAMMAR = frozenset(
    """select from where group having order ordered limit offset join with cte subquery tablealias table alias column
    identifier star literal null boolean paren tuple distinct union intersect except values var window windowspec filter
    and or not xor eq neq gt gte lt lte is in between like ilike escape exists case if neg add sub mul div mod
    nullsafeeq nullsafeneq cast trycast datatype datatypeparam columndef interval placeholder parameter any all
    groupingsets rollup cube unnest bracket dpipe array fetch withingroup lambda dot anonymous extract
    jsonpath jsonpathroot jsonpathkey jsonpathsubscript""".split()  # noqa: SIM905 - a list of a hundred lines says less
)
FUNCTIONS: dict[Dialect, dict[str, str]] = {
    "athena": {
        "functions/aggregate.html": """count countif sum avg min max anyvalue argmax argmin approxdistinct
            approxquantile arrayagg logicaland logicalor stddev stddevsamp stddevpop variance variancepop corr
            groupconcat""",
        "functions/window.html": """rownumber rank denserank percentrank cumedist ntile lag lead firstvalue lastvalue
            nthvalue""",
        "functions/math.html": """abs ceil floor round sign sqrt exp ln log pow mod trunc pi radians rand isnan""",
        "functions/comparison.html": "greatest least",
        "functions/string.html": """lower upper trim length strposition substring replace reverse split splitpart concat
            concatws pad startswith chr""",
        "functions/conditional.html": "coalesce nullif if try",
        "functions/datetime.html": """timestamptrunc datetrunc datediff dateadd date year quarter month weekofyear week
            day dayofweekiso dayofyear dayofmonth yearofweek hour minute second lastday unixtotime timetounix
            fromiso8601timestamp fromiso8601date timetostr strtotime currenttimestamp currentdate localtimestamp""",
        "functions/regexp.html": "regexplike regexpextract regexpreplace",
        "functions/array.html": """arraysize arraycontains arraymax arraymin arraydistinct arraytostring
            transform arrayfilter""",
        "functions/map.html": "mapkeys",
        "functions/json.html": "jsonextractscalar",
    },
    "duckdb": {
        "sql/functions/aggregates": """count countif sum avg min max anyvalue argmax argmin approxdistinct
            approxquantile arrayagg logicaland logicalor stddev stddevsamp stddevpop variance variancepop corr
            groupconcat""",
        "sql/functions/window_functions": """rownumber rank denserank percentrank cumedist ntile lag lead firstvalue
            lastvalue nthvalue""",
        "sql/functions/numeric": "abs ceil floor round sign sqrt exp ln log pow mod trunc pi radians rand isnan intdiv",
        "sql/functions/utility": "greatest least coalesce nullif if try",
        "sql/functions/text": """lower upper trim length strposition substring replace reverse split splitpart concat
            concatws pad startswith chr""",
        "sql/functions/timestamp": """timestamptrunc datetrunc datediff date year quarter month weekofyear week day
            dayofweekiso dayofyear dayofmonth hour minute second lastday timetounix unixtotime timetostr strtotime
            currenttimestamp currentdate localtimestamp""",
        "sql/functions/regular_expressions": "regexplike regexpextract regexpreplace",
        "sql/functions/list": "arraysize arraydistinct",
    },
}  # fmt: skip
# Functions that sqlglot has no kind of its own for, and a rule translates.
NAMED: dict[Dialect, frozenset[str]] = {"athena": frozenset({"datetrunc"}), "duckdb": frozenset()}


def functions(dialect: Dialect) -> frozenset[str]:
    """Returns the functions that are known of an engine."""
    return frozenset(itertools.chain.from_iterable(names.split() for names in FUNCTIONS[dialect].values()))


def check_known(tree: exp.Expression, source: Dialect) -> None:
    """Checks that everything in a query is known.

    Raises:
        QueryError: something is not; it names the first.
    """
    engine, known = ("Athena" if source == "athena" else "DuckDB"), GRAMMAR | functions(source)
    for node in tree.walk():
        named = node.key == "anonymous" and str(node.this).lower() not in NAMED[source]
        if node.key not in known or named:
            text = f"{node.this}()" if named else _short(_text(node, source))
            raise QueryError(
                f"{text} is {engine}'s, and it is not known what means the same in the other engine",
                hint="write it without, or ask it as the SQL of the engine that answers",
                rule="unknown", source=TRINO if source == "athena" else DUCKDB,
            )  # fmt: skip


def _text(node: Any, source: Dialect) -> str:
    try:
        return str(node.sql(source))
    except ValueError:
        # Not every part of a path can be printed alone.
        return str(node.key)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
