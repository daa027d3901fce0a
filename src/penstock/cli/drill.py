"""After a loss, and before one: ``backfill``, ``undelete`` and ``drill``."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.account import Out, PipelineName, Yes
from penstock.cli.consent import confirm
from penstock.cli.observe import span_seconds
from penstock.cli.options import for_aws
from penstock.cli.ship import DEFAULT_OUT, Progress
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.deploy.recovery import Outcome
    from penstock.model.pipeline import Definition
    from penstock.rehearsal.drill_report import DrillReport, Recovery

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
# Of many keys and differences, enough to see what it is about.
SHOWN = 10
SAID_EVERY = 100


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("drill")(drill)
    app.command("backfill")(backfill)
    app.command("undelete")(undelete)


def drill(
    context: typer.Context,
    pipeline: PipelineName,
    keep: Annotated[Path | None, typer.Option("--keep", help="Keep release and home here.")] = None,
) -> None:
    """Deploy to an emulator of AWS, lose tables, objects and functions there, and get them back, with the times."""
    import tempfile

    from penstock.cli import output
    from penstock.rehearsal.drill_report import document
    from penstock.rehearsal.drills import drill as run

    options = for_aws(context)
    catalog = options.catalog()
    definition = catalog.load(pipeline)
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty", hint="give a new folder with --keep")
    with tempfile.TemporaryDirectory(prefix="penstock-drill-") as scratch:
        folder = Path(scratch) if keep is None else keep.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        report = run(definition, catalog.reference(pipeline), folder, say=Progress(silent=options.as_json).say)
    if options.as_json:
        output.emit_json(document(report))
    else:
        _show(report)
    if report.failures:
        raise typer.Exit(1)


def backfill(
    context: typer.Context,
    pipeline: PipelineName,
    table: Annotated[
        list[str] | None, typer.Option("--table", help="A lake table; may be repeated. All that trigger a workflow.")
    ] = None,
    since: Annotated[
        str, typer.Option("--since", help="Only objects written since: 90s, 30min, 3h, 2d, or 2026-02-20T07:00Z.")
    ] = "",
    label: Annotated[
        str, typer.Option("--label", help="Of an earlier backfill: go on where it stopped. A new one otherwise.")
    ] = "",
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=1000, help="How many run at once.")] = 10,
    out: Out = DEFAULT_OUT,
    dry_run: DryRun = False,
    yes: Yes = False,
    begin: Annotated[
        str, typer.Option("--from", help="On this machine, the schedule's slots since: a time in UTC, or a span back.")
    ] = "",
    until: Annotated[str, typer.Option("--to", help="With --from: slots before this; before now when absent.")] = "",
    schedule: Annotated[str | None, typer.Option("--schedule", help="With --from: which one, if several.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="With --from: put slots through again that have failed.")
    ] = False,
) -> None:
    """Run past slots of a schedule (--from), or stored objects of a deployed pipeline again to fill hot tables anew."""
    if begin:
        from penstock.cli.backfilled_slots import run_slots

        run_slots(
            context.obj, pipeline, begin, until, schedule=schedule, parallel=concurrency, failed=failed, dry_run=dry_run
        )
        return
    if until or schedule or failed:
        raise UsageError("--to, --schedule and --failed need --from", hint="such as --from 2026-02-01 --to 2026-02-08")
    import msgspec

    from penstock.adapters.aws.executions import StepFunctionsExecutions
    from penstock.adapters.aws.objects import S3ObjectStore
    from penstock.cli import output
    from penstock.deploy.recovery import Backfill, Outcome, starts

    options = for_aws(context)
    earliest = moment(since, time.time()) if since else 0.0
    definition, outputs = options.catalog().load(pipeline), _outputs(pipeline, out)
    region, label = outputs["region"], label or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    store = S3ObjectStore(outputs["lake_bucket"], region=region)
    wanted = starts(definition, store, label=label, tables=table or (), since=earliest)
    if not options.as_json:
        _announce(definition, len(wanted), label)
    outcome, began = Outcome(), time.monotonic()
    if wanted and not dry_run:
        confirm(f"Start an execution for each of {len(wanted)} objects?", yes=yes)
        counted = Counted(len(wanted), silent=options.as_json)
        executions = StepFunctionsExecutions(outputs["state_machines"], region=region)
        outcome = Backfill(executions, concurrency=concurrency, progress=counted.of_backfill).run(wanted)
    if options.as_json:
        output.emit_json({
            "pipeline": pipeline, "label": label, "objects": len(wanted), "dry_run": dry_run,
            **msgspec.structs.asdict(outcome), "seconds": round(time.monotonic() - began, 2),
            **({"keys": [one.key for one in wanted]} if dry_run else {}),
        })  # fmt: skip
    elif not dry_run:
        _show_outcome(outcome, pipeline, label)
    if outcome.failures:
        raise typer.Exit(1)


def undelete(
    context: typer.Context,
    pipeline: PipelineName,
    prefix: Annotated[str, typer.Option("--prefix", help="Only keys that begin so, such as raw/infra_metrics/.")] = "",
    since: Annotated[
        str, typer.Option("--since", help="Only what was deleted since: 30min, 3h, 2d, or 2026-02-20T07:00Z.")
    ] = "1d",
    out: Out = DEFAULT_OUT,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Get deleted objects of a deployed pipeline's lake back, as they were. What lifecycle rules expired counts too."""
    from penstock.cli import output
    from penstock.deploy.undelete import deleted_objects
    from penstock.deploy.undelete import undelete as restore

    options = for_aws(context)
    earliest = moment(since, time.time())
    options.catalog().load(pipeline)
    outputs = _outputs(pipeline, out)
    bucket, region = outputs["lake_bucket"], outputs["region"]
    found = list(deleted_objects(bucket, prefix=prefix, since=earliest, region=region))
    if not options.as_json:
        rows: list[list[Any]] = [[one.key, output.size(one.size), output.moment(one.deleted_at)] for one in found]
        output.table(["object", "size", "deleted"], rows[:SHOWN], empty=f"nothing was deleted in {bucket} since then")
        if len(found) > SHOWN:
            typer.echo(f"and {len(found) - SHOWN} more")
    restored = 0
    if found and not dry_run:
        confirm(f"Undelete {len(found)} objects in {bucket}?", yes=yes)
        counted = Counted(len(found), silent=options.as_json)
        restored = restore(bucket, found, region=region, progress=counted.show)
    if options.as_json:
        output.emit_json({
            "pipeline": pipeline, "bucket": bucket, "objects": len(found), "bytes": sum(one.size for one in found),
            "dry_run": dry_run, "restored": restored, **({"keys": [one.key for one in found]} if dry_run else {}),
        })  # fmt: skip
    elif restored:
        typer.echo(f"{restored} objects are there again; no workflow was started for them")


def _outputs(pipeline: str, out: Path) -> dict[str, Any]:
    from penstock.deploy.deployed import find_release, read_outputs
    from penstock.deploy.terraform_command import Terraform

    return read_outputs(Terraform(find_release(out, pipeline)), pipeline)


def moment(text: str, now: float) -> float:
    """Returns the time that is a span before now, or that is written in ISO 8601 (UTC where it names no zone).

    Raises:
        UsageError: it is neither.
    """
    from penstock.runtime.names import read_time

    written = read_time(text)
    return now - span_seconds(text) if written is None else written


class Counted:
    """How far something is: one line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int, *, silent: bool) -> None:
        self._total = total
        self._silent = silent

    def of_backfill(self, outcome: Outcome) -> None:
        """Shows how many objects have been dealt with."""
        failed = len(outcome.failures)
        self.show(outcome.succeeded + outcome.repeated + failed, f", {failed} failed" if failed else "")

    def show(self, number: int, more: str = "") -> None:
        """Shows a number."""
        if self._silent:
            return
        if sys.stderr.isatty():
            typer.echo(f"\r\x1b[2K· {number} of {self._total}{more}", err=True, nl=number >= self._total)
        elif number % SAID_EVERY == 0 or number >= self._total:
            typer.echo(f"· {number} of {self._total}{more}", err=True)


def _announce(definition: Definition, number: int, label: str) -> None:
    from penstock.deploy.recovery import filled_tables, repeated_messages, repeated_metrics

    typer.echo(f"{number} objects, label {label}: if this is stopped, the same with --label {label} goes on")
    told = (
        ("fills the hot tables", filled_tables(definition)),
        ("sends messages again to", repeated_messages(definition)),
        ("counts values again in the metrics", repeated_metrics(definition)),
    )
    for what, names in told:
        if names:
            typer.echo(f"  {what} {', '.join(names)}")


def _show_outcome(outcome: Outcome, pipeline: str, label: str) -> None:
    typer.echo(
        f"{outcome.started} started, {outcome.repeated} had been put through before, {len(outcome.failures)} failed"
    )
    for one in outcome.failures[:SHOWN]:
        typer.echo(f"  {one.error}: {one.key}")
    if outcome.failures:
        typer.echo(f"mend the cause (penstock logs {pipeline}), then the same with --label {label} tries these again")


def _show(report: DrillReport) -> None:
    from penstock.cli import output

    output.table(["step", "seconds", ""], [[one.name, f"{one.seconds:.1f}", one.result] for one in report.steps])
    for one in report.recoveries:
        _show_recovery(one)
    typer.echo("not shown here:")
    for text in report.not_shown:
        typer.echo(f"  {text}")
    for failure in report.failures:
        typer.echo(f"FAILED {failure}")
    if not report.failures:
        typer.echo(f"pipeline {report.pipeline} came back from every loss that was drilled")


def _show_recovery(recovery: Recovery) -> None:
    from penstock.cli import output

    if recovery.not_drilled:
        typer.echo(f"not drilled: {recovery.loss}: {recovery.not_drilled}\n")
        return
    typer.echo(f"{recovery.loss}; back in {recovery.seconds:.1f} s by: {recovery.way}")
    output.table(["step", "seconds", ""], [[one.name, f"{one.seconds:.1f}", one.result] for one in recovery.steps])
    rows: list[list[Any]] = [
        [output.status_text("OK" if one.is_equal else "FAILED"), one.what, one.compared,
         "\n".join(one.differences[:SHOWN])]
        for one in recovery.comparisons
    ]  # fmt: skip
    output.table(["", "before and after", "how many", "differences"], rows)
