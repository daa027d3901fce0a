"""Answers as files: written by us from an admitted question, never by a statement of the user's.

DuckDB writes them row group by row group, so an answer may be larger than the memory. The one file that it may write is
a new one beside the wanted one, which takes its name when it is whole.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from penstock.adapters.local.duckdb_text import identifier, literal
from penstock.adapters.local.query_answer import bound, within
from penstock.errors import UsageError
from penstock.model.formulas import FORMULA, spreadsheet_cell
from penstock.ports.query import Parameters

if TYPE_CHECKING:
    import duckdb

Format = Literal["json", "csv", "parquet", "arrow"]
# https://duckdb.org/docs/stable/sql/statements/copy
COPY_OPTIONS = {
    "json": "FORMAT json",
    "csv": "FORMAT csv, HEADER true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
ARROW_ROWS = 100_000
# What text of somebody else's can be in; lists and structs begin with a bracket.
TEXTS = ("VARCHAR", "ENUM", "JSON", "BLOB", "UNION")


@contextlib.contextmanager
def beginning(path: Path, form: Format) -> Iterator[Path]:
    """Gives a new file to write to, which takes the wanted name afterwards, unless something went wrong."""
    if form == "arrow":
        _check_arrow()
    folder = path.parent.resolve()
    temporary = folder / f".penstock-{secrets.token_hex(8)}"
    try:
        temporary.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield temporary
        try:
            temporary.replace(folder / path.name)
        except OSError as error:
            raise _unwritable(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}", hint="choose a file in a folder that you may write")


def write(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    parameters: Parameters,
    form: Format,
    path: Path,
    *,
    exact: bool = False,
) -> int:
    """Writes the rows of an admitted statement to a file; returns how many there were.

    Args:
        exact: texts of CSV are left as they are, also where a spreadsheet would take them for formulas.
    """
    inner = within(connection, text, parameters)
    rows = f"SELECT * FROM {inner}"
    if form == "arrow":
        return _write_arrow(connection, rows, parameters, path)
    if form == "csv" and not exact:
        rows = _for_spreadsheets(connection, inner, parameters)
    options = f"{COPY_OPTIONS[form]}, USE_TMP_FILE false"
    statement = f"COPY ({rows}) TO {literal(str(path))} ({options})"
    (count,) = connection.execute(statement, bound(parameters)).fetchone() or (0,)
    return int(count)


def _for_spreadsheets(connection: duckdb.DuckDBPyConnection, inner: str, parameters: Parameters) -> str:
    """Returns the statement for the same rows, without a cell or a heading that a spreadsheet would calculate."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {inner}", bound(parameters)).fetchall()
    # By their places: two columns of an answer may have one name.
    places = [f"c{number}" for number in range(len(described))]
    cells = [
        f"{_safe_cell(place, kind)} AS {identifier(spreadsheet_cell(name))}"
        for place, (name, kind, *_) in zip(places, described, strict=True)
    ]
    return f"SELECT {', '.join(cells)} FROM {inner} AS answer({', '.join(places)})"


def _safe_cell(column: str, kind: str) -> str:
    if not kind.startswith(TEXTS) or kind.endswith("]"):
        return column
    text = f"CAST({column} AS VARCHAR)"
    return f"CASE WHEN regexp_matches({text}, {literal(FORMULA)}) THEN '''' || {text} ELSE {text} END"


def _check_arrow() -> None:
    import importlib.util

    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(
            "pyarrow is not installed, which writes Arrow", hint="pip install pyarrow, or use --format parquet"
        )


def _write_arrow(connection: duckdb.DuckDBPyConnection, text: str, parameters: Parameters, path: Path) -> int:
    import pyarrow.ipc

    reader = connection.sql(text, params=bound(parameters) or None).to_arrow_reader(ARROW_ROWS)
    count = 0
    with pyarrow.ipc.new_file(str(path), reader.schema) as file:
        for batch in reader:
            file.write_batch(batch)
            count += batch.num_rows
    return count
