"""Questions in SQL over the lake.

Guarantees that every adapter gives: a query reads and never writes; it sees the declared tables and nothing else; a
table without files is empty, not missing; one bad file does not spoil a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from penstock.model.datasets import LakeTable


class ResultColumn(msgspec.Struct, frozen=True):
    """A column of a result: its name and the engine's name of its type."""

    name: str
    type: str


class Result(msgspec.Struct, frozen=True):
    """The answer to a query. ``truncated``: there were more rows than the limit."""

    columns: list[ResultColumn]
    rows: list[tuple[Any, ...]]
    truncated: bool
    elapsed_seconds: float


class QueryEngine(Protocol):
    """Answers SQL."""

    def run(
        self, sql: str, *, tables: Sequence[LakeTable], limit: int = 10_000, timeout_seconds: float = 60.0
    ) -> Result:
        """Returns the rows of one SELECT.

        Each table is there by its name, what was quarantined as ``<table>_quarantine``.

        Raises:
            QueryError: the statement is none that reads, names something unknown, fails, or takes too long.
        """
        ...
