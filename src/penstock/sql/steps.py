"""The steps of a transformation: whether they are what they have to be, and what Spark is asked instead.

A step is one SELECT over inputs and steps above it, and has the same rows each time for the same rows. Where it has to
run on Spark too, it may hold only what is known to mean the same there, or what a rule rewrites so that it does.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from penstock.errors import QueryError
from penstock.model.transformations import Engine

# What has another value each time.
VARYING = frozenset({"currenttimestamp", "currentdate", "currenttime", "localtimestamp", "localtime", "rand", "randn",
                     "uuid", "tablesample"})  # fmt: skip
VARYING_NAMES = frozenset({"now", "today", "random", "gen_random_uuid", "uuid", "uuidv4", "uuidv7", "nextval"})
Schema = dict[str, dict[str, str]]


def check_steps(
    steps: Mapping[str, str], columns: Mapping[str, Mapping[str, str]], functions: Collection[str],
    engines: Sequence[Engine],
) -> Iterator[tuple[str, QueryError]]:  # fmt: skip
    """Yields what is wrong, and with which step.

    Args:
        columns: of each input, in the catalog's notation.
        functions: the names of Python functions that the steps may call.
    """
    schema: Schema = {name: dict(found) for name, found in columns.items()}
    for name, sql in steps.items():
        try:
            _check_names(functions)
            schema[name] = {}
            tree = _checked(sql, [*schema][:-1], strict="spark" in engines)
            # Only Spark's SQL depends on types; to find them takes longer than all else.
            if tree is not None and "spark" in engines:
                _, schema[name] = _translated(tree, schema, functions)
        except QueryError as error:
            yield name, error


def to_spark(
    steps: Mapping[str, str], columns: Mapping[str, Mapping[str, str]], functions: Collection[str]
) -> dict[str, str]:
    """Returns steps in Spark's SQL. Arguments as for ``check_steps``.

    Raises:
        QueryError: Spark cannot say a step.
    """
    schema: Schema = {name: dict(found) for name, found in columns.items()}
    written = {}
    for name, sql in steps.items():
        written[name], schema[name] = _translated(_checked(sql, [*schema], strict=True), schema, functions)
    return written


def _checked(sql: str, known: Sequence[str], *, strict: bool) -> Any:
    """Returns a step's tree; None where only its own engine can tell what it is."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    except (SqlglotError, RecursionError) as error:
        if not strict:
            return None
        raise QueryError(f"it is no SQL: {_reason(error)}", hint="check the SQL at that place") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise QueryError("a step is one SELECT", hint="make several steps of several statements")
    tree: Any = trees[0]
    _check_tables(tree, known)
    _check_repeatable(tree)
    return tree


def _check_names(functions: Collection[str]) -> None:
    from sqlglot.parser import Parser

    for name in functions:
        if name.upper() in Parser.FUNCTIONS:
            raise QueryError(f"SQL has a function {name}() of its own", hint="give the Python function another name")


def _check_tables(tree: Any, known: Sequence[str]) -> None:
    from sqlglot import exp

    own = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            raise QueryError(
                f"{_short(table.sql('duckdb'))} reads something outside of the transformation",
                hint="make it an input",
            )
        name = table.name.lower()
        if table.db or (name not in known and name not in own):
            near = difflib.get_close_matches(name, known, n=1)
            raise QueryError(
                f"there is no input or step above it that is called {_short(table.sql('duckdb'))}",
                hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}",
            )


def _check_repeatable(tree: Any) -> None:
    for node in tree.walk():
        name = str(node.this).lower() if node.key == "anonymous" else ""
        if node.key in VARYING or name in VARYING_NAMES:
            raise QueryError(
                f"{_short(node.sql('duckdb'))} has another value each time: a retry would make other rows",
                hint="give it as a column of an input",
            )


def _translated(tree: Any, schema: Schema, functions: Collection[str]) -> tuple[str, dict[str, str]]:
    """Returns a step in Spark's SQL, and the types of its columns; the tree is used up."""
    from sqlglot import ErrorLevel
    from sqlglot.errors import SqlglotError

    from penstock.sql.kinds import infer
    from penstock.sql.refusals import NoTranslationError
    from penstock.sql.to_spark import RULES, check_known

    check_known(tree, functions)
    infer(tree, {name: found for name, found in schema.items() if found}, "duckdb")
    columns = _columns_of(tree, schema)
    present = {node.key for node in tree.walk()}
    for rule in RULES:
        if present.isdisjoint(rule.nodes):
            continue
        # What is inside comes first, so that what is around it holds the new form.
        for node in reversed([node for node in tree.walk() if node.key in rule.nodes]):
            try:
                made = rule.apply(node)
            except NoTranslationError as refused:
                raise QueryError(
                    f"{_short(node.sql('duckdb'))}: {refused.reason or rule.reason}",
                    hint=refused.hint, rule=rule.name, source=rule.source,
                ) from None  # fmt: skip
            if made is not node:
                node.replace(made)
    for node in tree.walk():
        node.type = None
    try:
        return tree.sql("spark", unsupported_level=ErrorLevel.RAISE, comments=False), columns
    except SqlglotError as error:
        raise QueryError(f"Spark cannot say this: {_reason(error)}", hint="write it in another way") from None


def _columns_of(tree: Any, schema: Schema) -> dict[str, str]:
    """Returns the types of a step's columns in the catalog's notation, as far as they are known."""
    selects = tree.selects
    if any(one.is_star for one in selects):
        selects = _resolved(tree, schema)
    found = {}
    for one in selects:
        if one.is_star or not one.alias_or_name:
            return {}
        kind = one.type or one.unalias().type
        found[one.alias_or_name.lower()] = "unknown" if kind is None else kind.sql("hive").lower()
    return found


def _resolved(tree: Any, schema: Schema) -> list[Any]:
    """Returns what is selected, with the columns that a star stands for."""
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.schema import MappingSchema

    known = MappingSchema({name: found for name, found in schema.items() if found}, dialect="hive")
    try:
        resolved: Any = qualify(tree.copy(), dialect="duckdb", schema=known, allow_partial_qualification=True,
                                validate_qualify_columns=False, quote_identifiers=False, identify=False)  # fmt: skip
        return list(annotate_types(resolved, schema=known, dialect="duckdb").selects)
    except (SqlglotError, ValueError, KeyError, AttributeError, RecursionError):
        return list(tree.selects)


def _reason(error: BaseException) -> str:
    found: list[dict[str, Any]] = getattr(error, "errors", [])
    if not found:
        return str(error).partition("\n")[0] or "it is nested too deeply"
    return f"{found[0].get('description')} (line {found[0].get('line')}, column {found[0].get('col')})"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
