"""Transforming: rows of files become other rows by steps of SQL.

Guarantees that every adapter gives: the same rows for the same input, in any order that the last step does not fix
with ORDER BY; nothing outside of the given files is read; what does not fit into the given memory goes to disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from penstock.model.transformations import Cells, Engine, ScalarFunction


class StagedInput(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to begin with: a file of newline-delimited JSON in which every line fits.

    Attributes:
        path: the file.
        columns: the record's columns, in the catalog's notation.
        own: those of the columns ``_source``, ``_line`` and ``_raw`` that are there. Where there are any, a line is
            ``{"r": record, "_source": …, "_line": …, "_raw": …}``, otherwise it is the record.
        longest_bytes: of the longest line.
        cells: the file is delimited text instead, as ``DelimitedText`` writes it. Only where ``reads_delimited``.
    """

    path: Path
    columns: dict[str, str]
    own: tuple[str, ...] = ()
    longest_bytes: int = 0
    cells: Cells | None = None


class TransformationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Attributes:
        steps: one SELECT each in DuckDB's SQL, in order.
        kept: the names of inputs and steps that are read more than once: they are computed once and kept.
        outputs: the columns that are wanted of a step, in the catalog's notation, by its name.
        required: of each output, the columns that may hold no NULL.
    """

    name: str
    inputs: dict[str, StagedInput]
    steps: dict[str, str]
    kept: frozenset[str]
    outputs: dict[str, dict[str, str]]
    required: dict[str, frozenset[str]]
    functions: dict[str, ScalarFunction] = {}


class Transformed(Protocol):
    """The rows of the outputs, until the transformation is left."""

    def count(self, output: str) -> int:
        """Returns how many rows an output has, or an input of delimited text."""
        ...

    def csv(self, output: str) -> Iterator[Path]:
        """Yields files with an output's rows as CSV in UTF-8, without a header.

        Each may be gone when the next is asked for.

        NULL is an empty field without quotes, text is always in quotes; lists, maps and structs are JSON; times are in
        UTC.
        """
        ...

    def rows(self, output: str, size: int, *, encoded: bool = False) -> Iterator[list[tuple[Any, ...]]]:
        """Yields an output's rows in lists of at most ``size``: plain Python values in the order of the columns.

        With ``encoded``, times, dates and lists may be text instead, as ``CsvRows`` says: an engine does what costs
        it least.

        Text, bool, int, float, Decimal with the column's scale, datetime in UTC, date, list, dict and None; a struct
        is a dict.
        """
        ...


class Transformer(Protocol):
    """Runs transformations.

    Attributes:
        engine: on which it runs them.
        reads_delimited: whether inputs may be delimited text.
    """

    reads_delimited: bool

    @property
    def engine(self) -> Engine: ...

    def scratch(self) -> AbstractContextManager[Path]:
        """Returns a folder of its own for one run, gone afterwards; on a machine a dead process's is, with the next."""
        ...

    def run(self, plan: TransformationPlan, *, scratch: Path, memory_mb: int) -> AbstractContextManager[Transformed]:
        """Computes the outputs; their rows are there until the block is left.

        Raises:
            QueryError: a step failed, an output lacks a column, holds NULL where it may not, or has a column of a
                type that its own cannot hold without rounding; or more memory is needed.
            StorageFullError: the disk is full.
            UsageError: what the engine needs is not installed.
        """
        ...
