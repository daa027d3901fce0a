"""Before anything is deployed: ``synth`` and ``rehearse``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import decode_input, for_aws
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.deploy.bundle.build import Bundle
    from penstock.deploy.release import Release
    from penstock.errors import Finding
    from penstock.rehearsal.parity import Comparison
    from penstock.rehearsal.report import Report

DEFAULT_OUT = Path("deploy")
AcceptSchema = Annotated[
    bool, typer.Option("--accept-schema", help="Let lake tables break the schemas of the last release.")
]
INTERRUPTED = (
    "interrupted: Terraform ends what it has begun, which can take minutes; once more stops it at once, and can leave "
    "the state locked or behind what is there"
)


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
    accept_schema: AcceptSchema = False,
    here: Annotated[
        bool, typer.Option("--for-this-machine", help="Build for this machine's Python and processor.")
    ] = False,
) -> None:
    """Write Terraform, workflows and the functions' zips for AWS into a folder."""
    from penstock.cli import output
    from penstock.deploy.bundle.target import Target
    from penstock.deploy.release import release
    from penstock.deploy.terraform import limits

    options = for_aws(context)
    catalog = options.catalog()
    definitions = catalog.load_all(pipelines or [])
    progress = Progress(silent=options.as_json)
    made: dict[str, Release] = {}
    for name, definition in definitions.items():
        progress.say(f"packaging and synthesizing {name}")
        target = Target.here() if here else None
        made[name] = release(
            definition, catalog.reference(name), out / name, target=target, force=force, accept_schemas=accept_schema
        )
    if options.as_json:
        output.emit_json([_described(one, limits(definitions[name])) for name, one in made.items()])
        return
    for name, one in made.items():
        _show_release(one)
        for finding in limits(definitions[name]):
            typer.echo(output.clean(f"note: {finding.message}; {finding.hint}"))
    typer.echo(f"next: penstock rehearse {next(iter(made))}" if made else "there are no pipelines here")


def _described(made: Release, notes: Sequence[Finding]) -> dict[str, Any]:
    return {
        "folder": str(made.folder), "files": made.outcomes, "artifacts": made.bundle.sizes,
        "layers": made.bundle.layers, "notes": [f"{one.message}; {one.hint}" for one in notes],
    }  # fmt: skip


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
    from penstock.deploy.terraform_command import find_terraform
    from penstock.rehearsal.rehearse import Rehearsal

    options = for_aws(context)
    catalog = options.catalog()
    definition = catalog.load(pipeline)
    inputs = tuple(_object(decode_input(text)) for text in value or ())
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is no empty folder", hint="give a new folder with --keep")
    find_terraform()
    with tempfile.TemporaryDirectory(prefix="penstock-rehearsal-") as scratch:
        folder = scratch if keep is None else keep
        Path(folder).mkdir(parents=True, exist_ok=True)
        progress = Progress(silent=options.as_json)
        rehearsal = Rehearsal(
            definition, catalog.reference(pipeline), Path(folder).absolute(), inputs=inputs, say=progress.say
        )
        try:
            report = rehearsal.run()
        finally:
            progress.clear()
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
    """What is being done, on standard error: a line a step, and on a terminal what is being made, in one line.

    Args:
        silent: tells nothing but that an interruption was heard.
    """

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._is_passing = False

    def say(self, text: str) -> None:
        """Tells a step; ``start …`` and ``complete …`` pass by."""
        if self._silent:
            return
        if not text.startswith(("start ", "complete ")):
            self._tell(text)
        elif sys.stderr.isatty():
            self._pass_by(text.removeprefix("start "))

    def of_terraform(self, event: str, address: str) -> None:
        """Shows what Terraform is doing."""
        if event == "apply_start":
            self.say(f"start {address}")
        elif event == "apply_errored":
            self.say(f"failed: {address}")
        elif event == "interrupted":
            self._tell(INTERRUPTED if address == "1" else "interrupted again")

    def clear(self) -> None:
        """Takes away what passes by, before anything else is printed."""
        if self._is_passing:
            typer.echo("\r\x1b[2K", err=True, nl=False)
            self._is_passing = False

    def _tell(self, text: str) -> None:
        from penstock.cli.values import clean

        self.clear()
        typer.echo(f"· {clean(text)}", err=True)

    def _pass_by(self, text: str) -> None:
        from penstock.cli.values import clean

        width = shutil.get_terminal_size().columns
        typer.echo(f"\r\x1b[2K  {clean(text)}"[: width + 4], err=True, nl=False)
        self._is_passing = True


def _show_report(report: Report) -> None:
    from penstock.cli import output

    output.table(["step", "seconds", ""], [[one.name, f"{one.seconds:.1f}", one.result] for one in report.steps])
    for where, comparisons in (
        ("the release in the emulator", report.comparisons),
        ("the functions under Lambda's limits", report.second_comparisons),
    ):
        rows: list[list[Any]] = [
            [output.status_text(_verdict(one)), one.what, one.compared, "\n".join(one.differences[:5])]
            for one in comparisons
        ]
        if rows:
            output.table(["", f"{where}, compared with this machine", "how many", "differences"], rows)
    _show_security(report)
    left_out = dict.fromkeys(one for found in report.comparisons for one in found.left_out)
    for heading, lines in (
        ("left out of the comparison:", [*left_out]),
        ("a second plan would change these, as the emulator does not tell what it was given:", _explained(report)),
        ("what only an account can show:", report.not_compared),
    ):
        if lines:
            typer.echo("\n".join([heading, *(f"  {line}" for line in lines)]))
    for failure in report.failures:
        typer.echo(f"FAILED {failure}")
    if report.failures:
        typer.echo(f"pipeline {report.pipeline} is not ready: {len(report.failures)} to look at")
    else:
        typer.echo(f"pipeline {report.pipeline} is ready to be deployed: penstock deploy {report.pipeline}")


def _verdict(found: Comparison) -> str:
    return "FAILED" if not found.is_equal else "OK" if found.compared else "NONE"


def _show_security(report: Report) -> None:
    if report.proof is None:
        return
    proof = report.proof
    typer.echo(
        f"least privilege: roles hold {proof.granted} grants; of {report.calls} recorded calls {len(proof.denied)} were"
        f" denied, {len(proof.spare)} grants were spare, {len(proof.exempt)} are used inside AWS alone;"
        f" {report.used} grants of tasks used once more, {report.tried} things not granted tried:"
        f" {len(report.refused)} surprises"
    )


def _explained(report: Report) -> list[str]:
    """Returns each reason with the resources that it explains."""
    explained = [one for one in report.drift if one.defect]
    return [
        f"{', '.join(one.address for one in explained if one.defect == reason)}: {reason}"
        for reason in dict.fromkeys(one.defect for one in explained)
    ]
