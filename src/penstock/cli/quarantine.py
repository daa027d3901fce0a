"""Records that did not fit: ``quarantine list``, ``show`` and ``replay``."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import typer

from penstock.cli.lake_tables import SomeTable, TableName, opened
from penstock.cli.options import Options

SHOWN_CHARACTERS = 120
Within = Annotated[str, typer.Option("--partition", help="Only these: year=2026/month=02, as deep as you like.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True)(_list_when_bare)
    group.command("list")(list_quarantine)
    group.command("show")(show)
    group.command("replay")(replay)
    app.add_typer(group, name="quarantine", help="Look at records that did not fit, and put them through again.")


def _list_when_bare(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_quarantine(context)


def list_quarantine(context: typer.Context, table: SomeTable = None, partition: Within = "") -> None:
    """List what lies in quarantine: for each raw object how many records, and the most frequent reason."""
    from penstock.cli import output
    from penstock.runtime.lake.replay import quarantined

    options: Options = context.obj
    home, tables = opened(options, table)
    found = [(one.name, each) for one in tables for each in quarantined(home.objects, one, partition)]
    home.close()
    columns = ["table", "raw object", "records", "most frequent reason"]
    if options.as_json:
        output.emit_json([{"table": name, **_plain(each)} for name, each in found])
        return
    rows = [[name, each.source or each.key, each.records, _short(each.reason)] for name, each in found]
    output.table(columns, rows, empty="nothing is in quarantine")


def show(
    context: typer.Context,
    table: TableName,
    partition: Within = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="The most records to show.")] = 50,
) -> None:
    """Show records that lie in quarantine: where each is from, why it did not fit, and its text."""
    from penstock.cli import output
    from penstock.runtime.lake.replay import lines_of

    options: Options = context.obj
    home, (declared,) = opened(options, table)
    found = list(itertools.islice(lines_of(home.objects, declared, partition), limit + 1))
    home.close()
    shown = found[:limit]
    if options.as_json:
        output.emit_json([_plain(one) for one in shown])
        return
    rows = [[one.source, one.line, one.reason, _short(one.raw)] for one in shown]
    output.table(["raw object", "line", "reason", "text"], rows, empty="nothing is in quarantine")
    if len(found) > limit:
        output.console(stderr=True).print(f"there are more than {limit}; --limit shows more", style="dim")


def replay(context: typer.Context, table: SomeTable = None, partition: Within = "") -> None:
    """Put through again what sealing found not to fit, as the tables are declared now."""
    from penstock.cli import output
    from penstock.runtime.lake.replay import replay as replayed

    options: Options = context.obj
    home, tables = opened(options, table)
    home.schema_history.keep(tables, home.clock.now())
    sealer = home.partition_sealer
    done = [one for declared in tables for one in replayed(home.objects, sealer, declared, partition)]
    home.close()
    told: list[dict[str, Any]] = [
        {
            "table": one.outcome.table,
            "partition": one.outcome.partition,
            "before": one.before,
            "after": one.after,
            "rows": one.outcome.counts.good,
        }
        for one in done
    ]
    if options.as_json:
        output.emit_json(told)
        return
    headings = ["table", "partition", "in quarantine before", "now", "sealed rows"]
    output.table(headings, [list(one.values()) for one in told], empty="nothing is in quarantine")


def _plain(one: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(one)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
