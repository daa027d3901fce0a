"""What ran: ``executions``, and putting failures through again: ``redrive``, ``replay``, ``stop``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.ports.journal import Execution
    from penstock.runtime.machine.home import Home


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("executions")(executions)
    app.command("redrive")(redrive)
    app.command("replay")(replay)


def executions(
    context: typer.Context,
    execution: Annotated[str | None, typer.Argument(help="One execution, by its id or the beginning of it.")] = None,
    pipeline: Annotated[str | None, typer.Option("--pipeline", "-p", help="Only this pipeline's.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="Only with this status.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only dead letters: failed, and not put through again.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    full: Annotated[bool, typer.Option("--full", help="Print inputs, outputs and logs whole.")] = False,
    history: Annotated[bool, typer.Option("--history", help="One's events, as Step Functions has them.")] = False,
    describe: Annotated[bool, typer.Option("--describe", help="One's fields, as Step Functions has them.")] = False,
) -> None:
    """List executions, newest first; or show one: its states with timings, inputs, outputs and logs."""
    from penstock.cli import output
    from penstock.ports.journal import Filter, Status

    options: Options = context.obj
    home = options.open_home()
    if execution is not None:
        found_one = home.journal.get(execution)
        if history:
            _show_history(options, home, found_one, full=full)
        elif describe:
            _show_described(options, home, found_one, full=full)
        else:
            _show_one(options, home, found_one, full=full)
        return
    if history or describe:
        raise UsageError("one execution has a history", hint="give its id, or the beginning of it")
    if status is not None and status.upper() not in Status.__members__:
        raise UsageError(f"there is no status {status!r}", hint=f"one of {', '.join(Status.__members__)}")
    found = home.journal.find(
        Filter(
            pipelines=(pipeline,) if pipeline else (),
            statuses=(Status(status.upper()),) if status else (),
            dead_letter=True if dead else None,
            limit=limit,
        )
    )
    if options.as_json:
        output.emit_json([_described(one) for one in found])
        return
    rows = [
        [
            one.id,
            output.status_text(one.status),
            output.moment(one.started_at),
            _took(one),
            output.short_source(one.source),
            one.error or "",
        ]
        for one in found
    ]
    output.table(
        ["execution", "status", "started", "took", "started by", "error"], rows, empty="nothing has run here yet"
    )


def _took(execution: Execution) -> str:
    from penstock.cli.output import duration

    if execution.started_at is None or execution.stopped_at is None:
        return "-"
    return duration(execution.stopped_at - execution.started_at)


def _waits(execution: Execution) -> str:
    """Returns what an execution waits for that is parked."""
    from penstock.cli.output import moment

    if execution.wake_at is None or execution.stopped_at is not None:
        return ""
    return (
        ", waits for an answer" if execution.wake_at == float("inf") else f", waits until {moment(execution.wake_at)}"
    )


def _described(execution: Execution) -> dict[str, Any]:
    import msgspec

    described = {name: getattr(execution, name) for name in execution.__struct_fields__}
    for name in ("input", "output"):
        described[name] = None if described[name] is None else msgspec.json.decode(described[name])
    return described


def _show_one(options: Options, home: Home, execution: Execution, *, full: bool) -> None:
    from penstock.cli import output, timeline

    visits = timeline.visits(home, execution)
    if options.as_json:
        output.emit_json({**_described(execution), "states": visits})
        return
    out = output.console()
    from rich.text import Text

    out.print(Text.assemble((execution.id, "bold"), "  ", output.status_text(execution.status)))
    out.print(Text(f"{execution.pipeline} / {execution.workflow}, started by {output.clean(execution.source)}"))
    redriven = f", redriven {execution.redrives} times" if execution.redrives else ""
    out.print(Text(f"{output.moment(execution.started_at)}, took {_took(execution)}{redriven}"))
    out.print(Text(f"definition {execution.version[:12]}{_waits(execution)}"))
    if execution.error:
        out.print(
            Text(f"{execution.error}: {output.clean(timeline.shorten(execution.cause or '', full=full))}", style="red")
        )
    out.print()
    rows = [
        [v.state, output.status_text(v.status), output.duration(v.started_at - (execution.started_at or v.started_at)),
         output.duration(v.seconds), v.attempts or "", timeline.shorten(v.error or v.output_text(), full=full)]
        for v in visits
    ]  # fmt: skip
    output.table(["state", "status", "after", "took", "attempts", "output or error"], rows)
    if full:
        _print_whole(visits)


def _show_history(options: Options, home: Home, execution: Execution, *, full: bool) -> None:
    from penstock import states
    from penstock.cli import output, timeline

    events = [states.history_event(entry) for entry in timeline.entries(home, execution, _region(options, execution))]
    if options.as_json:
        output.emit_json({"events": events})
        return
    began = events[0]["timestamp"] if events else 0.0
    rows = [
        [
            event["id"],
            event["previousEventId"],
            event["type"],
            output.duration(event["timestamp"] - began),
            timeline.event_text(event, full=full),
        ]
        for event in events
    ]
    output.table(["id", "follows", "type", "after", "details"], rows, empty="it has not begun")


def _region(options: Options, execution: Execution) -> str:
    """Returns the region that the execution's pipeline declares; nothing where its file is not here."""
    from penstock.errors import PenstockError

    try:
        return options.catalog().load(execution.pipeline).region
    except PenstockError:
        return ""


def _show_described(options: Options, home: Home, execution: Execution, *, full: bool) -> None:
    from penstock.cli import output, timeline
    from penstock.runtime.describe import describe_execution

    events = len(timeline.entries(home, execution))
    described = describe_execution(execution, events=events, now=home.clock.now())
    if options.as_json:
        output.emit_json(described)
        return
    rows = [[name, timeline.shorten(output.cell_text(value), full=full)] for name, value in described.items()]
    output.table(["field", "value"], rows)


def _print_whole(visits: list[Any]) -> None:
    from penstock.cli import output

    out = output.console()
    for visit in visits:
        for name in ("input", "output", "log"):
            text = getattr(visit, name)
            if text is not None and text != "":
                out.print()
                out.print(f"[bold]{output.clean(visit.state)} {name}[/]")
                typer.echo(output.clean(text if isinstance(text, str) else output.cell_text(text)))


def redrive(
    context: typer.Context,
    execution: Annotated[str, typer.Argument(help="A failed execution.")],
) -> None:
    """Continue a failed execution from where it failed; what succeeded does not run again."""
    from penstock.cli.live import redrive_and_show

    raise typer.Exit(redrive_and_show(context.obj, execution).exit_code)


def replay(
    context: typer.Context,
    execution: Annotated[str, typer.Argument(help="Any finished execution.")],
) -> None:
    """Run an execution's workflow again, whole, with the same input, as a new execution."""
    import msgspec

    from penstock.cli.live import run_and_show
    from penstock.ports.journal import Status

    options: Options = context.obj
    home = options.open_home()
    old = home.journal.get(execution)
    home.close()
    if not Status(old.status).is_final:
        raise UsageError(f"{old.id} is not over", hint="`penstock up` or `penstock run` continues it")
    value = msgspec.json.decode(old.input)
    ended = run_and_show(options, old.pipeline, old.workflow, value, source=f"replay:{old.id}")
    if ended.exit_code == 0 and old.dead_letter:
        home = options.open_home()
        home.journal.bury(old.id)
        home.close()
    raise typer.Exit(ended.exit_code)
