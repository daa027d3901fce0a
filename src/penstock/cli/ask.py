"""Questions: ``query`` and ``queries``."""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options
from penstock.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.model.datasets import LakeTable
    from penstock.model.pipeline import Definition
    from penstock.model.queries import NamedQuery
    from penstock.ports.query import Result, TableScan
    from penstock.runtime.asking import Asked
    from penstock.runtime.machine.home import Home
    from penstock.runtime.translations import TranslationCache

ENDINGS = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
ENGINES = {"athena": "Athena", "duckdb": "DuckDB"}
PRINTED = {"table", "json", "csv"}


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("query")(query)
    app.command("queries")(queries)


def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help='A SELECT, the name of a query, or "-" for standard input.')],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Print at most so many rows.")] = 1000,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Give up after so many seconds.")] = 60.0,
    memory: Annotated[int, typer.Option("--memory", min=64, help="Use at most so many megabytes.")] = 512,
    dialect: Annotated[
        str | None, typer.Option("--dialect", help="Whose SQL it is: athena or duckdb. Told by itself when absent.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="name=text or name:=JSON, for :name in the query.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="table, json, csv, parquet or arrow; the last two need --output.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all rows to this file; its ending tells the format.")
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="CSV: leave texts as they are that a spreadsheet would take for formulas.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell what was asked and read, of how much, instead of the rows.")
    ] = False,
    save: Annotated[str | None, typer.Option("--save", help="Keep the query under this name.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read the lake, even if the answer is known.")] = False,
) -> None:
    """Ask in SQL, over everything in the lake. Read-only; quarantined records are in <table>_quarantine."""
    from penstock.runtime.asking import ask

    options: Options = context.obj
    if output is None and form not in {None, *PRINTED}:
        raise UsageError(f"{form} cannot be printed", hint="name a file: --output answer.parquet")
    home = options.open_home()
    definitions, _ = options.catalog().load_good()
    asked = meant(sys.stdin.read() if sql == "-" else sql, dialect, list(definitions.values()), home)
    tables = [table for definition in definitions.values() for table in definition.lake_tables.values()]
    given = _parameters(param or [])
    engine = home.query.limited(memory_limit_mb=memory, is_cached=not fresh)
    if output is not None:
        export = functools.partial(engine.export, form=_format_of(output, form), timeout_seconds=timeout, exact=exact)
        _export(export, asked, tables, given, output, options.translations())
    else:
        found, taken = ask(
            engine, asked.sql, tables=tables, dialect=_dialect(asked, dialect), parameters=given,
            limit=limit, timeout_seconds=timeout, explain=explain, translate=options.translations(),
        )  # fmt: skip
        _show(found, taken, options, form or "table", limit, explain=explain, exact=exact)
    if save is not None:
        path = home.saved_queries.save(save, asked.sql, asked.dialect)
        typer.echo(f"saved as {save} in {path}", err=True)


def meant(text: str, dialect: str | None, definitions: Sequence[Definition], home: Home) -> NamedQuery:
    """Returns the query that is meant: by its name when it is one word, which SQL is not.

    Raises:
        NotFoundError: there is none of this name.
        UsageError: there is no such dialect, or several pipelines have a query of this name.
    """
    from penstock.model.queries import NamedQuery
    from penstock.runtime.asking import NAME, find_named

    if dialect not in {None, "athena", "duckdb"}:
        raise UsageError(f"there is no dialect {dialect!r}", hint="it is athena or duckdb")
    if NAME.fullmatch(text.strip()):
        return find_named(text.strip(), definitions, home.saved_queries)
    return NamedQuery(name="", sql=text, dialect="athena" if dialect == "athena" else "duckdb")


def _dialect(asked: NamedQuery, given: str | None) -> Any:
    """Returns whose SQL it is; None for a text of which nobody said."""
    return asked.dialect if asked.name or given else None


def _parameters(given: list[str]) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise UsageError(f"{one!r} is no parameter", hint="such as --param day=20, or --param low:=0.5")
        try:
            found[name] = msgspec.json.decode(value) if is_json else value
        except msgspec.DecodeError:
            raise UsageError(f"{value!r} is no JSON", hint=f"for text write --param {name}={value}") from None
        if isinstance(found[name], list | dict):
            raise UsageError(f"parameter {name} is no single value", hint="give text, a number, true, false or null")
    return found


def _format_of(output: Path, form: str | None) -> Any:
    told = form or ENDINGS.get(output.suffix.lower())
    if told not in {"json", "csv", "parquet", "arrow"}:
        raise UsageError(
            f"{output.name} has no ending that tells a format", hint="add --format json, csv, parquet or arrow"
        )
    return told


def _export(
    export: Callable[..., int],
    asked: NamedQuery,
    tables: list[LakeTable],
    given: dict[str, Any],
    path: Path,
    translate: TranslationCache,
) -> None:
    from penstock.cli.output import count
    from penstock.runtime.asking import for_duckdb

    taken = for_duckdb(asked.sql, asked.dialect, tables=tables, parameters=given, translate=translate)
    rows = export(taken.sql, path, tables=tables, parameters=given)
    typer.echo(f"{count(rows, 'row')} in {path}", err=True)


def _show(result: Result, asked: Asked, options: Options, form: str, limit: int, *, explain: bool, exact: bool) -> None:
    from penstock.cli import output

    names = [column.name for column in result.columns]
    as_json = options.as_json or form == "json"
    if explain:
        _explain(result, asked, as_json=as_json)
    elif form == "csv":
        _print_csv(names, result.rows, exact=exact)
    else:
        output.emit(result.rows, names, as_json=as_json, empty="no rows")
    if not as_json:
        output.console(stderr=True).print("; ".join(_notes(result, asked, limit)), style="dim", markup=False)


def _print_csv(names: list[str], rows: list[tuple[Any, ...]], *, exact: bool) -> None:
    import csv

    from penstock.cli.output import cell_text
    from penstock.model.formulas import spreadsheet_cell

    def cell(value: Any) -> str:
        text = "" if value is None else cell_text(value)
        return spreadsheet_cell(text) if isinstance(value, str) and not exact else text

    written = csv.writer(sys.stdout, lineterminator="\n")
    written.writerow([cell(name) for name in names])
    written.writerows([cell(value) for value in row] for row in rows)


def _explain(result: Result, asked: Asked, *, as_json: bool) -> None:
    import msgspec

    from penstock.cli import output

    if as_json:
        output.emit_json({
            "sql": asked.sql, "dialect": asked.dialect, "changes": [msgspec.structs.asdict(c) for c in asked.changes],
            "cached": result.cached, "files_read": result.scanned_files, "bytes_read": result.scanned_bytes,
            "tables": [msgspec.structs.asdict(one) for one in result.tables],
        })  # fmt: skip
        return
    typer.echo(f"taken as {ENGINES[asked.dialect]}'s SQL; DuckDB is asked:\n{asked.sql.strip()}\n")
    for change in asked.changes:
        typer.echo(f"  {change.rule}: {change.before} → {change.after}\n    {change.reason} ({change.source})")
    rows: list[list[Any]] = [
        [one.table, f"{one.partitions} of {one.all_partitions}", _files(one),
         f"{one.hours_in_days + one.sealed_files + one.raw_files} of {one.all_files}", output.size(one.all_bytes or 0)]
        for one in result.tables
    ]  # fmt: skip
    output.table(["table", "partitions", "files", "of all files", "all bytes"], rows, empty="no tables")
    everything = sum(one.all_bytes or 0 for one in result.tables)
    files = sum(one.all_files or 0 for one in result.tables)
    known = "nothing, the answer is known: " if result.cached else ""
    typer.echo(
        f"read {known}{result.scanned_files} of {files} files, "
        f"{output.size(result.scanned_bytes)} of {output.size(everything)}"
    )


def _files(scan: TableScan) -> str:
    """Returns which files there are to read of a table: those of whole days stand for the hours in them."""
    from penstock.cli.output import count

    days = f"{count(scan.day_files, 'day')} for {scan.hours_in_days} hours, " if scan.day_files else ""
    return f"{days}{scan.sealed_files} sealed, {scan.raw_files} raw"


def _notes(result: Result, asked: Asked, limit: int) -> list[str]:
    """Returns what is to be known about an answer beside its rows."""
    from penstock.cli.output import count, duration, size

    read = f"{count(result.scanned_files, 'file')}, {size(result.scanned_bytes)}"
    source = "what was answered before" if result.cached else read
    notes = [f"{count(len(result.rows), 'row')} in {duration(result.elapsed_seconds)} from {source}"]
    if asked.dialect == "athena":
        changed = ", ".join(dict.fromkeys(change.rule for change in asked.changes))
        notes.append(f"taken as Athena's SQL{f', rewritten: {changed}' if changed else ''}")
    if result.truncated:
        notes.append(f"there are more: --limit is {limit}")
    if result.unreadable_lines:
        notes.append(f"{count(result.unreadable_lines, 'line')} left out: no record; see <table>_quarantine")
    if result.unreadable_files:
        notes.append(f"{count(result.unreadable_files, 'file')} left out: cannot be read")
    return notes


def queries(context: typer.Context) -> None:
    """List the queries that have a name: those of the pipelines, and those that were saved here."""
    from penstock.cli import output
    from penstock.sql.parameters import named_parameters

    options: Options = context.obj
    saved = options.open_home().saved_queries
    definitions, _ = options.catalog().load_good()
    known = [(definition.name, one) for definition in definitions.values() for one in definition.queries.values()]
    known += [("saved here", found) for name in saved.names() if (found := saved.get(name))]
    if options.as_json:
        fields = ["name", "pipeline", "dialect", "description", "sql"]
        rows = [[one.name, place, one.dialect, one.description, one.sql] for place, one in known]
        output.emit_json(output.records(fields, rows))
        return
    rows = [
        [one.name, place, one.dialect, ", ".join(named_parameters(one.sql)) or "-", one.description]
        for place, one in known
    ]
    output.table(["query", "of", "dialect", "parameters", "what it answers"], rows, empty="no queries yet")
