"""Before anything is deployed: ``synth`` and ``rehearse``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options, decode_input
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.deploy.bundle.build import Bundle
    from penstock.deploy.release import Release
    from penstock.rehearsal.report import Report

DEFAULT_OUT = Path("deploy")
MEGABYTE = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("synth")(synth)
    app.command("rehearse")(rehearse)


def synth(
    context: typer.Context,
    pipelines: Annotated[list[str] | None, typer.Argument(help="Pipelines; all of them when none is named.")] = None,
    out: Annotated[
        Path, typer.Option("--out", help="A folder; each pipeline gets one of its own in it.")
    ] = DEFAULT_OUT,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what was edited since the last synth.")] = False,
    here: Annotated[
        bool, typer.Option("--for-this-machine", help="Build for this machine's Python and processor.")
    ] = False,
) -> None:
    """Write Terraform, workflows and the functions' zips for AWS into a folder."""
    from penstock.cli import output
    from penstock.deploy.bundle.target import Target
    from penstock.deploy.release import release
    from penstock.deploy.terraform import limits

    options: Options = context.obj
    catalog = options.catalog()
    definitions = catalog.load_all(pipelines or [])
    made = []
    for name, definition in definitions.items():
        target = Target.here() if here else None
        made.append(release(definition, catalog.reference(name), out / name, target=target, force=force))
    if options.as_json:
        output.emit_json([_described(one) for one in made])
        return
    for one, definition in zip(made, definitions.values(), strict=True):
        _show_release(one)
        for finding in limits(definition):
            typer.echo(f"note: {finding.message}; {finding.hint}")
    typer.echo(f"next: penstock rehearse {made[0].folder.name}" if made else "there are no pipelines here")


def _described(made: Release) -> dict[str, Any]:
    sizes = made.bundle.sizes
    return {"folder": str(made.folder), "files": made.outcomes, "artifacts": sizes, "layers": made.bundle.layers}


def _show_release(made: Release) -> None:
    from penstock.cli import output

    rows: list[list[Any]] = [[path, outcome] for path, outcome in made.outcomes.items()]
    output.table([f"{made.folder}", ""], rows)
    output.table(["function", "zip", "unzipped", "import", "peak memory", "libraries"], _sizes(made.bundle))
    layers = [[archive.path, output.size(archive.zipped_bytes), archive.digest[:12]]
              for path, archive in made.bundle.archives.items() if path in made.bundle.layers.values()]  # fmt: skip
    output.table(["layer", "zip", "sha-256"], layers)


def _sizes(bundle: Bundle) -> list[list[Any]]:
    from penstock.cli import output

    return [
        [
            task,
            output.size(size.zipped_bytes),
            output.size(size.unzipped_bytes),
            "-" if size.measured is None else f"{size.measured.import_seconds * 1000:.0f} ms",
            "-" if size.measured is None else f"{size.measured.peak_memory_mb:.0f} MB",
            ", ".join(size.libraries),
        ]
        for task, size in bundle.sizes.items()
    ]


def rehearse(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(help="The pipeline's name.")],
    value: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="An input of the main workflow; may be repeated.")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Keep release, home and recorded calls here.")] = None,
) -> None:
    """Deploy to an emulator of AWS on this machine, run there, and compare with this machine."""
    import tempfile

    from penstock.cli import output
    from penstock.rehearsal.rehearse import Rehearsal

    options: Options = context.obj
    catalog = options.catalog()
    definition = catalog.load(pipeline)
    inputs = tuple(_object(decode_input(text)) for text in value or ())
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty", hint="give a new folder with --keep")
    with tempfile.TemporaryDirectory(prefix="penstock-rehearsal-") as scratch:
        folder = scratch if keep is None else keep
        Path(folder).mkdir(parents=True, exist_ok=True)
        progress = Progress(silent=options.as_json)
        rehearsal = Rehearsal(
            definition, catalog.reference(pipeline), Path(folder).absolute(), inputs=inputs, say=progress.say
        )
        report = rehearsal.run()
    if options.as_json:
        from penstock.rehearsal.report import document

        output.emit_json(document(report))
    else:
        _show_report(report)
    if report.failures:
        raise typer.Exit(1)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(
            "a rehearsed input is a JSON object", hint="""such as --input '{"fleet": {"instances": 20}}'"""
        )
    return value


class Progress:
    """One line a step; on a terminal, what is being made beside it."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def say(self, text: str) -> None:
        if self._silent:
            return
        if not text.startswith(("start ", "complete ")):
            typer.echo(f"· {text}", err=True)
        elif sys.stderr.isatty():
            typer.echo(f"\r\x1b[2K  {text.removeprefix('start ')}\r", err=True, nl=False)

    def of_terraform(self, event: str, address: str) -> None:
        """Shows what Terraform is doing."""
        if event == "apply_start":
            self.say(f"start {address}")


def _show_report(report: Report) -> None:
    from penstock.cli import output

    output.table(["step", "seconds", ""], [[one.name, f"{one.seconds:.1f}", one.result] for one in report.steps])
    for where, comparisons in (
        ("the release in the emulator", report.comparisons),
        ("the functions under Lambda's limits", report.second_comparisons),
    ):
        rows: list[list[Any]] = [
            [
                output.status_text("OK" if one.is_equal else "FAILED"),
                one.what,
                one.compared,
                "\n".join(one.differences[:5]),
            ]
            for one in comparisons
        ]
        output.table(["", f"{where}, compared with this machine", "how many", "differences"], rows)
    if report.proof is not None:
        proof = report.proof
        typer.echo(
            f"least privilege: {proof.granted} grants, {report.calls} recorded calls: {len(proof.denied)} denied,"
            f" {len(proof.spare)} spare, {len(proof.exempt)} that no rehearsal can see used"
        )
    explained = [one for one in report.drift if one.defect]
    if explained:
        reasons = dict.fromkeys(one.defect for one in explained)
        typer.echo(
            f"the second plan would change {len(explained)} resources; the emulator's own defects, as shown by it:"
        )
        for reason in reasons:
            addresses = ", ".join(one.address for one in explained if one.defect == reason)
            typer.echo(f"  {reason}\n    {addresses}")
    typer.echo("not compared:")
    for one in report.not_compared:
        typer.echo(f"  {one}")
    for failure in report.failures:
        typer.echo(f"FAILED {failure}")
    if not report.failures:
        typer.echo(f"pipeline {report.pipeline} is ready to be deployed")
