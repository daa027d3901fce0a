"""Beginning and checking: ``init`` and ``doctor``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.options import Options, for_aws
from penstock.cli.ship import DEFAULT_OUT
from penstock.errors import UsageError


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("init")(init)
    app.command("doctor")(doctor)


def init(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The pipeline's name: lower-case letters, digits and hyphens.")],
    folder: Annotated[Path, typer.Option("--into", help="Where to write it.")] = Path(),
) -> None:
    """Write a small working pipeline with a test."""
    from penstock.cli import output, template

    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name):
        raise UsageError(
            f"pipeline name {name!r} cannot be used", hint="1 to 32 lower-case letters, digits and hyphens"
        )
    module = name.replace("-", "_")
    wanted = {
        folder / f"{module}.py": template.pipeline(name),
        folder / f"test_{module}.py": template.test(module),
    }
    for path in wanted:
        if path.exists():
            raise UsageError(f"{path} is there already", hint="choose another name, or another folder with --into")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, "utf-8")
    options: Options = context.obj
    if options.as_json:
        output.emit_json({"files": [str(path) for path in wanted]})
        return
    pipeline, test = wanted
    typer.echo(f"wrote {pipeline} and {test}; now type:")
    typer.echo(f"  penstock -f {pipeline} run {name}")
    typer.echo(f"  python -m pytest {test}")


def doctor(
    context: typer.Context,
    pipeline: Annotated[
        str | None, typer.Argument(help="With --aws: a pipeline; all that have a release when none is named.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Set damaged databases aside and find lost events.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="Plan a release, and say what is wrong with it.")] = False,
    out: Annotated[Path, typer.Option("--out", help="With --aws: where the releases are.")] = DEFAULT_OUT,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="With --aws: what `terraform show -json` printed; - for stdin.")
    ] = None,
    silence: Annotated[
        list[str] | None, typer.Option("--silence", help="With --aws: a rule to leave out: CODE or CODE:ADDRESS.")
    ] = None,
) -> None:
    """Check this machine, the pipelines and the home, or a release for AWS; say what is wrong and how to mend it."""
    options: Options = context.obj
    if not aws:
        if pipeline is not None or plan is not None or silence:
            raise UsageError("a pipeline, --plan and --silence belong to --aws", hint="penstock doctor --aws …")
        _examine_here(options, repair=repair)
        return
    if repair or (pipeline is not None and plan is not None):
        raise UsageError("--aws takes a pipeline or --plan, and repairs nothing", hint="penstock doctor --aws PIPELINE")
    from penstock.cli import checkup_aws

    for_aws(context)

    if plan is not None:
        found = [checkup_aws.examine_file(plan, silence or [])]
    else:
        found = checkup_aws.examine_releases(out, pipeline, silence or [], silent=options.as_json)
    checkup_aws.show(found, as_json=options.as_json)
    if any(one.has_errors for one in found):
        raise typer.Exit(1)


def _examine_here(options: Options, *, repair: bool) -> None:
    from penstock.cli import checkup, output

    found = checkup.examine(options, repair=repair)
    if options.as_json:
        output.emit_json(
            [{"check": one.name, "ok": one.is_good, "detail": one.detail, "mend": one.mend} for one in found]
        )
    else:
        rows: list[list[Any]] = [
            [
                output.status_text("OK" if one.is_good else "FAILED"),
                one.name,
                one.detail,
                "" if one.is_good else one.mend,
            ]
            for one in found
        ]
        output.table(["", "check", "what was found", "mend"], rows)
    if not all(one.is_good for one in found):
        raise typer.Exit(5)
