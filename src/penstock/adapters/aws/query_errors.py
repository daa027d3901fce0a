"""Athena's reasons → errors that say what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.errors import QueryError

_NO_TABLE = re.compile(r"Table '(?:[^'.]+\.)*([^'.]+)' does not exist", re.I)
_LIMIT = re.compile(r"bytes scanned limit", re.I)


def too_long(timeout_seconds: float) -> QueryError:
    """Returns the error of a query that was stopped."""
    return QueryError(
        f"the query took longer than {timeout_seconds:g} s",
        hint="narrow it to fewer partitions, such as WHERE year = '2026' AND month = '02', or raise --timeout",
    )


def not_answered(status: Mapping[str, Any], tables: Iterable[str]) -> QueryError:
    """Returns why a query failed or was cancelled."""
    reason = str(status.get("StateChangeReason") or status.get("State"))
    known = sorted(tables)
    absent = _NO_TABLE.search(reason)
    if absent:
        close = difflib.get_close_matches(absent[1], known, 1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        listed = ", ".join(name for name in known if not name.endswith("_quarantine")) or "none yet"
        return QueryError(f"there is no table {absent[1]!r}: {reason}", hint=f"{meant}the tables are: {listed}")
    if _LIMIT.search(reason):
        return QueryError(reason, hint="narrow it to fewer partitions, or raise the workgroup's limit (scan_limit_mb)")
    if status.get("AthenaError", {}).get("Retryable"):
        return QueryError(reason, hint="try again later")
    return QueryError(reason, hint="check the SQL at the place; it is Athena's dialect (Trino's)")
