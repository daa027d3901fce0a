"""For readers without Penstock: ``export``."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.ask import meant
from penstock.cli.options import Options
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from penstock.adapters.local.export_folder import ParquetFolder
    from penstock.model.pipeline import Definition
    from penstock.model.queries import NamedQuery
    from penstock.ports.export import Exported
    from penstock.runtime.machine.home import Home

ANSWER = "answer"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("export")(export)


def export(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help='A lake table, the name of a query, a SELECT, or "-" for stdin.')],
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Write Parquet files into this folder.")] = None,
    iceberg: Annotated[Path | None, typer.Option("--iceberg", help="Make this folder an Iceberg table.")] = None,
    name: Annotated[str, typer.Option("--name", help="What the answer to a SELECT is to be called.")] = "",
    dialect: Annotated[str, typer.Option("--dialect", help="Whose SQL a SELECT is: athena or duckdb.")] = "duckdb",
    copy: Annotated[bool, typer.Option("--copy", help="Copy sealed files instead of linking them.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="A SELECT may take so many seconds.")] = 600.0,
) -> None:
    """Export a table or an answer as Parquet or as an Iceberg table; sealed files are shared, not copied."""
    from penstock.lake.crawl import table_name
    from penstock.runtime.asking import for_duckdb
    from penstock.runtime.machine.table_export import export_answer, export_table

    options: Options = context.obj
    definitions, _ = options.catalog().load_good()
    tables = [table for definition in definitions.values() for table in definition.lake_tables.values()]
    home = options.open_home()
    write = functools.partial(home.query.export, tables=tables, timeout_seconds=timeout)
    table = next((one for one in tables if one.name == what), None)
    if table is not None:
        if name not in {"", table.name}:
            raise UsageError(f"{table.name} is exported by its own name", hint="leave --name out")
        target = _target(home, parquet, iceberg, table=table.name, copy=copy)
        made = export_table(table, home.lake_catalog.listing(table), target, write)
    else:
        asked = _asked(what, dialect, list(definitions.values()), home)
        called = table_name(name or asked.name or ANSWER)
        sql = for_duckdb(asked.sql, asked.dialect, tables=tables).sql
        target = _target(home, parquet, iceberg, table=called, copy=copy)
        made = export_answer(called, sql, home.entropy.token(), target, write)
    home.close()
    _print(made, as_json=options.as_json)


def _target(home: Home, parquet: Path | None, iceberg: Path | None, *, table: str, copy: bool) -> ParquetFolder:
    from penstock.adapters.local.export_folder import ParquetFolder
    from penstock.adapters.local.iceberg import IcebergFolder

    if parquet is not None and iceberg is None:
        return ParquetFolder(parquet, lake=home.lake, table=table, copy=copy)
    if iceberg is not None and parquet is None:
        return IcebergFolder(iceberg, lake=home.lake, table=table, copy=copy)
    raise UsageError("say as what to export", hint="give --parquet FOLDER or --iceberg FOLDER")


def _asked(what: str, dialect: str, definitions: Sequence[Definition], home: Home) -> NamedQuery:
    text = sys.stdin.read() if what == "-" else what
    try:
        return meant(text, dialect, definitions, home)
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no lake table and no query {text.strip()!r}",
            hint=f"`penstock tables` lists the tables; {error.hint}",
        ) from None


def _print(made: Exported, *, as_json: bool) -> None:
    import msgspec

    from penstock.cli import output

    if as_json:
        output.emit_json(msgspec.to_builtins(made))
        return
    rows = [[made.rows, made.files, output.size(made.size_bytes), made.linked, made.copied, made.written, made.kept]]
    output.table(["rows", "files", "size", "linked", "copied", "written", "kept"], rows)
    output.console(stderr=True).print(f"read it at {made.location}", style="dim", markup=False)
