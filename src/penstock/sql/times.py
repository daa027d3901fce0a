"""Times that lie in text: lake columns often hold ISO 8601 as text, and the engines take it differently."""

from __future__ import annotations

from typing import Any

from penstock.model.queries import Dialect
from penstock.sql.dialect import Rule
from penstock.sql.kinds import kind, typed
from penstock.sql.known import DUCKDB, TRINO
from penstock.sql.refusals import NoTranslationError

DATETIME = f"{TRINO}/functions/datetime.html"


def other_spelling(node: Any) -> Any:
    """Athena's date_trunc in the spelling of the seeds, DATETRUNC."""
    from sqlglot import exp

    if str(node.this).lower() != "datetrunc" or len(node.expressions) != 2:
        return node
    unit, value = (one.copy() for one in node.expressions)
    # The type of what it makes is that of what it is given.
    return typed(exp.TimestampTrunc(this=value, unit=exp.var(unit.name.upper())), node.expressions[1])


def truncated_text(node: Any) -> Any:
    from sqlglot import exp

    found = kind(node.this)
    if found in {"timestamp", "timestamptz", "date", "null"}:
        return node
    if found != "text":
        raise NoTranslationError("write date_trunc('…', CAST(… AS TIMESTAMP))", "it is not known that this is a time")
    made = node.copy()
    made.this.replace(typed(exp.cast(made.this.copy(), "TIMESTAMP"), node.this))
    return typed(made, node)


def to_iso(node: Any) -> Any:
    """CAST(text AS TIMESTAMP) for Athena, which takes no ISO 8601 there."""
    from sqlglot import exp

    if (
        node.to.this.name not in {"TIMESTAMP", "TIMESTAMPNTZ", "DATETIME"}
        or kind(node.this) != "text"
        or node.this.key == "literal"
    ):
        return node
    text = node.this
    parsed = exp.Try(this=exp.func("from_iso8601_timestamp", text.copy()))
    in_utc = exp.func("at_timezone", parsed, exp.Literal.string("UTC"))
    return typed(exp.Coalesce(this=exp.cast(in_utc, "TIMESTAMP"), expressions=[node.copy()]), node)


def text_as_time(source: Dialect) -> tuple[Rule, ...]:
    """Returns the rules for every query of an engine."""
    spelling = Rule("datetrunc", "Athena's name of it is date_trunc", DATETIME, ("anonymous",), other_spelling)
    truncated = Rule("date-trunc-of-text", "date_trunc takes no text", DATETIME, ("timestamptrunc", "datetrunc"),
                     truncated_text)  # fmt: skip
    return (spelling, truncated) if source == "athena" else (truncated,)


ISO = Rule("iso-8601", "Athena's CAST takes no ISO 8601 text with T and Z, DuckDB's does",
           f"{DUCKDB}/sql/data_types/timestamp", ("cast",), to_iso)  # fmt: skip
