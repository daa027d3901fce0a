"""A pipeline in an AWS account: ``deploy``, ``destroy``, ``status``, ``logs``; what it costs: ``cost``, ``bill``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.bill import bill
from penstock.cli.consent import confirm, confirm_losses
from penstock.cli.cost import cost
from penstock.cli.options import Options, for_aws
from penstock.cli.ship import DEFAULT_OUT, AcceptSchema, Progress
from penstock.errors import DeploymentError, UsageError

if TYPE_CHECKING:
    from penstock.deploy.changes import Holding, Summary
    from penstock.deploy.doctor import Finding
    from penstock.deploy.terraform_command import Change, Terraform
    from penstock.model.pipeline import Definition

__all__ = ["Delete", "Out", "PipelineName", "Yes", "confirm", "deployed", "register", "seconds"]

Out = Annotated[Path, typer.Option("--out", help="Where the releases are.")]
PipelineName = Annotated[str, typer.Argument(help="The pipeline's name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; what deletes data must be named all the same.")]
Delete = Annotated[
    list[str] | None,
    typer.Option("--delete", help="Name of a bucket, table or key that may be deleted with its data; may be repeated."),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("deploy")(deploy)
    app.command("destroy")(destroy)
    app.command("status")(status)
    app.command("logs")(logs)
    app.command("cost")(cost)
    app.command("bill")(bill)


def deploy(
    context: typer.Context,
    pipeline: PipelineName,
    out: Out = DEFAULT_OUT,
    yes: Yes = False,
    delete: Delete = None,
    silence: Annotated[
        list[str] | None, typer.Option("--silence", help="A doctor's rule to leave out: CODE or CODE:ADDRESS.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite Terraform that was edited.")] = False,
    accept_schema: AcceptSchema = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show what would change, and change nothing.")] = False,
) -> None:
    """Package, synthesize, plan, show what changes and what it costs, ask, and apply."""
    from penstock.cost.estimate import estimate
    from penstock.cost.prices import book
    from penstock.deploy.changes import losses, summarize
    from penstock.deploy.doctor import examine
    from penstock.deploy.release import release
    from penstock.deploy.terraform_command import find_terraform, has_effect

    options = for_aws(context)
    catalog = options.catalog()
    definition = catalog.load(pipeline)
    # Packaging takes long: what is wrong from the beginning is told before.
    find_terraform()
    examine({"values": {}}, silenced=silence or [])
    progress = Progress(silent=options.as_json)
    progress.say("packaging and synthesizing")
    reference = catalog.reference(pipeline)
    made = release(definition, reference, out / pipeline, force=force, accept_schemas=accept_schema)
    terraform = _terraform(made.folder, progress)
    try:
        changes = _plan(terraform, progress)
        findings = examine(terraform.show_plan(), silenced=silence or [])
        costs = estimate(definition, prices=book(definition.region))
        summary, held = summarize(changes), losses(changes)
        if not options.as_json:
            told = f"about ${costs.monthly_usd:.2f} a month; ${costs.full_usd:.2f} without free tier"
            _show_plan(summary, findings, told)
        applied = False
        if not plan_only and has_effect(terraform.show_plan()):
            _refuse_errors(findings, held)
            _ask_to_apply(made.folder, held, delete or [], yes=yes, may_ask=not options.as_json)
            progress.say("applying")
            terraform.apply()
            applied = True
    finally:
        progress.clear()
        terraform.discard()
    _tell_deployed(
        options,
        {
            "pipeline": pipeline, "folder": str(made.folder), "changes": summary, "findings": findings,
            "monthly_usd": round(costs.monthly_usd, 2), "monthly_usd_without_free_tier": round(costs.full_usd, 2),
            "applied": applied, "outputs": terraform.outputs() if applied else {},
        },
        nothing=not applied and not plan_only,
    )  # fmt: skip


def _plan(terraform: Terraform, progress: Progress) -> list[Change]:
    progress.say("planning")
    terraform.init()
    terraform.validate()
    return terraform.plan()


def _ask_to_apply(folder: Path, held: list[Holding], named: list[str], *, yes: bool, may_ask: bool) -> None:
    confirm_losses(held, named, "or undo what replaces it", may_ask=may_ask)
    confirm(f"Apply this to the account that Terraform uses for {folder}?", yes=yes, may_ask=may_ask)


def _tell_deployed(options: Options, document: dict[str, Any], *, nothing: bool) -> None:
    from penstock.cli import output

    if options.as_json:
        output.emit_json(document)
    elif document["applied"]:
        typer.echo(f"deployed; look at it with: penstock status {document['pipeline']}")
    elif nothing:
        typer.echo("nothing to change")


def destroy(
    context: typer.Context,
    pipeline: PipelineName,
    out: Out = DEFAULT_OUT,
    yes: Yes = False,
    delete: Delete = None,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Leave buckets, tables and keys in the account.")
    ] = False,
) -> None:
    """Take a pipeline out of the account. Data go only when each bucket and table is named."""
    from penstock.deploy.changes import losses, summarize, with_settings
    from penstock.deploy.deployed import find_release
    from penstock.deploy.terraform_command import has_effect

    options = for_aws(context)
    if keep_data and delete:
        raise UsageError("--keep-data and --delete contradict each other", hint="give the one or the other")
    progress = Progress(silent=options.as_json)
    folder = find_release(out, pipeline)
    terraform = _terraform(folder, progress)
    try:
        progress.say("planning")
        terraform.init()
        changes = terraform.plan(destroy=True)
        held = losses(changes)
        is_there = has_effect(terraform.show_plan())
        if is_there:
            if not options.as_json:
                _show_plan(summarize(changes), [], "")
            _ask_to_destroy(held, delete or [], yes=yes, keep_data=keep_data, may_ask=not options.as_json)
            if keep_data:
                terraform.forget(with_settings(changes, held))
            else:
                _unprotect(terraform, held)
            terraform.plan(destroy=True)
            progress.say("destroying")
            terraform.apply()
    finally:
        progress.clear()
        terraform.discard()
    _tell_destroyed(options, pipeline, folder, held if keep_data else [], is_there=is_there)


def _ask_to_destroy(held: list[Holding], named: list[str], *, yes: bool, keep_data: bool, may_ask: bool) -> None:
    if keep_data:
        kept = ", ".join(one.name for one in held)
        confirm(f"Destroy everything{f' but {kept}' if kept else ''}?", yes=yes, may_ask=may_ask)
    else:
        confirm_losses(held, named, "`destroy --keep-data` leaves them in the account", may_ask=may_ask)
        confirm("Destroy all of this?", yes=yes, may_ask=may_ask)


def _unprotect(terraform: Terraform, held: list[Holding]) -> None:
    """Buckets and tables protect what they hold until they are told not to."""
    if not held:
        return
    addresses = [one.address for one in held]
    found = terraform.plan(variables={"delete_data_on_destroy": "true"}, targets=addresses)
    others = [one.address for one in found if "create" in one.actions or one.address not in addresses]
    if others:
        raise DeploymentError(
            f"the files are not what is deployed: {', '.join(others)} would be made or changed first",
            hint="`penstock deploy` first; then destroy",
        )
    if found:
        terraform.apply()


def _tell_destroyed(options: Options, pipeline: str, folder: Path, kept: list[Holding], *, is_there: bool) -> None:
    from penstock.cli import output

    if options.as_json:
        output.emit_json({"pipeline": pipeline, "destroyed": is_there, "kept": kept})
    elif not is_there:
        typer.echo(f"nothing of {pipeline} is deployed from {folder}")
    else:
        typer.echo(f"{pipeline} is gone from the account")
        for one in kept:
            typer.echo(f"kept: {one.name}")
        if kept:
            typer.echo("a later deployment takes them over once Terraform knows them again:")
        for one in kept:
            typer.echo(f"  terraform -chdir={folder} import '{one.address}' '{one.id}'")


def status(context: typer.Context, pipeline: PipelineName, out: Out = DEFAULT_OUT) -> None:
    """Show a deployed pipeline: newest executions, alarms that are not OK, dead letters."""
    from penstock.cli import output
    from penstock.deploy.deployed import look

    options = for_aws(context)
    found = look(*deployed(options, pipeline, out))
    if options.as_json:
        output.emit_json(found)
    else:
        now = time.time()
        rows: list[list[Any]] = [
            [one.workflow, output.status_text(str(one.status)), output.age(one.started_at, now), one.name,
             " ".join(filter(None, (one.error, one.cause)))[:200]]
            for one in found.executions
        ]  # fmt: skip
        output.table(["workflow", "status", "started", "execution", "error"], rows, empty="nothing ran yet")
        alarms: list[list[Any]] = [
            [output.status_text(str(one.state)), one.alarm, one.reason] for one in found.alarms if one.state != "OK"
        ]
        output.table(["", "alarm", "reason"], alarms, empty=f"{output.count(len(found.alarms), 'alarm')}, all OK")
        typer.echo(f"dead letters: {found.dead_letters}")
    if found.dead_letters or any(one.state == "ALARM" for one in found.alarms):
        raise typer.Exit(1)


def logs(
    context: typer.Context,
    pipeline: PipelineName,
    task: Annotated[str | None, typer.Argument(help="One of its tasks; all when none is named.")] = None,
    since: Annotated[str, typer.Option("--since", help="How far back: 90s, 15m, 3h, 2d.")] = "1h",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with each new line until Ctrl-C; with --json one document a line.")
    ] = False,
    pattern: Annotated[str, typer.Option("--filter", help="A filter pattern of CloudWatch Logs.")] = "",
    out: Out = DEFAULT_OUT,
) -> None:
    """Print what the functions of a deployed pipeline wrote."""
    import json

    from penstock.cli import output
    from penstock.deploy.deployed import log_groups, read_logs

    options = for_aws(context)
    start = time.time() - seconds(since)
    _, outputs = deployed(options, pipeline, out)
    groups = log_groups(pipeline, outputs, task)
    lines = read_logs(groups, max(0.0, start), region=outputs["region"], pattern=pattern, follow=follow)
    if options.as_json and not follow:
        output.emit_json([{"at": one.at, "group": one.group, "message": one.message} for one in lines])
        return
    for line in lines:
        if options.as_json:
            typer.echo(json.dumps({"at": line.at, "group": line.group, "message": line.message}))
        else:
            task_name = line.group.rpartition("/")[2]
            typer.echo(f"{output.moment(line.at)} {task_name} {output.clean(line.message)}")


def deployed(options: Options, pipeline: str, out: Path) -> tuple[Definition, dict[str, Any]]:
    """Returns a pipeline's definition, and the outputs of its deployment.

    Raises:
        NotFoundError: there is no such pipeline, or it is not deployed.
        PenstockError: the definition, the deployment or Terraform has a defect.
    """
    from penstock.deploy.deployed import find_release, read_outputs

    definition = options.catalog().load(pipeline)
    return definition, read_outputs(_terraform(find_release(out, pipeline)), pipeline)


def seconds(text: str) -> float:
    """Returns a span such as ``90s``, ``15m``, ``3h`` or ``2d``, in seconds.

    Raises:
        UsageError: it is none.
    """
    from penstock.cli.observe import span_seconds

    return span_seconds(text)


def _terraform(folder: Path, progress: Progress | None = None) -> Terraform:
    from penstock.deploy.terraform_command import Terraform

    return Terraform(folder, progress=(progress or Progress(silent=True)).of_terraform)


def _show_plan(summary: Summary, findings: list[Finding], costs: str) -> None:
    from penstock.cli import output
    from penstock.deploy.doctor import report

    rows: list[list[Any]] = [
        [verb, kind, number] for verb in summary.__struct_fields__ for kind, number in getattr(summary, verb).items()
    ]
    output.table(["", "kind", "how many"], rows, empty="no changes")
    if findings:
        typer.echo(output.clean(report(findings)))
    if costs:
        typer.echo(costs)


def _refuse_errors(findings: list[Finding], held: list[Holding]) -> None:
    """What deletes data is asked for by name instead."""
    asked = {one.address for one in held}
    errors = [
        one for one in findings if one.severity == "error" and not (one.code == "data-deleted" and one.address in asked)
    ]
    if errors:
        raise UsageError(
            f"the doctor found {len(errors)} error{'s' if len(errors) > 1 else ''} in the plan: "
            + ", ".join(f"{one.code} at {one.address}" for one in errors),
            hint="mend them, or leave a rule out with --silence CODE",
        )
