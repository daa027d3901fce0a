"""What DuckDB says of a transformation → errors that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penstock.errors import PenstockError, QueryError, StorageFullError

if TYPE_CHECKING:
    import duckdb

MESSAGE_LIMIT = 2000
_KIND = re.compile(r"^(?:[A-Z][A-Za-z-]*(?: [A-Z][A-Za-z-]*)* Error|INTERNAL Error): ")
_CALLED = re.compile(r"Python exception occurred while executing the UDF: (.*)", re.DOTALL)
_NOISE = re.compile(r"\n+(?:Stack Trace|This error signals|For more information|Possible solutions)", re.I)


def translate(error: duckdb.Error, what: str, limit_mb: int) -> PenstockError:
    """Returns an error of the engine as one of ours.

    Args:
        what: the transformation and the part of it that failed.
        limit_mb: what the engine might use.
    """
    text = str(error)
    if "No space left" in text or ("temporary directory" in text and "exceed" in text):
        return StorageFullError(f"{what}: no space left on the disk", hint="free some space; nothing was written")
    if type(error).__name__ == "OutOfMemoryException":
        return QueryError(f"{what} needs more than {limit_mb} MB", hint="give its task more: @pipeline.task(memory=…)")
    called = _CALLED.search(text)
    if called:
        return QueryError(
            f"{what}: a function failed: {called[1].strip()[:MESSAGE_LIMIT]}",
            hint="let the function return None for what it cannot take",
        )
    message = _NOISE.split(_KIND.sub("", text, count=1), maxsplit=1)[0].strip()[:MESSAGE_LIMIT]
    return QueryError(f"{what}: {message}", hint=_hint(type(error).__name__))


def _hint(name: str) -> str:
    if name == "PermissionException":
        return "a step reads the transformation's inputs and the steps above it only"
    if name == "ConversionException":
        return "TRY_CAST(value AS type) gives NULL for what does not fit"
    return "check the step's SQL; it is DuckDB's dialect"
