"""A query while it is asked: what is wanted, and what it is asked of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.adapters.local.query_gate import Question
from penstock.adapters.local.query_snapshot import Snapshot
from penstock.adapters.local.query_views import Source
from penstock.model.datasets import LakeTable
from penstock.ports.query import Parameters

if TYPE_CHECKING:
    import duckdb


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted.

    Attributes:
        known: what may be named, by its name in lower case.
        tables: the tables that this is of, by their names.
        limit: how many rows at most.
        writes: the one file that the answer may be written to.
        explain: tell also how much there is in the whole tables.
    """

    sql: str
    known: dict[str, Source]
    tables: dict[str, LakeTable]
    parameters: Parameters = ()
    timeout_seconds: float
    limit: int = 0
    writes: Path | None = None
    explain: bool = False

    def values(self) -> dict[str, Any]:
        """Returns the parameters by name, or by number from 1."""
        if isinstance(self.parameters, Mapping):
            return dict(self.parameters)
        return {str(number): value for number, value in enumerate(self.parameters, start=1)}


class Asking(msgspec.Struct, frozen=True):
    """An admitted question, the files that it sees, and the connection that may open these and no others."""

    connection: duckdb.DuckDBPyConnection
    request: Request
    question: Question
    held: dict[str, Snapshot]
