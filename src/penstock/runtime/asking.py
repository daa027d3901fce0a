"""Asking a home's engine in the SQL of either engine, and what is known by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import NotFoundError, QueryError, UsageError
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition
from penstock.model.queries import Dialect, NamedQuery
from penstock.model.table_names import known_columns
from penstock.ports.query import Parameter, Result
from penstock.sql.dialect import Change, Translation, translate
from penstock.sql.parameters import as_dollars, check_given

Translate = Callable[..., Translation]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,111}(?:/[A-Za-z][A-Za-z0-9_-]{0,111})?")
HEADER = re.compile(r"-- dialect: (athena|duckdb)\n")


class Asked(msgspec.Struct, frozen=True):
    """A question in the words of DuckDB.

    Attributes:
        dialect: whose SQL it was taken for.
        changes: what was rewritten because it would have meant something else.
    """

    sql: str
    dialect: Dialect
    changes: tuple[Change, ...] = ()


def for_duckdb(
    sql: str,
    dialect: Dialect,
    *,
    tables: Sequence[LakeTable],
    parameters: Mapping[str, Parameter] | None = None,
    translate: Translate = translate,
) -> Asked:
    """Returns a query of either engine as DuckDB takes it.

    Args:
        translate: ``sql.dialect.translate``, or what knows its answers.

    Raises:
        QueryError: it means something that DuckDB cannot say, or a parameter has no value.
    """
    given = parameters or {}
    check_given(sql, given)
    if dialect == "duckdb":
        return Asked(as_dollars(sql, given), dialect)
    made = translate(sql, source=dialect, target="duckdb", columns=known_columns(tables))
    return Asked(made.sql, dialect, made.changes)


def ask(
    engine: Any,
    sql: str,
    *,
    tables: Sequence[LakeTable],
    dialect: Dialect | None = None,
    parameters: Mapping[str, Parameter] | None = None,
    translate: Translate = translate,
    **options: Any,
) -> tuple[Result, Asked]:
    """Returns an engine's answer, and what it was asked.

    Args:
        engine: DuckDB's.
        translate: ``sql.dialect.translate``, or what knows its answers.
        dialect: whose SQL it is. When absent it is DuckDB's; what DuckDB does not understand is taken for Athena's.
        options: of the engine's ``run``.

    Raises:
        QueryError: neither of them understands it, or it was refused.
    """
    given = dict(parameters or {})
    asked = for_duckdb(sql, dialect or "duckdb", tables=tables, parameters=given, translate=translate)
    try:
        return engine.run(asked.sql, tables=tables, parameters=given, **options), asked
    except QueryError as error:
        if dialect is not None or not error.data.get("not_understood"):
            raise
        try:
            asked = for_duckdb(sql, "athena", tables=tables, parameters=given, translate=translate)
        except QueryError:
            raise error from None
        if asked.sql == sql:
            raise
        return engine.run(asked.sql, tables=tables, parameters=given, **options), asked


def find_named(name: str, definitions: Sequence[Definition], saved: SavedQueries) -> NamedQuery:
    """Returns a query by its name, or by ``pipeline/name``; one that was saved here comes first.

    Raises:
        NotFoundError: there is none of this name.
        UsageError: several pipelines have one.
    """
    if (found := saved.get(name)) is not None:
        return found
    known = {f"{one.name}/{query}": one.queries[query] for one in definitions for query in one.queries}
    fitting = {path: query for path, query in known.items() if name in {path, query.name}}
    if len(fitting) > 1:
        raise UsageError(f"several pipelines have a query {name!r}", hint=f"say which: {', '.join(fitting)}")
    if not fitting:
        names = ", ".join([*saved.names(), *known]) or "none yet"
        raise NotFoundError(f"there is no query {name!r}", hint=f"the queries are: {names}; SQL begins with SELECT")
    return next(iter(fitting.values()))


class SavedQueries:
    """Queries that were given a name here, one ``.sql`` file each.

    Args:
        folder: where they are; made when the first is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, sql: str, dialect: Dialect) -> Path:
        """Keeps a query, in place of any other of this name. Raises UsageError for what is no name."""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,111}", name):
            raise UsageError(f"{name!r} is no name for a query", hint="letters, digits, hyphens and underscores")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{name}.sql"
        temporary = self._folder / f".{name}.sql"
        temporary.write_text(f"-- dialect: {dialect}\n{sql.strip()}\n", "utf-8")
        temporary.replace(path)
        return path

    def get(self, name: str) -> NamedQuery | None:
        """Returns a query, or None."""
        if "/" in name:
            return None
        try:
            text = (self._folder / f"{name}.sql").read_text("utf-8")
        except OSError:
            return None
        header = HEADER.match(text)
        dialect: Dialect = "athena" if header and header[1] == "athena" else "duckdb"
        return NamedQuery(name=name, sql=text[header.end() if header else 0 :], dialect=dialect)

    def names(self) -> list[str]:
        """Returns the names of all, in order."""
        return sorted(path.stem for path in self._folder.glob("[!.]*.sql"))
