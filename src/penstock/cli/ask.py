"""Questions: ``query``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.options import Options

if TYPE_CHECKING:
    from penstock.ports.query import Result


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("query")(query)


def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help='A SELECT over lake tables; "-" reads it from standard input.')],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many rows.")] = 1000,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Give up after so many seconds.")] = 60.0,
) -> None:
    """Ask in SQL, over everything in the lake. Read-only; quarantined records are in <table>_quarantine."""
    from penstock.cli import output

    options: Options = context.obj
    home = options.open_home()
    definitions, _ = options.catalog().load_good()
    tables = [table for definition in definitions.values() for table in definition.lake_tables.values()]
    text = sys.stdin.read() if sql == "-" else sql
    result = home.query.run(text, tables=tables, limit=limit, timeout_seconds=timeout)
    output.emit(result.rows, [column.name for column in result.columns], as_json=options.as_json, empty="no rows")
    if not options.as_json:
        output.console(stderr=True).print("; ".join(_notes(result, limit)), style="dim")


def _notes(result: Result, limit: int) -> list[str]:
    """Returns what is to be known about an answer beside its rows."""
    from penstock.cli.output import count, duration, size

    read = f"{count(result.scanned_files, 'file')}, {size(result.scanned_bytes)}"
    notes = [f"{count(len(result.rows), 'row')} in {duration(result.elapsed_seconds)} from {read}"]
    if result.truncated:
        notes.append(f"there are more: --limit is {limit}")
    if result.unreadable_lines:
        notes.append(f"{count(result.unreadable_lines, 'line')} left out: no record; see <table>_quarantine")
    if result.unreadable_files:
        notes.append(f"{count(result.unreadable_files, 'file')} left out: cannot be read")
    return notes
