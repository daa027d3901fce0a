"""One query for two engines: Athena's SQL as DuckDB's, and back.

What means the same stays; what means something else is rewritten, or refused with the reason and what to write
instead. What this package does not know is refused as well: a guess would give another answer without saying so.
Parsing and printing are sqlglot's; what differs is in the tables of the modules beside this one, each row with its
page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import QueryError
from penstock.model.queries import Dialect
from penstock.sql.kinds import infer
from penstock.sql.refusals import NoTranslationError

if TYPE_CHECKING:
    from sqlglot import exp

# The types of columns in the catalog's notation, by table and column.
Columns = Mapping[str, Mapping[str, str]]


class Rule(msgspec.Struct, frozen=True):
    """A difference between the engines.

    Attributes:
        name: a stable word for it.
        reason: what would happen otherwise.
        source: the page that says so.
        nodes: the kinds of expressions, in sqlglot's words, that it looks at.
        apply: returns the expression to write, or the same one; raises NoTranslationError.
    """

    name: str
    reason: str
    source: str
    nodes: tuple[str, ...]
    apply: Callable[[Any], Any]


class Change(msgspec.Struct, frozen=True):
    """Something that was rewritten: by which rule, what stood there, and what is asked instead."""

    rule: str
    reason: str
    source: str
    before: str
    after: str


class Translation(msgspec.Struct, frozen=True):
    """A query in the words of an engine.

    Attributes:
        sql: the text; the given one, byte for byte, when nothing had to change.
        changes: what was rewritten because it would have meant something else.
    """

    sql: str
    changes: tuple[Change, ...] = ()


def translate(sql: str, *, source: Dialect, target: Dialect, columns: Columns | None = None) -> Translation:
    """Returns a query of one engine as the other takes it.

    Args:
        columns: what is known of the tables; what a division or a cast means can depend on the types.

    Raises:
        QueryError: it cannot be parsed, or means something that the other engine cannot say.
    """
    if source == target == "duckdb":
        return Translation(sql)
    from penstock.sql.to_athena import SAME as ATHENA_ITSELF
    from penstock.sql.to_athena import TO_ATHENA
    from penstock.sql.to_duckdb import TO_DUCKDB

    rules = {"duckdb": TO_DUCKDB, "athena": ATHENA_ITSELF if source == "athena" else TO_ATHENA}[target]
    tree = _parsed(sql, source)
    if source != target:
        from penstock.sql.known import check_known

        check_known(tree, source)
    infer(tree, columns or {}, source)
    changes: list[Change] = []
    for rule in rules:
        tree = _applied(tree, rule, source, target, changes)
    if source == target and not changes:
        return Translation(sql)
    return Translation(_written(tree, target), tuple(changes))


def _parsed(sql: str, source: Dialect) -> exp.Expression:
    import sqlglot
    from sqlglot.errors import SqlglotError

    engine = "Athena" if source == "athena" else "DuckDB"
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=source) if tree is not None and tree.key != "semicolon"]
    except SqlglotError as error:
        raise QueryError(f"this is no SQL of {engine}: {_reason(error)}", hint="check the SQL at that place") from None
    except RecursionError:
        raise QueryError("the query is nested too deeply", hint="split it with WITH") from None
    if len(trees) != 1:
        raise QueryError(f"there are {len(trees)} statements, one can be asked", hint="ask one SELECT at a time")
    if trees[0].key == "select" and not trees[0].expressions:
        raise QueryError("the SELECT names nothing", hint="write SELECT * or the columns")
    return trees[0]  # type: ignore[return-value]


def _reason(error: Exception) -> str:
    found: list[dict[str, Any]] = getattr(error, "errors", [])
    if not found:
        return str(error).partition("\n")[0]
    return f"{found[0].get('description')} (line {found[0].get('line')}, column {found[0].get('col')})"


def _applied(
    tree: exp.Expression, rule: Rule, source: Dialect, target: Dialect, changes: list[Change]
) -> exp.Expression:
    # What is inside comes first, so that what is around it holds the new form.
    for node in reversed([node for node in tree.walk() if node.key in rule.nodes]):
        try:
            made = rule.apply(node)
        except NoTranslationError as refused:
            raise QueryError(
                f"{_short(node.sql(source))}: {refused.reason or rule.reason}",
                hint=refused.hint, rule=rule.name, source=rule.source,
            ) from None  # fmt: skip
        if made is node:
            continue
        before = node.sql(source)
        if node is tree:
            tree = made
        else:
            node.replace(made)
        changes.append(Change(rule.name, rule.reason, rule.source, before, _written(made, target)))
    return tree


def _written(tree: exp.Expression, target: Dialect) -> str:
    from sqlglot import ErrorLevel
    from sqlglot.errors import SqlglotError

    bare = tree.copy()
    for node in bare.walk():
        # Printing depends on types where they are known; the rules have seen to them.
        node.type = None
    try:
        return bare.sql(target, unsupported_level=ErrorLevel.RAISE, comments=False)
    except SqlglotError as error:
        engine = "Athena" if target == "athena" else "DuckDB"
        raise QueryError(
            f"{engine} cannot say this: {str(error).partition(chr(10))[0]}", hint="write it in its SQL"
        ) from None


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
