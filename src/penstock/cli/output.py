"""One way to print: tables for people, one JSON document for programs, errors with their mend."""

from __future__ import annotations

import decimal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

import msgspec

from penstock.cli.values import (
    age,
    cell_text,
    clean,
    count,
    duration,
    moment,
    plain,
    records,
    result_json,
    short_source,
    size,
)
from penstock.errors import (
    AccessDeniedError,
    DefinitionError,
    HomeError,
    InvalidWorkflowError,
    LoadError,
    NotFoundError,
    PenstockError,
    PortError,
    QueryError,
    UsageError,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "EXIT_CODES",
    "EXIT_MEANINGS",
    "INTERNAL_ERROR",
    "INTERRUPTED",
    "age",
    "cell_text",
    "clean",
    "console",
    "count",
    "duration",
    "emit",
    "emit_json",
    "fail",
    "fail_unexpected",
    "moment",
    "plain",
    "records",
    "result_json",
    "short_source",
    "size",
    "status_text",
    "table",
]

# The first class that fits decides; docs/reference/cli.md prints the same table.
EXIT_CODES: tuple[tuple[type[PenstockError], int], ...] = (
    (UsageError, 2),
    (DefinitionError, 3),
    (InvalidWorkflowError, 3),
    (LoadError, 3),
    (NotFoundError, 4),
    (HomeError, 5),
    (QueryError, 6),
    (AccessDeniedError, 7),
    (PortError, 1),
    (PenstockError, 1),
)
INTERNAL_ERROR = 70
INTERRUPTED = 130
EXIT_MEANINGS: dict[int, str] = {
    0: "done",
    1: "an execution failed, or something else that was asked for did not succeed",
    2: "wrong usage",
    3: "a definition cannot be used",
    4: "what was named does not exist",
    5: "the home cannot be used",
    6: "a query was refused or failed",
    7: "access denied",
    INTERNAL_ERROR: "a defect of Penstock",
    INTERRUPTED: "interrupted",
}
# A table that would have narrower columns is shown as one block a row.
NARROWEST_COLUMN = 12


def console(*, stderr: bool = False) -> Console:
    """Returns a console; plain when its stream is no terminal, and then as wide as the text."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return Console(file=stream, highlight=False, width=width, soft_wrap=not stream.isatty(), emoji=False)


def emit(rows: Sequence[Sequence[Any]], columns: Sequence[str], *, as_json: bool, empty: str = "") -> None:
    """Prints rows: one JSON document of objects for programs, a table for people."""
    if as_json:
        emit_json(records(columns, rows))
    else:
        table(columns, rows, empty=empty)


def emit_json(document: Any) -> None:
    """Prints one JSON document to stdout: indented, in UTF-8 whatever the locale, without NaN."""
    _write_json(sys.stdout, msgspec.json.format(msgspec.json.encode(plain(document)), indent=2))


def _write_json(stream: TextIO, encoded: bytes) -> None:
    stream.flush()
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(encoded.decode() + "\n")
    else:
        binary.write(encoded + b"\n")
    stream.flush()


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "", empty: str = "") -> None:
    """Prints a table for people: as wide as the terminal; for a pipe plain, one line a row, nothing cut.

    Cells are text or Rich's renderables; text is taken as it is, never as markup.
    """
    if not sys.stdout.isatty():
        _plain_table(headings, rows, title, empty)
        return
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not rows:
        out.print(Text(clean(empty or "nothing yet"), style="dim"))
        return
    if title:
        out.print(Text(clean(title), style="bold"))
    if len(headings) > 1 and out.width < min(len(headings) * NARROWEST_COLUMN, _natural_width(headings, rows)):
        _print_blocks(out, headings, rows)
        return
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    numeric = _numeric(len(headings), rows)
    for position, name in enumerate(headings):
        justify: Literal["left", "right"] = "right" if position in numeric else "left"
        made.add_column(Text(clean(name)), justify=justify, header_style="bold", overflow="fold")
    for row in rows:
        made.add_row(*(cell if _is_renderable(cell) else Text(clean(cell_text(cell))) for cell in row))
    out.print(made)


def _numeric(width: int, rows: Sequence[Sequence[Any]]) -> set[int]:
    kinds = (int, float, decimal.Decimal, type(None))
    return {
        position
        for position in range(width)
        if all(isinstance(row[position], kinds) and not isinstance(row[position], bool) for row in rows)
    }


def _natural_width(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    return sum(max(len(_one_line(cell)) for cell in cells) + 2 for cells in zip(headings, *rows, strict=True))


def _print_blocks(out: Console, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.text import Text

    width = max(len(clean(name)) for name in headings)
    for number, row in enumerate(rows):
        if number:
            out.print()
        for name, cell in zip(headings, row, strict=True):
            out.print(Text.assemble((clean(name).ljust(width), "bold"), f"  {_one_line(cell)}"))


def _plain_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], title: str, empty: str) -> None:
    from rich.cells import cell_len

    lines = [[_one_line(name) for name in headings], *([_one_line(cell) for cell in row] for row in rows)]
    if not rows:
        sys.stdout.write(f"{clean(empty or 'nothing yet')}\n")
        return
    if title:
        sys.stdout.write(f"{clean(title)}\n")
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    numeric = _numeric(len(headings), rows)
    for line in lines:
        padded = []
        for position, (cell, width) in enumerate(zip(line, widths, strict=True)):
            padding = " " * (width - cell_len(cell))
            padded.append(padding + cell if position in numeric else cell + padding)
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _one_line(cell: Any) -> str:
    text = str(cell) if _is_renderable(cell) else cell_text(cell)
    return clean(text).replace("\n", "\\n").replace("\t", "\\t")


def _is_renderable(cell: Any) -> bool:
    return hasattr(cell, "__rich_console__")


def status_text(status: str) -> Any:
    """Returns a status in its colour, with a sign that does not need colour."""
    from rich.text import Text

    sign, style = {
        "SUCCEEDED": ("✔", "green"),
        "OK": ("✔", "green"),
        "delivered": ("✔", "green"),
        "RUNNING": ("●", "cyan"),
        "PENDING": ("○", "cyan"),
        "pending": ("○", "cyan"),
        "RETRYING": ("↻", "yellow"),
        "WAITING": ("◷", "cyan"),
        "INSUFFICIENT_DATA": ("?", "yellow"),
        "CAUGHT": ("↷", "yellow"),
        "FAILED": ("✘", "red"),
        "ALARM": ("▲", "red"),
        "TIMED_OUT": ("✘", "red"),
        "ABORTED": ("✘", "red"),
        "dead": ("✘", "red"),
    }.get(status, ("·", ""))
    return Text(f"{sign} {status}", style=style)


def fail(error: PenstockError, *, as_json: bool) -> int:
    """Prints an error and its mend to stderr; returns the exit code."""
    code = next(number for kind, number in EXIT_CODES if isinstance(error, kind))
    if as_json:
        _write_json(sys.stderr, msgspec.json.encode(plain({**error.to_dict(), "exit_code": code})))
        return code
    _print_error(error.message, error.hint)
    return code


def fail_unexpected(error: BaseException, *, as_json: bool) -> int:
    """Prints what should not have happened; returns the exit code."""
    message = f"{type(error).__name__}: {error}"
    hint = "this is a defect of Penstock: please report it, with what PENSTOCK_DEBUG=1 prints"
    if as_json:
        document = {"error": "Internal", "message": message, "hint": hint, "exit_code": INTERNAL_ERROR}
        _write_json(sys.stderr, msgspec.json.encode(plain(document)))
    else:
        _print_error(message, hint)
    return INTERNAL_ERROR


def _print_error(message: str, hint: str) -> None:
    from rich.text import Text

    out = console(stderr=True)
    out.print(Text.assemble(("error: ", "bold red"), clean(message)))
    if hint:
        out.print(Text.assemble(("    → ", "bold"), clean(hint)))
