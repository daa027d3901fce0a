"""DuckDB's errors → errors that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penstock.adapters.local.duckdb_text import path_of
from penstock.adapters.local.query_partitions import DATA, PACKED
from penstock.errors import QueryError

if TYPE_CHECKING:
    import duckdb

MESSAGE_LIMIT = 2000
# The text is at fault, not what it is asked of: it may be another engine's SQL.
NOT_UNDERSTOOD = frozenset({"ParserException", "BinderException", "CatalogException"})
# What a file that is gone, cut short or spoiled comes to; a query can be at fault for some of them as well.
DAMAGE = frozenset({"Error", "IOException", "InvalidInputException", "SerializationException", "InternalException"})

_KIND = re.compile(r"^(?:[A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)* Error|INTERNAL Error|TransactionContext Error): ")
_PLACE = re.compile(r"\n+(LINE \d+: .*)", re.DOTALL)
_MEANT = re.compile(r'\n?(?:Did you mean|Candidate bindings:|Candidate functions:)\s*:?\s*("[^"]*")')
_FILE = re.compile(
    rf"""(["'])(/.+?(?:{"|".join(map(re.escape, DATA))})(?:{"|".join(map(re.escape, PACKED))})?)\1""", re.DOTALL | re.I
)
# What follows is for DuckDB's developers, or names the machine's folders.
_NOISE = re.compile(
    r"\n+(?:Stack Trace|This error signals|For more information|Possible solutions|Did you mean|Candidate)", re.I
)


def too_long(timeout_seconds: float) -> QueryError:
    """Returns the error of a query that was stopped."""
    return QueryError(
        f"the query took longer than {timeout_seconds:g} s",
        hint="narrow it to fewer partitions, such as WHERE year = '2026' AND month = '02', or raise --timeout",
    )


def changed_meanwhile() -> QueryError:
    """Returns the error of a query whose files were replaced, where no links to them could be made."""
    return QueryError(
        "the lake changed while the query ran", hint="ask again, or make the lake's folder writable for this user"
    )


def spoiling_file(error: duckdb.Error) -> str | None:
    """Returns the file that an error is about, if it names one."""
    found = _FILE.search(str(error))
    return path_of(found[2]) if found else None


def may_be_damage(error: duckdb.Error) -> bool:
    """Tells whether a file can be to blame for an error."""
    return type(error).__name__ in DAMAGE


def query_error(error: duckdb.Error, memory_limit_mb: int) -> QueryError:
    """Returns an error of the engine as one of ours: what is wrong, where in the query, and how to mend it."""
    name = type(error).__name__
    if name == "OutOfMemoryException":
        return QueryError(
            f"the query needs more than {memory_limit_mb} MB",
            hint="narrow it to fewer partitions or columns, or ask for totals instead of rows",
        )
    if "not provided for the following" in str(error):
        return QueryError(
            f"{_lower(_KIND.sub('', str(error), count=1)).partition(chr(10))[0]}",
            hint="give each one: --param name=text, or --param name:=number",
        )
    if name == "PermissionException":
        return QueryError("the query reaches for something outside the lake", hint="`SHOW TABLES` lists what is there")
    text = _KIND.sub("", str(error), count=1)
    found = _PLACE.search(text)
    place = f"\n{found[1].rstrip()}" if found else ""
    message = text[: found.start()] if found else text
    meant = _MEANT.search(message)
    message = _NOISE.split(message, maxsplit=1)[0].strip()[:MESSAGE_LIMIT]
    return QueryError(
        f"{_lower(message)}{place}", hint=_hint(name, meant[1] if meant else ""), not_understood=name in NOT_UNDERSTOOD
    )


def _lower(message: str) -> str:
    starts_word = message[:1].isupper() and message[1:2].islower()
    return message[:1].lower() + message[1:] if starts_word else message


def _hint(name: str, meant: str) -> str:
    question = f"did you mean {meant}? " if meant else ""
    if name == "ParserException":
        return "check the SQL at the mark; it is DuckDB's dialect"
    if name == "ConversionException":
        return "try_cast(value AS type) gives NULL for what does not fit"
    return f"{question}`DESCRIBE table` shows a table's columns"
