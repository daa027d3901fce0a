"""Logs of this machine: ``collect logs``."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.lifecycle import stop_on_signals
from penstock.cli.options import Options
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.runtime.machine.collecting import Collecting
    from penstock.runtime.machine.settings import Follow

FORMATS = "auto, syslog, rfc5424, rfc3164, access, json, journald, logfmt, application, text"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(name="collect", help="Collect what this machine writes elsewhere.", no_args_is_help=True)
    group.command("logs")(logs)
    group.callback()(lambda: None)
    app.add_typer(group)


def logs(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Log files; wildcards in the last part. Those of config.toml when none is named."),
    ] = None,
    table: Annotated[str, typer.Option("--table", help="The lake table that the lines go to.")] = "logs",
    format_: Annotated[str, typer.Option("--format", help=f"One of {FORMATS}.")] = "auto",
    service: Annotated[str, typer.Option("--service", help="Of lines that name none; else the file's name.")] = "",
    host: Annotated[str, typer.Option("--host", help="Of lines that name none; else this machine's name.")] = "",
    timezone: Annotated[str, typer.Option("--timezone", help="Of times that name none, such as UTC.")] = "",
    from_end: Annotated[bool, typer.Option("--from-end", help="Only what is written from now on.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Store what is there, and stop.")] = False,
    otlp: Annotated[
        int | None, typer.Option("--otlp", help="Receive OpenTelemetry on this port of 127.0.0.1, such as 4318.")
    ] = None,
    flush: Annotated[
        float, typer.Option("--flush", min=0.1, help="Store lines at the latest after so many seconds.")
    ] = 5.0,
) -> None:
    """Follow log files into a lake table, through rotation and restarts, each line once; Ctrl-C stops."""
    from penstock.runtime.machine.collecting import Collecting
    from penstock.runtime.machine.promoted import refuse_promoted
    from penstock.runtime.machine.settings import Follow, Otlp

    options: Options = context.obj
    home = options.open_home(create=True)
    given = [
        Follow(paths=[str(path.absolute()) for path in paths], table=table, format=format_, service=service, host=host,
               timezone=timezone, from_end=from_end)
    ] if paths else home.settings.follow  # fmt: skip
    listen = Otlp(port=otlp, table=table) if otlp is not None else None if paths else home.settings.otlp
    if not given and listen is None:
        raise UsageError("there is nothing to collect", hint="such as `penstock collect logs /var/log/syslog`")
    definitions, _ = options.catalog().load_good()
    tables = {follow.table for follow in given} | ({listen.table} if listen else set())
    refuse_promoted(home.path, [name for name, one in definitions.items() if tables & set(one.lake_tables)])
    collecting = Collecting(
        home, definitions, follows=given, otlp=None if once else listen, warn=_warn, flush_seconds=flush
    )
    try:
        if once:
            collecting.collect_all()
        else:
            _follow(options, collecting, given)
    finally:
        collecting.close()
        home.close()
    _report(options, collecting.lines)


def _follow(options: Options, collecting: Collecting, given: list[Follow]) -> None:
    from penstock.cli import output

    stop = threading.Event()
    stop_on_signals(stop.set)
    if not options.as_json:
        paths = ", ".join(path for follow in given for path in follow.paths)
        output.console(stderr=True).print(f"following {paths or 'OTLP'}; Ctrl-C stops", style="dim", markup=False)
    collecting.run(stop)


def _warn(text: str) -> None:
    from penstock.cli import output

    output.console(stderr=True).print(text, style="yellow", markup=False)


def _report(options: Options, lines: int) -> None:
    from penstock.cli import output

    if options.as_json:
        output.emit_json({"lines": lines})
    else:
        output.console().print(f"{output.count(lines, 'line')} stored")
