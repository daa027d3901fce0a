"""What there is: ``ls``, ``show`` and ``lint``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options
from penstock.errors import Finding, UsageError

if TYPE_CHECKING:
    from penstock.model.datasets import LakeTable
    from penstock.model.pipeline import Definition
    from penstock.model.workflow import EventTrigger


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("ls")(list_pipelines)
    app.command("show")(show)
    app.command("lint")(lint)


def list_pipelines(context: typer.Context) -> None:
    """List the pipelines that can be had here."""
    from penstock.cli import output

    options: Options = context.obj
    good, bad = options.catalog().load_good()
    if options.as_json:
        output.emit_json(
            [_summary(definition) for definition in good.values()]
            + [{"name": name, **error.to_dict()} for name, error in bad.items()]
        )
    else:
        rows: list[list[Any]] = [
            [
                name,
                ", ".join(s.expression for s in d.schedules.values()) or "-",
                len(d.tasks),
                len(d.alarms),
                d.description,
            ]
            for name, d in good.items()
        ]
        output.table(["pipeline", "schedule", "tasks", "alarms", "what it does"], rows, empty="no pipelines here")
    if bad:
        if not options.as_json:
            for error in bad.values():
                output.fail(error, as_json=False)
        raise typer.Exit(3)


def _summary(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "description": definition.description,
        "schedules": [s.expression for s in definition.schedules.values()],
        "tasks": list(definition.tasks),
        "workflows": list(definition.workflows),
        "alarms": list(definition.alarms),
    }


def show(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(help="The pipeline's name.")],
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the workflows as Mermaid diagrams only.")] = False,
    asl: Annotated[bool, typer.Option("--asl", help="Print the workflows' Amazon States Language only.")] = False,
) -> None:
    """Show a pipeline: its workflows, schedules, tables, alarms and grants."""
    from penstock.cli import diagram, output

    options: Options = context.obj
    definition = options.catalog().load(pipeline)
    workflows = definition.workflows.values()
    if options.as_json:
        output.emit_json(_described(definition))
    elif mermaid:
        typer.echo("\n\n".join(diagram.mermaid(workflow.definition) for workflow in workflows))
    elif asl:
        for workflow in workflows:
            typer.echo(workflow.definition.decode(), nl=False)
    else:
        _print_definition(definition)


def _described(definition: Definition) -> dict[str, Any]:
    from penstock.cli.output import plain

    described: dict[str, Any] = {}
    for field in definition.__struct_fields__:
        value = getattr(definition, field)
        described[field] = (
            {name: _part(part) for name, part in value.items()} if isinstance(value, dict) else _part(value)
        )
    return dict(plain(described))


def _part(part: Any) -> Any:
    """Returns a part as plain data; code and types become their names, documents become JSON."""
    import msgspec

    if not isinstance(part, msgspec.Struct):
        return part
    described = {name: getattr(part, name) for name in part.__struct_fields__}
    for name, value in described.items():
        if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
            described[name] = f"{value.__module__}.{value.__qualname__}"
        elif name == "definition":
            described[name] = msgspec.json.decode(value)
        elif name == "grants":
            described[name] = [str(grant) for grant in value]
    return described


def _print_definition(definition: Definition) -> None:
    from penstock.cli import diagram, output

    out = output.console()
    out.print(f"[bold]{definition.name}[/]  {output.clean(definition.description)}", style="")
    for workflow in definition.workflows.values():
        starts = [s.expression for s in definition.schedules.values() if s.workflow == workflow.name]
        starts += [f"each object of {t.table}" for t in definition.triggers.values() if t.workflow == workflow.name]
        starts += [f"each file of {t.inbox}" for t in definition.inbox_triggers.values() if t.workflow == workflow.name]
        starts += [_heard(t) for t in definition.event_triggers.values() if t.workflow == workflow.name]
        out.print()
        out.print(f"[bold]workflow {workflow.name}[/]  started by {', '.join(starts) or 'hand'}")
        typer.echo(diagram.text(workflow.definition, width=min(out.width, 120)))
    for title, headings, rows in _sections(definition):
        if rows:
            out.print()
            output.table(headings, rows, title=title)


def _heard(trigger: EventTrigger) -> str:
    said = " or ".join(trigger.detail_type) or "each event"
    source = f" of {' or '.join(trigger.source)}" if trigger.source else ""
    return f"{said}{source} on {trigger.bus}"


def _sections(definition: Definition) -> list[tuple[str, list[str], list[list[Any]]]]:
    from penstock.cli.output import duration
    from penstock.model.endpoints import redact
    from penstock.schedules import parse

    schedules = [
        [s.name, s.expression, s.timezone, parse(s.expression, s.timezone).describe(), s.catch_up, s.overlap]
        for s in definition.schedules.values()
    ]
    tables: list[list[Any]] = [
        ["lake", t.name, t.record.__name__, f"by {t.partition}", _kept_by_zone(t)]
        for t in definition.lake_tables.values()
    ]
    tables += [
        ["hot", t.name, ", ".join(key.name for key in (t.partition, t.sort) if key),
         f"indexes {', '.join(i.name for i in t.indexes) or '-'}", f"kept {_kept(t.ttl_seconds)}"]
        for t in definition.hot_tables.values()
    ]  # fmt: skip
    alarms = [
        [a.name, f"{a.statistic} {a.metric.label} {_SIGNS[a.comparison]} {a.threshold:g}",
         f"{a.datapoints_to_alarm} of {a.evaluation_periods} x {duration(a.period_seconds)}", a.severity,
         ", ".join(a.on_alarm) or "-"]
        for a in definition.alarms.values()
    ]  # fmt: skip
    alarms += [
        [a.name, a.rule, "composite", a.severity, ", ".join(a.on_alarm)] for a in definition.composite_alarms.values()
    ]
    tasks = [
        [t.name, f"{t.memory_mb} MB", duration(t.timeout_seconds), ", ".join(map(str, t.grants)) or "nothing"]
        for t in definition.tasks.values()
    ]
    topics = [
        [t.name, ", ".join(redact(s.endpoint) for s in t.subscriptions) or "nobody"] for t in definition.topics.values()
    ]
    queues = [[q.name, duration(q.visibility_seconds), duration(q.retain_seconds)] for q in definition.queues.values()]
    inboxes = [[i.name, _kept(i.retain_seconds)] for i in definition.inboxes.values()]
    warehouses = [[w.name, ", ".join(w.relations), ", ".join(w.views)] for w in definition.warehouses.values()]
    buses: list[list[Any]] = []
    for bus in definition.event_buses:
        heard = [t for t in definition.event_triggers.values() if t.bus == bus]
        buses += [[bus, t.workflow, _heard(t)] for t in heard] or [[bus, "nothing", "-"]]
    dashboards = [[d.name, ", ".join(widget.title for widget in d.widgets)] for d in definition.dashboards.values()]
    return [
        ("schedules", ["name", "expression", "zone", "in words", "catch-up", "overlap"], schedules),
        ("tables", ["kind", "name", "record or key", "layout", "retention"], tables),
        ("tasks and their grants", ["task", "memory", "timeout", "may"], tasks),
        ("alarms", ["alarm", "when", "for", "severity", "tells"], alarms),
        ("topics", ["topic", "subscriptions"], topics),
        ("queues", ["queue", "a received message is hidden for", "kept for"], queues),
        ("inboxes", ["inbox", "files are kept"], inboxes),
        ("warehouses", ["name", "tables", "views"], warehouses),
        ("event buses", ["bus", "starts", "by"], buses),
        ("dashboards", ["dashboard", "shows"], dashboards),
    ]


_SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}


def _kept_by_zone(table: LakeTable) -> str:
    from penstock.model.datasets import ZONES

    if not table.retain_zones:
        return f"kept {_kept(table.retain_seconds)}"
    return f"kept {', '.join(f'{zone} {_kept(table.retained_seconds(zone))}' for zone in ZONES)}"


def _kept(seconds: int | None) -> str:
    from penstock.cli.output import duration

    return "for ever" if seconds is None else duration(seconds)


def lint(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Documents in Amazon States Language; - for stdin.")],
) -> None:
    """Report every mistake of Amazon States Language documents at once, with its place and its mend.

    Warnings alone leave the exit code at 0: AWS makes a state machine of such a document.
    """
    from penstock.cli import output

    options: Options = context.obj
    found = [(str(path), finding) for path in files for finding in _mistakes(_document(path))]
    if options.as_json:
        output.emit_json(
            [{"file": file, "path": one.where, "severity": one.severity, "code": one.code, "message": one.message,
              "hint": one.hint} for file, one in found]
        )  # fmt: skip
    else:
        rows: list[list[Any]] = [
            [file, one.where, one.severity, one.code, one.message, one.hint] for file, one in found
        ]
        output.table(["file", "path", "severity", "code", "mistake", "mend"], rows, empty="no mistakes")
    if any(one.severity == "ERROR" for _, one in found):
        raise typer.Exit(3)


def _mistakes(document: bytes) -> list[Finding]:
    """Returns the mistakes of the language; in a document without any, those in its calls of services too."""
    from penstock import states
    from penstock.define.service_calls import check_calls

    found = states.lint(document, warnings=True)
    return found if any(one.severity == "ERROR" for one in found) else [*found, *check_calls(document)]


def _document(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="give a file that you may read") from error
