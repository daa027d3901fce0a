"""What runs: ``run``, ``up``, ``put`` and ``demo``."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options, decode_input, file_of, for_aws
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("run")(run)
    app.command("up")(up)
    app.command("put")(put)
    app.command("demo")(demo)


def run(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(help="The pipeline's name.")],
    workflow: Annotated[str | None, typer.Option("--workflow", "-w", help="Which of its workflows.")] = None,
    value: Annotated[
        str, typer.Option("--input", "-i", help="The workflow's input: JSON, @FILE of JSON, or a FILE for its inbox.")
    ] = "{}",
    example: Annotated[bool, typer.Option("--example", help="Take the pipeline's own example as the input.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write the pipeline's report, an HTML page.")] = None,
    as_lambda: Annotated[
        bool, typer.Option("--as-lambda", help="Run the tasks' zips under Lambda's limits, with moto for AWS.")
    ] = False,
) -> None:
    """Run a pipeline once, with everything that follows from it, and wait for the end."""
    from penstock.cli.live import run_and_show

    options: Options = context.obj
    if as_lambda:
        from penstock.cli.as_lambda import run_as_lambda

        for_aws(context)
        raise typer.Exit(run_as_lambda(options, pipeline, workflow, decode_input(value)))
    if example:
        file, given = _example(options, pipeline)
    else:
        file = file_of(value)
        given = None if file is not None else decode_input(value)
    raise typer.Exit(run_and_show(options, pipeline, workflow, given, file=file, report=report).exit_code)


def _example(options: Options, pipeline: str) -> tuple[Path | None, Any]:
    shown = options.catalog().load(pipeline).shown
    if shown.example is None and shown.example_input is None:
        raise UsageError(f"pipeline {pipeline!r} has no example", hint="give a file or JSON by --input")
    return shown.example, shown.example_input


def up(
    context: typer.Context,
    pipelines: Annotated[list[str] | None, typer.Argument(help="Pipelines; all of them when none is named.")] = None,
) -> None:
    """Follow schedules, triggers, the inbox and alarms until Ctrl-C or SIGTERM; then stop in order."""
    from penstock.cli.live import UpLog
    from penstock.runtime.machine.app import Machine

    options: Options = context.obj
    definitions = options.catalog().load_all(pipelines or [])
    if not definitions:
        raise NotFoundError("there are no pipelines here", hint="`penstock init NAME` writes one; then give -f FILE")
    log = UpLog(as_json=options.as_json)
    machine = Machine(
        options.open_home(create=True), definitions, scheduled=True, observers=[log.changed], warn=log.warn
    )
    stop_on_signals(machine.request_stop)
    try:
        log.began(machine.home.path, definitions)
        machine.up()
    finally:
        machine.close()
    log.ended()


def stop_on_signals(request_stop: Callable[[], object]) -> None:
    """Has SIGTERM and Ctrl-C ask for the end of this process, which comes in order."""

    def stop(*_: object) -> None:
        request_stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def put(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="A lake table, or an inbox.")],
    files: Annotated[list[Path], typer.Argument(help="Files to copy there.")],
) -> None:
    """Put files into a lake table or an inbox, as if they had arrived; `up` or the next `run` processes them."""
    from penstock.cli import output
    from penstock.runtime.machine.promoted import refuse_promoted

    options: Options = context.obj
    home = options.open_home(create=True)
    definitions, _ = options.catalog().load_good()
    refuse_promoted(
        home.path, [name for name, one in definitions.items() if table in one.lake_tables or table in one.inboxes]
    )
    declared = [one.lake_tables[table] for one in definitions.values() if table in one.lake_tables]
    home.schema_history.keep(declared, home.clock.now())
    inbox = home.file_inbox(definitions, "put")
    keys = []
    for path in files:
        try:
            keys.append(inbox.take(table, path))
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}", hint="give files that you may read") from error
    home.close()
    if options.as_json:
        output.emit_json([{"file": str(path), "key": key} for path, key in zip(files, keys, strict=True)])
    else:
        output.table(["file", "object"], list(zip(map(str, files), keys, strict=True)))


def demo(context: typer.Context) -> None:
    """Run one real cycle of the metrics pipeline and look at everything that it left."""
    from penstock.cli.demo import show_demo

    if not show_demo(context.obj):
        raise typer.Exit(1)
