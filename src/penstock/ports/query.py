"""Questions in SQL over the lake.

Guarantees that every adapter gives: a query reads and never writes; it sees the declared tables and nothing else; a
table without files is empty, not missing; one bad file does not spoil a query; what a query names of the partition
columns decides which files are read.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from penstock.model.datasets import LakeTable


class ResultColumn(msgspec.Struct, frozen=True):
    """A column of a result: its name and the engine's name of its type."""

    name: str
    type: str


Parameter = str | int | float | bool | decimal.Decimal | datetime.date | datetime.datetime | None
# By name for ``$name``, in their order for ``?``.
Parameters = Mapping[str, Parameter] | Sequence[Parameter]


class TableScan(msgspec.Struct, frozen=True):
    """What a query sees of a table; of the whole table where that was asked for.

    Attributes:
        partitions: how many partitions its conditions leave.
        sealed_files, raw_files: what there is to read in these; raw objects that are sealed are not read.
        day_files: files that were put together from the sealed hours of a day, and are read for these.
        hours_in_days: how many sealed hours these files hold; none of them is among the sealed files.
        all_partitions, all_files, all_bytes: of the whole table, each object's records counted once.
    """

    table: str
    partitions: int
    sealed_files: int
    raw_files: int
    all_partitions: int | None = None
    all_files: int | None = None
    all_bytes: int | None = None
    day_files: int = 0
    hours_in_days: int = 0


class Result(msgspec.Struct, frozen=True):
    """The answer to a query.

    Attributes:
        rows: tuples of Python values, one value a column. Times of day and dates without a zone are in UTC.
        truncated: there were more rows than the limit.
        scanned_files, scanned_bytes: what was read of the lake to answer.
        unreadable_lines: how many lines of the scanned files are no record of their table, and were left out; None
            when too much was scanned to count them.
        unreadable_files: how many files of the queried tables could not be read at all, and were left out.
        tables: what the query could see of each table.
        cached: nothing was read: the same question was answered before, and nothing has changed since.
    """

    columns: list[ResultColumn]
    rows: list[tuple[Any, ...]]
    truncated: bool
    elapsed_seconds: float
    scanned_files: int = 0
    scanned_bytes: int = 0
    unreadable_lines: int | None = 0
    unreadable_files: int = 0
    tables: tuple[TableScan, ...] = ()
    cached: bool = False


class Fitted(msgspec.Struct, frozen=True):
    """What a raw file holds of its table's records.

    Attributes:
        is_whole: every line of it is a record: it can be read as it is.
        misfits: how many lines are none.
    """

    is_whole: bool
    misfits: int = 0


class RawFit(Protocol):
    """Tells records of a table from what is none, as sealing does: what would be in quarantine is in no answer."""

    def __call__(self, table: LakeTable, path: Path, target: Path, *, is_careful: bool = False) -> Fitted:
        """Looks at a raw file; unless it is whole, its records are written to ``target``, one a line.

        Args:
            is_careful: looks at each record, and writes it anew as all engines read it alike.

        Raises:
            OSError: the file cannot be read, or is gone.
        """
        ...


class QueryEngine(Protocol):
    """Answers SQL."""

    def run(
        self,
        sql: str,
        *,
        tables: Sequence[LakeTable],
        limit: int = 10_000,
        timeout_seconds: float = 60.0,
        parameters: Parameters = (),
    ) -> Result:
        """Returns the rows of one SELECT in the engine's own SQL, at most ``limit``.

        Parameters are values, never text of the query.

        Each table is there by its name, what was quarantined as ``<table>_quarantine``. Beside the columns of its
        record type a table has its partition columns (``year``, ``month``, ``day``, ``hour``) as text.

        Raises:
            QueryError: the statement is none that reads, names something unknown, fails, or takes too long.
            KeyboardInterrupt: the person at the terminal gave up; nothing goes on in the background.
        """
        ...

    def describe(self, tables: Sequence[LakeTable]) -> dict[str, list[ResultColumn]]:
        """Returns the tables that a query over these can name, each with its columns. Reads no file."""
        ...
