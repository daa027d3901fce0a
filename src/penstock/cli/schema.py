"""The schemas of lake tables: ``schema show``, ``history``, ``check`` and ``accept``."""

from __future__ import annotations

from typing import Any

import typer

from penstock.cli.lake_tables import TableName
from penstock.cli.options import Options
from penstock.errors import DefinitionError

group = typer.Typer(help="What the records of the lake tables are, and were.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(group, name="schema")


@group.command("show")
def show(context: typer.Context, table: TableName) -> None:
    """Show a table's columns as DuckDB, Glue and Parquet have them; with --json its JSON schema as well."""
    from penstock.cli import output
    from penstock.model.column_types import duckdb_type, glue_type, parquet_leaves
    from penstock.model.schema import columns, fingerprint, json_schema

    options: Options = context.obj
    record = _table(options, table).record
    described = columns(record)
    found: list[dict[str, Any]] = [
        {
            "column": column.name,
            "nullable": column.nullable,
            "duckdb": duckdb_type(column.type),
            "glue": glue_type(column.type),
            "parquet": [
                " ".join(filter(None, (".".join(leaf.path), leaf.physical, leaf.logical)))
                for leaf in parquet_leaves(column.name, column.type)
            ],
        }
        for column in described
    ]
    if options.as_json:
        schema = {"table": table, "fingerprint": fingerprint(described), "columns": found}
        output.emit_json({**schema, "json_schema": json_schema(record)})
        return
    rows = [[*list(one.values())[:-1], "; ".join(one["parquet"])] for one in found]
    output.table(["column", "nullable", "DuckDB", "Glue", "Parquet"], rows, title=table)


@group.command("history")
def history(context: typer.Context, table: TableName) -> None:
    """List the schemas that a table has had in this home, and what each changed."""
    from penstock.cli import output
    from penstock.lake.evolution import changes

    options: Options = context.obj
    name = _table(options, table).name
    versions = options.open_home().schema_history.versions(name)
    found: list[dict[str, Any]] = []
    for before, version in zip([None, *versions], versions, strict=False):
        told = [] if before is None else [change.message for change in changes(before, version)]
        found.append(
            {"version": version.version, "since": version.since, "fingerprint": version.fingerprint,
             "changes": told, "accepted": list(version.accepted)}
        )  # fmt: skip
    if options.as_json:
        output.emit_json(found)
        return
    rows = [
        [one["version"], output.moment(one["since"]), one["fingerprint"], "; ".join(one["changes"])] for one in found
    ]
    output.table(["version", "since", "fingerprint", "changes"], rows, empty="it has not been used in this home yet")


@group.command("check")
def check(context: typer.Context) -> None:
    """Tell what would break if the pipelines ran in this home with the record types that they have now."""
    from penstock.cli import output
    from penstock.errors import report

    options: Options = context.obj
    home = options.open_home()
    tables = list(_tables(options).values())
    findings = home.schema_history.check(tables)
    if findings:
        raise DefinitionError(
            report(findings),
            hint="mend the record types; or let the change pass: `penstock schema accept TABLE`",
            findings=[{"where": one.where, "message": one.message, "hint": one.hint} for one in findings],
        )
    grown = {table.name: [one.message for one in home.schema_history.differences(table)] for table in tables}
    if options.as_json:
        output.emit_json(grown)
        return
    rows = [[name, "; ".join(messages) or "as it was"] for name, messages in grown.items()]
    output.table(["table", "changes"], rows, empty="no pipeline here declares a lake table")


@group.command("accept")
def accept(context: typer.Context, table: TableName) -> None:
    """Let a breaking change of a table's records pass. Older records that do not fit go to quarantine when sealed."""
    from penstock.cli import output

    options: Options = context.obj
    home = options.open_home()
    broken = home.schema_history.accept(_table(options, table), home.clock.now())
    if options.as_json:
        output.emit_json([change.message for change in broken])
        return
    output.table(["accepted"], [[change.message] for change in broken], empty="nothing was broken")


def _tables(options: Options) -> dict[str, Any]:
    from penstock.runtime.machine.lake_catalog import lake_tables

    definitions, _ = options.catalog().load_good()
    return {name: table for name, (_, table) in lake_tables(definitions).items()}


def _table(options: Options, name: str) -> Any:
    from penstock.runtime.machine.lake_catalog import find_table

    definitions, _ = options.catalog().load_good()
    return find_table(definitions, name)[1]
