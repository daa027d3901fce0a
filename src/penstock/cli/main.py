"""The command line. Each command group is a file of its own; heavy imports wait until a command runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli import (
    account,
    ask,
    catalog,
    collect,
    configure,
    drill,
    export,
    history,
    inspect,
    lake,
    lifecycle,
    messaging,
    observe,
    promote,
    quarantine,
    schema,
    ship,
    simulate,
    token,
    warehouse,
)
from penstock.cli.options import Options, hoist
from penstock.cli.pipeline_commands import PipelineCommands
from penstock.errors import PenstockError

app = typer.Typer(
    name="penstock",
    cls=PipelineCommands,
    help="Serverless data pipelines: on this machine, in a simulation, and in an AWS account.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 an execution failed, 2 wrong usage, 3 a definition cannot be used, 4 not found, "
    "5 the home cannot be used, 6 a query failed, 7 access denied, 70 a defect of Penstock, 130 interrupted.",
)
for group in (
    inspect,
    lifecycle,
    history,
    observe,
    ask,
    catalog,
    export,
    lake,
    quarantine,
    collect,
    configure,
    ship,
    simulate,
    account,
    drill,
    promote,
    token,
    messaging,
    warehouse,
    schema,
):
    group.register(app)


@app.callback()
def options(
    context: typer.Context,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="A Python file that defines pipelines; may be repeated.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option("--home", help="The folder that holds the state [env: PENSTOCK_HOME].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Options of every command; they may also stand after it."""
    if version:
        from penstock import __version__

        typer.echo(f"penstock {__version__}")
        raise typer.Exit
    chosen = context.obj if isinstance(context.obj, Options) else Options()
    chosen.files = [*(file or [])]
    chosen.home = home or chosen.home
    chosen.as_json = as_json
    context.obj = chosen


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and leaves with its exit code."""
    given = hoist(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given, obj=Options())
    except PenstockError as error:
        from penstock.cli.output import fail

        sys.exit(fail(error, as_json="--json" in given))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except Exception as error:
        if os.environ.get("PENSTOCK_DEBUG"):
            raise
        from penstock.cli.output import fail_unexpected

        sys.exit(fail_unexpected(error, as_json="--json" in given))
