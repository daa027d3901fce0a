"""Questions: ``query``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from penstock.cli.options import Options


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
    rows = [list(row) for row in result.rows]
    if options.as_json:
        names = [column.name for column in result.columns]
        output.emit_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    output.table([column.name for column in result.columns], rows, empty="no rows")
    note = f"{len(rows)} row{'' if len(rows) == 1 else 's'} in {output.duration(result.elapsed_seconds)}"
    if result.truncated:
        note += f"; there are more: --limit is {limit}"
    output.console(stderr=True).print(note, style="dim")
