"""Declaring what is asked: queries with a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from penstock.define.messaging import Messaging
from penstock.define.places import caller_place
from penstock.errors import Finding, QueryError
from penstock.model.pipeline import Definition
from penstock.model.queries import NamedQuery

# https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html
LIMIT_BYTES = 262_144
# What ``sql.dialect.translate`` takes; it raises QueryError.
Translate = Callable[..., object]


class Asking(Messaging):
    """The part of a pipeline that says what is asked of its tables."""

    def query(
        self, name: str, sql: str, *, dialect: Literal["athena", "duckdb"] = "athena", description: str = ""
    ) -> NamedQuery:
        """Declares a query, asked by ``penstock query NAME`` and deployed as a named query of Athena.

        Args:
            sql: one SELECT over the pipeline's tables; ``:name`` stands for a parameter.
            dialect: whose SQL it is; the other engine is asked what means the same.
        """
        return self._add(
            "queries", NamedQuery(name=name, sql=sql, dialect=dialect, description=description, place=caller_place())
        )


def check(definition: Definition, translate: Translate | None = None) -> Iterator[Finding]:
    """Yields what is wrong with the named queries: each has to mean the same in both engines."""
    if not definition.queries:
        return
    known = _columns(definition)
    for query in definition.queries.values():
        if len(query.sql.encode()) > LIMIT_BYTES:
            yield Finding(query.place, "query", f"query {query.name!r} is longer than Athena takes", "at most 256 KB")
        else:
            yield from _translations(query, known, translate or _translated)


def _translations(query: NamedQuery, known: dict[str, dict[str, str]], translate: Translate) -> Iterator[Finding]:
    for target in ("athena", "duckdb"):
        try:
            translate(query.sql, source=query.dialect, target=target, columns=known)
        except QueryError as error:
            yield Finding(query.place, "query", f"query {query.name!r}: {error.message}", error.hint)
            return


def _translated(sql: str, **options: Any) -> object:
    from penstock.sql.dialect import translate

    return translate(sql, **options)


def _columns(definition: Definition) -> dict[str, dict[str, str]]:
    from penstock.model.table_names import known_columns

    try:
        return known_columns(tuple(definition.lake_tables.values()))
    except TypeError:
        # A record with a type that no column can hold is a finding of its own.
        return {}
