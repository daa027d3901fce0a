"""The lake's files: ``lake seal`` and ``lake check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli import retain
from penstock.cli.lake_tables import SomeTable, opened
from penstock.cli.options import Options
from penstock.cli.ship import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.model.datasets import LakeTable
    from penstock.model.sealing import Compacted
    from penstock.runtime.lake.check import Balance
    from penstock.runtime.lake.seal import Outcome
    from penstock.runtime.machine.home import Home

Partition = Annotated[
    str, typer.Option("--partition", help="Only these: year=2026/month=02, as deep as you like; open ones too.")
]
COLUMNS = ("table", "partition", "records", "good", "quarantined", "duplicates")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.callback()(lambda: None)
    group.command("seal")(seal)
    group.command("check")(check)
    retain.register(group)
    app.add_typer(group, name="lake", help="Seal partitions, prove that nothing is lost, archive and expire.")


def seal(
    context: typer.Context,
    table: SomeTable = None,
    partition: Partition = "",
    again: Annotated[
        bool, typer.Option("--again", help="Read what is sealed again too, from the raw objects that are there.")
    ] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="With --again: even where rows of raw objects that are gone go too.")
    ] = False,
    memory: Annotated[int, typer.Option("--memory-mb", min=64, help="The most memory to sort in.")] = 1024,
) -> None:
    """Make one sorted Parquet file of each closed partition; what does not fit goes to the quarantine.

    Days that are over are put together for queries then, unless partitions are named.
    """
    from penstock.adapters.local.sealer import DuckDbSealer
    from penstock.cli import output
    from penstock.runtime.lake.seal import PartitionSealer

    options: Options = context.obj
    home, tables = opened(options, table)
    home.schema_history.keep(tables, home.clock.now())
    sealer = PartitionSealer(home.objects, DuckDbSealer(home.lake, memory_limit_mb=memory), home.rows)
    done: list[Outcome] = []
    progress = Progress(silent=options.as_json)
    for declared in tables:
        for name in _chosen(home, declared, partition, again):
            progress.say(f"start {len(done)} partitions sealed, now {declared.name} {name}")
            done.append(sealer.seal(declared, name, again=again, accept_loss=accept_loss))
    days = [] if partition or not home.settings.compact else _put_together(home, tables, memory, progress)
    progress.clear()
    home.close()
    told = [{**_counted(one), "sealed_now": one.is_new, "objects_read": one.read} for one in done]
    if options.as_json:
        output.emit_json(told)
        return
    new = [one for one in done if one.is_new]
    rows = [[*(_counted(one)[name] for name in COLUMNS), one.read] for one in new]
    output.table([*COLUMNS, "objects read"], rows, empty="everything that is closed is sealed")
    for one in new:
        if one.is_partial:
            output.console(stderr=True).print(
                f"{one.table} {one.partition}: some raw objects are gone; their rows stayed as they were sealed",
                style="yellow",
            )
    _print_days(days)


def _put_together(home: Home, tables: Sequence[LakeTable], memory: int, progress: Progress) -> list[Compacted]:
    from penstock.adapters.local.compactor import DuckDbCompactor

    compactor = DuckDbCompactor(home.lake, home.days, memory_limit_mb=memory)
    made: list[Compacted] = []
    for table in tables:
        progress.say(f"start {len(made)} days put together for queries, now {table.name}")
        for one in compactor.compact(table, home.clock.now()):
            made.append(one)
            progress.say(f"start {len(made)} days put together for queries, now after {table.name} {one.day}")
    return made


def _print_days(days: Sequence[Compacted]) -> None:
    from penstock.cli import output

    made = [one for one in days if not one.problem]
    if made:
        size = output.size(sum(one.size_bytes for one in made))
        output.console().print(f"put together for queries: {output.count(len(made), 'day')}, {size}", style="dim")
    for one in days:
        if one.problem:
            text = f"{one.table} {one.day} is not put together, its hours are read: {one.problem}"
            output.console(stderr=True).print(text, style="yellow", markup=False)


def check(
    context: typer.Context,
    table: SomeTable = None,
    partition: Annotated[
        str | None, typer.Option("--partition", help="One partition, such as year=2026/month=02/day=20/hour=07.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Take the counts for true that were written when it was sealed.")
    ] = False,
) -> None:
    """Prove from the files alone that raw = sealed + quarantined + duplicates; exit code 1 when that is not so."""
    from penstock.cli import output
    from penstock.runtime.lake.check import LakeCheck, added

    options: Options = context.obj
    home, tables = opened(options, table)
    checker = LakeCheck(home.objects, home.sealing, home.rows, recount=not quick, now=home.clock.now())
    found: dict[str, list[Balance]] = {one.name: list(checker.check(one, partition)) for one in tables}
    home.close()
    wrong = [one for balances in found.values() for balance in balances for one in balance.wrong]
    sums = [{"table": name, **added(balances)} for name, balances in found.items()]
    if options.as_json:
        output.emit_json({"balanced": not wrong, "tables": sums, "wrong": wrong})
    else:
        _print_check(sums, [[one.key, one.message] for one in wrong])
    if wrong:
        raise typer.Exit(1)


def _print_check(sums: list[dict[str, Any]], wrong: list[list[str]]) -> None:
    from penstock.cli import output

    names = ("table", "partitions", "records", "rows", "quarantined", "duplicates", "unsealed", "archived", "gone")
    headings = ["table", "partitions", "raw records", "sealed rows", "quarantined", "duplicates",
                "objects not sealed", "archived", "gone"]  # fmt: skip
    output.table(headings, [[one[name] for name in names] for one in sums], empty="no pipeline here has a lake table")
    if wrong:
        output.table(["file", "what is wrong"], wrong)
    elif sums:
        output.console().print("balanced: raw = sealed + quarantined + duplicates", style="green")


def _chosen(home: Home, table: LakeTable, partition: str, again: bool) -> Iterator[str]:
    from penstock.runtime.lake.closed import all_partitions, closed_partitions

    if partition:
        yield from all_partitions(home.objects, table, partition, sealed=again)
    else:
        yield from closed_partitions(home.objects, table, home.clock.now())


def _counted(outcome: Outcome) -> dict[str, Any]:
    counts = outcome.counts
    return {
        "table": outcome.table,
        "partition": outcome.partition,
        "records": counts.records,
        "good": counts.good,
        "quarantined": counts.quarantined,
        "duplicates": counts.duplicates,
    }
