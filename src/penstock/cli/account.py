"""A pipeline in an AWS account: ``deploy``, ``destroy``, ``status`` and ``logs``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options
from penstock.cli.ship import DEFAULT_OUT, Progress
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from penstock.deploy.changes import Summary
    from penstock.deploy.doctor import Finding
    from penstock.deploy.terraform_command import Terraform
    from penstock.model.pipeline import Definition

Out = Annotated[Path, typer.Option("--out", help="Where the releases are.")]
PipelineName = Annotated[str, typer.Argument(help="The pipeline's name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; what deletes data must be named all the same.")]
Delete = Annotated[
    list[str] | None, typer.Option("--delete", help="Name of a bucket or table that may be deleted with its data.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("deploy")(deploy)
    app.command("destroy")(destroy)
    app.command("status")(status)
    app.command("logs")(logs)


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
    plan_only: Annotated[bool, typer.Option("--plan", help="Show what would change, and change nothing.")] = False,
) -> None:
    """Package, synthesize, plan, show what changes and what it costs, ask, and apply."""
    from penstock.cli import output
    from penstock.cost.estimate import estimate
    from penstock.deploy.changes import precious_losses, summarize
    from penstock.deploy.doctor import examine
    from penstock.deploy.release import release

    options: Options = context.obj
    catalog = options.catalog()
    definition = catalog.load(pipeline)
    progress = Progress(silent=options.as_json)
    progress.say("packaging and synthesizing")
    made = release(definition, catalog.reference(pipeline), out / pipeline, force=force)
    terraform = _terraform(made.folder, progress)
    progress.say("planning")
    terraform.init()
    terraform.validate()
    changes = terraform.plan()
    findings = examine(terraform.show_plan(), silenced=silence or [])
    summary, costs = summarize(changes), estimate(definition)
    document: dict[str, Any] = {
        "pipeline": pipeline, "folder": str(made.folder), "changes": summary, "findings": findings,
        "monthly_usd": round(costs.monthly_usd, 2), "monthly_usd_without_free_tier": round(costs.full_usd, 2),
    }  # fmt: skip
    if not options.as_json:
        _show_plan(
            summary, findings, f"about ${costs.monthly_usd:.2f} a month; ${costs.full_usd:.2f} without free tier"
        )
    applied = False
    if not plan_only and not summary.is_empty:
        _refuse_errors(findings)
        _confirm_losses(precious_losses(changes), delete or [])
        _confirm(f"Apply this to the account that Terraform uses for {made.folder}?", yes=yes)
        progress.say("applying")
        terraform.apply()
        applied = True
    if options.as_json:
        output.emit_json({**document, "applied": applied, "outputs": terraform.outputs() if applied else {}})
    elif applied:
        typer.echo(f"deployed; look at it with: penstock status {pipeline}")
    elif summary.is_empty:
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
    from penstock.cli import output
    from penstock.deploy.changes import precious_losses, summarize

    options: Options = context.obj
    progress = Progress(silent=options.as_json)
    terraform = _terraform(_existing(out, pipeline), progress)
    progress.say("planning")
    terraform.init()
    changes = terraform.plan(destroy=True)
    losses = precious_losses(changes)
    if not options.as_json:
        _show_plan(summarize(changes), [], "")
    if keep_data:
        _confirm(f"Destroy everything but {', '.join(losses.values())}?", yes=yes)
        terraform.forget(_with_their_settings(changes, losses))
    else:
        _confirm_losses(losses, delete or [])
        _confirm("Destroy all of this?", yes=yes)
        # Buckets and tables protect what they hold until they are told not to.
        terraform.plan(variables={"delete_data_on_destroy": "true"})
        terraform.apply()
    terraform.plan(destroy=True, variables={"delete_data_on_destroy": "true"})
    progress.say("destroying")
    terraform.apply()
    kept = sorted(losses.values()) if keep_data else []
    if options.as_json:
        output.emit_json({"pipeline": pipeline, "destroyed": True, "kept": kept})
    else:
        typer.echo(f"{pipeline} is gone from the account" + (f"; kept: {', '.join(kept)}" if kept else ""))


def status(context: typer.Context, pipeline: PipelineName, out: Out = DEFAULT_OUT) -> None:
    """Show a deployed pipeline: newest executions, alarms that are not OK, dead letters."""
    from penstock.cli import output
    from penstock.deploy.deployed import look

    options: Options = context.obj
    definition, outputs = _deployed(options, pipeline, out)
    found = look(definition, outputs)
    if options.as_json:
        output.emit_json(found)
    else:
        now = time.time()
        rows: list[list[Any]] = [
            [one.workflow, output.status_text(str(one.status)), output.age(one.started_at, now), one.name,
             one.error or ""]
            for one in found.executions
        ]  # fmt: skip
        output.table(["workflow", "status", "started", "execution", "error"], rows, empty="nothing ran yet")
        alarms: list[list[Any]] = [
            [output.status_text(str(one.state)), one.alarm, one.reason] for one in found.alarms if one.state != "OK"
        ]
        output.table(["", "alarm", "reason"], alarms, empty=f"all {len(found.alarms)} alarms are OK")
        typer.echo(f"dead letters: {found.dead_letters}")
    if found.dead_letters or any(one.state == "ALARM" for one in found.alarms):
        raise typer.Exit(1)


def logs(
    context: typer.Context,
    pipeline: PipelineName,
    task: Annotated[str | None, typer.Argument(help="One of its tasks; all when none is named.")] = None,
    since: Annotated[str, typer.Option("--since", help="How far back: 90s, 15m, 3h, 2d.")] = "1h",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with each new line until Ctrl-C.")] = False,
    pattern: Annotated[str, typer.Option("--filter", help="A filter pattern of CloudWatch Logs.")] = "",
    out: Out = DEFAULT_OUT,
) -> None:
    """Print what the functions of a deployed pipeline wrote."""
    from penstock.cli import output
    from penstock.deploy.deployed import log_groups, read_logs

    options: Options = context.obj
    definition, outputs = _deployed(options, pipeline, out)
    groups = log_groups(definition, outputs, task)
    for line in read_logs(groups, time.time() - _seconds(since), pattern=pattern, follow=follow):
        if options.as_json:
            output.emit_json({"at": line.at, "group": line.group, "message": line.message})
        else:
            typer.echo(f"{output.moment(line.at)} {line.group.rpartition('/')[2]} {line.message}")


def _terraform(folder: Path, progress: Progress) -> Terraform:
    from penstock.deploy.terraform_command import Terraform

    return Terraform(folder, progress=progress.of_terraform)


def _existing(out: Path, pipeline: str) -> Path:
    folder = out / pipeline
    if not folder.is_dir():
        raise NotFoundError(f"there is no release in {folder}", hint="`penstock deploy` makes one; or give --out")
    return folder


def _deployed(options: Options, pipeline: str, out: Path) -> tuple[Definition, dict[str, Any]]:
    outputs = _terraform(_existing(out, pipeline), Progress(silent=True)).outputs()
    if not outputs:
        raise NotFoundError(f"{pipeline!r} is not deployed from {out / pipeline}", hint=f"penstock deploy {pipeline}")
    return options.catalog().load(pipeline), outputs


def _show_plan(summary: Summary, findings: list[Finding], costs: str) -> None:
    from penstock.cli import output
    from penstock.deploy.doctor import report

    rows: list[list[Any]] = [
        [verb, kind, number]
        for verb in ("created", "updated", "replaced", "deleted")
        for kind, number in getattr(summary, verb).items()
    ]
    output.table(["", "kind", "how many"], rows, empty="no changes")
    if findings:
        typer.echo(report(findings))
    if costs:
        typer.echo(costs)


def _refuse_errors(findings: list[Finding]) -> None:
    errors = [one for one in findings if one.severity == "error"]
    if errors:
        raise UsageError(
            f"the doctor found {len(errors)} error{'s' if len(errors) > 1 else ''} in the plan: "
            + ", ".join(f"{one.code} at {one.address}" for one in errors),
            hint="mend them, or leave a rule out with --silence CODE",
        )


def _confirm_losses(losses: dict[str, str], named: list[str]) -> None:
    """Nothing that holds data is deleted unless its name was typed."""
    missing = [name for name in losses.values() if name not in named]
    for name in missing if sys.stdin.isatty() else []:
        if typer.prompt(f"Type {name} to delete it with everything in it", default="", show_default=False) == name:
            missing = [one for one in missing if one != name]
    if missing:
        raise UsageError(
            f"this would delete {', '.join(missing)} with everything in it",
            hint="name each with --delete NAME; `destroy --keep-data` leaves them in the account",
        )


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to confirm", hint="give --yes")
    if not typer.confirm(question):
        raise typer.Exit(1)


def _with_their_settings(changes: list[Any], losses: dict[str, str]) -> list[str]:
    """Returns the addresses of what is kept, and of the settings without which it would be open or unencrypted."""
    names = set(losses.values())
    return [
        one.address
        for one in changes
        if one.address in losses
        or (one.type.startswith("aws_s3_bucket_") and (one.before or {}).get("bucket") in names)
    ]


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    if not text[:-1].isdigit() or text[-1] not in units:
        raise UsageError(f"{text!r} is no span of time", hint="such as 90s, 15m, 3h or 2d")
    return int(text[:-1]) * units[text[-1]]
