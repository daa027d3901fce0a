"""Retention by hand: ``lake retain`` and ``lake restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.lake_tables import SomeTable, TableName
from penstock.cli.options import Options
from penstock.errors import NotFoundError

if TYPE_CHECKING:
    from penstock.lake.retention import Decision


def register(group: typer.Typer) -> None:
    """Adds the commands to the group ``lake``."""
    group.command("retain")(retain)
    group.command("restore")(restore)


def retain(
    context: typer.Context,
    table: SomeTable = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Archive and expire what is due. Nothing goes that is not sealed and counted; what is held back is told."""
    from penstock.cli import output
    from penstock.lake.retention import Action
    from penstock.runtime.machine.lake_catalog import find_table
    from penstock.runtime.machine.promoted import refuse_promoted

    options: Options = context.obj
    definitions, _ = options.catalog().load_good()
    chosen = None if table is None else [find_table(definitions, table)[1]]
    home = options.open_home()
    if not dry_run:
        refuse_promoted(home.path, definitions)
    retention = home.retention(definitions)
    rows: list[dict[str, Any]] = []
    for decision in retention.plan(chosen):
        if dry_run or decision.action is Action.HOLD:
            rows.append(_described(decision, is_done=False))
        else:
            done = retention.carry_out(decision)
            rows.append(_described(done or decision, is_done=done is not None))
    home.close()
    if options.as_json:
        output.emit_json(rows)
    else:
        _print(rows, dry_run)


def restore(
    context: typer.Context,
    table: TableName,
    partition: Annotated[str, typer.Argument(help="Which partitions: year=2026/month=02, as deep as you like.")],
) -> None:
    """Bring raw objects back from the archive, so that their partitions can be sealed anew from them."""
    from penstock.cli import output
    from penstock.runtime.machine.lake_catalog import find_table

    options: Options = context.obj
    definitions, _ = options.catalog().load_good()
    _, declared = find_table(definitions, table)
    home = options.open_home()
    found = home.lake_catalog.listing(declared, partition).partitions
    retention = home.retention(definitions)
    keys = [key for one in found for key in retention.restore(one)]
    home.close()
    if not keys:
        raise NotFoundError(
            f"the archive holds nothing of {table} {partition}",
            hint=f"`penstock partitions {table}` shows what it holds",
        )
    if options.as_json:
        output.emit_json([{"key": key} for key in keys])
    else:
        output.table(["restored"], [[key] for key in keys])


def _described(decision: Decision, *, is_done: bool) -> dict[str, Any]:
    return {
        "action": decision.action.value,
        "table": decision.table,
        "partition": decision.partition,
        "zones": list(decision.zones),
        "objects": len(decision.keys),
        "size_bytes": decision.size_bytes,
        "due_at": decision.due_at,
        "done": is_done,
        "reason": decision.reason,
    }


def _print(rows: list[dict[str, Any]], dry_run: bool) -> None:
    from penstock.cli import output

    table = [
        [one["action"], one["table"], one["partition"], ", ".join(one["zones"]), one["objects"],
         output.size(one["size_bytes"]), output.moment(one["due_at"]), one["reason"]]
        for one in rows
    ]  # fmt: skip
    output.table(
        ["action", "table", "partition", "zones", "objects", "size", "due since", "why"], table, empty="nothing is due"
    )
    going = [one for one in rows if one["done"] or (dry_run and one["objects"])]
    if not going:
        return
    total = output.size(sum(one["size_bytes"] for one in going))
    objects = output.count(sum(one["objects"] for one in going), "object")
    verb = "would move or go; --dry-run left everything as it is" if dry_run else "moved or gone"
    output.console(stderr=True).print(f"{objects}, {total}, {verb}", style="dim")
