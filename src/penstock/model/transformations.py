"""Transformations: a named piece of SQL that makes rows of rows, on whatever engine is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from penstock.model.schema import columns

Engine = Literal["duckdb", "spark"]
ENGINES: tuple[Engine, ...] = ("duckdb", "spark")

SOURCE, LINE, RAW = "_source", "_line", "_raw"
"""Columns that every input has beside its record's: the object's key, the line, and the line's text."""
OWN_COLUMNS = {SOURCE: "string", LINE: "bigint", RAW: "string"}


class ScalarFunction(msgspec.Struct, frozen=True, kw_only=True):
    """A Python function of one row's values. It has to be pure: an engine may call it more or less often than rows.

    Attributes:
        parameters: the types of its arguments, in the catalog's notation.
        takes_null: of each argument, whether it may be None; where one may not, NULL gives NULL without a call.
        returns: the type of what it gives; None is NULL.
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[str, ...]
    takes_null: tuple[bool, ...]
    returns: str


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """What the cells of a line of delimited text are, by their places from 0 on.

    Attributes:
        names: what the columns are called; a line that says just that, or nothing, is no row.
        fields: the record's fields of text, each with its cell; an empty cell is None. Other fields are None.
        line: the field that takes the number of the line.
        lines_before: how many lines stood before the first.
        rest: the field that takes a JSON object of the cells that no field takes and that say something.
    """

    separator: str
    names: tuple[str, ...]
    fields: dict[str, int]
    line: str
    lines_before: int
    rest: str | None = None


class DelimitedText(msgspec.Struct, frozen=True, kw_only=True):
    """An input that an engine may read by itself, when it is plain enough that nobody reads it otherwise.

    Attributes:
        write: writes it to a file, without its header: UTF-8, each line a row with all cells and a newline, a cell
            in quotation marks from its beginning to its end or not at all, and none with a newline or another control
            character. Returns what its cells are; None when it is not as plain as that.
        rows: the same rows as records, begun only where they are wanted.
    """

    write: Callable[[Path], Cells | None]
    rows: Iterable[Any]


class Transformation(msgspec.Struct, frozen=True, kw_only=True):
    """Steps from inputs to outputs.

    Attributes:
        inputs: the record type of each input, by name.
        steps: one SELECT each in DuckDB's SQL, by name, in an order in which each names what is above it.
        outputs: the record type of each step whose rows are wanted, by the step's name.
        functions: what the steps may call beside the engine's own functions, by name.
        engines: on which it has to run; a step that one of them cannot say is refused.
    """

    name: str
    inputs: dict[str, type[Any]]
    steps: dict[str, str]
    outputs: dict[str, type[Any]]
    functions: dict[str, ScalarFunction] = {}
    engines: tuple[Engine, ...] = ENGINES
    place: str = ""


def input_columns(transformation: Transformation) -> dict[str, dict[str, str]]:
    """Returns the columns of each input, its own ones too, with their types in the catalog's notation.

    Raises:
        TypeError: a record has a type that no column can hold.
    """
    return {
        name: {column.name: column.type for column in columns(record)} | OWN_COLUMNS
        for name, record in transformation.inputs.items()
    }
