"""From this machine into an account: ``promote``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.consent import confirm
from penstock.cli.options import Options, for_aws
from penstock.cli.ship import DEFAULT_OUT, Progress
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from penstock.deploy.destination import Destination
    from penstock.deploy.promotion_plan import Plan
    from penstock.model.pipeline import Definition
    from penstock.runtime.machine.promoted import Promotion


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("promote")(promote)


def promote(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(help="The pipeline's name.")],
    out: Annotated[Path, typer.Option("--out", help="Where the releases are.")] = DEFAULT_OUT,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show what would be carried, and carry nothing.")] = False,
    undone: Annotated[
        bool, typer.Option("--undo", help="Stop it in the account and let it run here again; nothing is carried back.")
    ] = False,
    leave_messages: Annotated[
        bool, typer.Option("--leave-messages", help="Leave messages in queues here; nothing carries them.")
    ] = False,
    settle: Annotated[
        float, typer.Option("--settle", min=0, help="How many seconds events may take to arrive in the account.")
    ] = 120.0,
) -> None:
    """Carry a pipeline's lake, hot tables and metrics into the account where it is deployed, and go on there."""
    from penstock.deploy.promotion import Promoter
    from penstock.deploy.promotion_plan import make_plan
    from penstock.runtime.machine.promoted import read_promotions

    options = for_aws(context)
    if plan_only and undone:
        raise UsageError("--plan and --undo contradict each other", hint="give the one or the other")
    definition = options.catalog().load(pipeline)
    home = options.open_home()
    try:
        destination = _destination(definition, out, may_be_gone=undone)
        if undone:
            _undo(options, definition, destination, yes=yes)
            return
        assert destination is not None  # noqa: S101
        before = read_promotions(home.path).get(pipeline)
        is_done = before is not None and before.holds and before.promoted_at is not None
        if plan_only or not is_done:
            plan = make_plan(definition, home, destination, leave_messages=leave_messages)
            _show_plan(options, pipeline, plan, plan_only=plan_only)
            if plan_only:
                return
            confirm(f"Carry this into account {plan.account}, {plan.region}, and stop {pipeline} here?", yes=yes)
        progress = Progress(silent=options.as_json)
        promoter = Promoter(
            definition,
            home,
            destination,
            say=progress.say,
            settle_seconds=settle,
            leave_messages=leave_messages,
        )
        _tell(options, pipeline, promoter.run(), destination)
    finally:
        home.close()


def _destination(definition: Definition, out: Path, *, may_be_gone: bool) -> Destination | None:
    from penstock.cli.account import _terraform
    from penstock.deploy.deployed import find_release, read_outputs
    from penstock.deploy.destination import find_destination

    terraform = _terraform(find_release(out, definition.name))
    try:
        outputs = read_outputs(terraform, definition.name)
    except NotFoundError:
        if may_be_gone:
            return None
        raise
    return find_destination(definition, outputs)


def _undo(options: Options, definition: Definition, destination: Destination | None, *, yes: bool) -> None:
    from penstock.cli import output
    from penstock.deploy.promotion import undo

    where = "" if destination is None else f"Disable its rules and schedules in account {destination.account}, and "
    confirm(f"{where or 'It is deployed no more: '}let {definition.name} run here again?", yes=yes)
    home = options.open_home()
    promotion = undo(definition, home, destination)
    home.close()
    if options.as_json:
        output.emit_json({"pipeline": definition.name, **_fields(promotion)})
        return
    typer.echo(f"{definition.name} runs in this home again; what the account has stays there and is not carried back")
    if destination is not None:
        typer.echo("its rules and schedules are disabled there; the next `penstock deploy` would enable them again")


def _fields(promotion: Promotion) -> dict[str, Any]:
    return {name: getattr(promotion, name) for name in promotion.__struct_fields__}


def _show_plan(options: Options, pipeline: str, plan: Plan, *, plan_only: bool) -> None:
    from penstock.cli import output

    if options.as_json:
        if plan_only:
            output.emit_json(plan)
        return
    rows: list[list[Any]] = [
        [prefix, one.objects, output.size(one.bytes), one.missing, len(one.different)]
        for prefix, one in plan.objects.items()
    ]
    rows += [[f"hot table {name}", one.items, "", one.missing, one.different] for name, one in plan.items.items()]
    rows.append(["datapoints", plan.datapoints, "", plan.datapoints, ""])
    output.table(
        [f"{pipeline}, to account {plan.account}, {plan.region}", "here", "size", "to carry", "different there"], rows
    )
    for line in plan.staying:
        typer.echo(f"note: {line}")
    for line in plan.obstacles:
        typer.echo(f"first: {line}")


def _tell(options: Options, pipeline: str, promotion: Promotion, destination: Destination) -> None:
    from penstock.cli import output

    if options.as_json:
        output.emit_json({"pipeline": pipeline, **_fields(promotion)})
        return
    carried = promotion.carried
    typer.echo(
        f"{pipeline} goes on in account {promotion.account}, {promotion.region}, since"
        f" {output.moment(promotion.promoted_at or 0.0)}: {carried.objects} objects ({output.size(carried.bytes)}),"
        f" {carried.items} items, {carried.datapoints} datapoints"
    )
    if carried.items_kept:
        typer.echo(f"note: {carried.items_kept} items were in the account under the same key, and stay as they were")
    was_off = [name for name in promotion.disabled if name in destination.schedules.values()]
    if was_off:
        typer.echo(
            f"note: {', '.join(was_off)} was disabled before: set schedules_enabled = true in terraform.tfvars, or the"
            " next `penstock deploy` disables it again"
        )
    typer.echo(f"look at it with: penstock status {pipeline}")
