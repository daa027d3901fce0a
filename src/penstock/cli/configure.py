"""Beginning and checking: ``init`` and ``doctor``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.options import Options
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
    repair: Annotated[bool, typer.Option("--repair", help="Set damaged databases aside and find lost events.")] = False,
) -> None:
    """Check this machine, the pipelines and the home; say what is wrong and how to mend it."""
    from penstock.cli import checkup, output

    options: Options = context.obj
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
