"""Queues and events: ``queue`` and ``event``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options, decode_input
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from penstock.model.pipeline import Definition
    from penstock.model.queues import Queue
    from penstock.ports.queues import QueueMessage

QueueName = Annotated[str, typer.Argument(help="A queue.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    queue = typer.Typer(rich_markup_mode=None)
    queue.callback(invoke_without_command=True)(_list_when_bare)
    queue.command("list")(list_queues)
    queue.command("send")(send)
    queue.command("receive")(receive)
    queue.command("delete")(delete)
    queue.command("purge")(purge)
    app.add_typer(queue, name="queue", help="Look at queues; send, receive, delete and purge messages.")
    event = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    event.callback()(lambda: None)
    event.command("put")(put)
    app.add_typer(event, name="event", help="Put events on buses.")


def _list_when_bare(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_queues(context)


def list_queues(context: typer.Context) -> None:
    """List the queues, with how many messages each of them holds."""
    from penstock.cli import output

    options: Options = context.obj
    queues = _queues(options)
    # A home that is not there yet holds nothing.
    home = options.open_home() if options.home.is_dir() else None
    found: list[dict[str, Any]] = []
    for pipeline, queue in queues:
        counts = home.queues.counts(queue) if home else None
        found.append(
            {
                "queue": queue.name,
                "pipeline": pipeline,
                "waiting": counts.waiting if counts else 0,
                "in_flight": counts.in_flight if counts else 0,
                "delayed": counts.delayed if counts else 0,
                "visibility_seconds": queue.visibility_seconds,
                "retain_seconds": queue.retain_seconds,
            }
        )
    if options.as_json:
        output.emit_json(found)
        return
    rows: list[list[Any]] = [
        [*[one[key] for key in ("queue", "pipeline", "waiting", "in_flight", "delayed")],
         output.duration(one["visibility_seconds"]), output.duration(one["retain_seconds"])]
        for one in found
    ]  # fmt: skip
    headings = ["queue", "pipeline", "waiting", "in flight", "delayed", "hidden for", "kept for"]
    output.table(headings, rows, empty="no pipeline here has a queue")


def send(
    context: typer.Context,
    name: QueueName,
    body: Annotated[str, typer.Argument(help="The message, as it is; tasks send JSON.")],
    delay: Annotated[int, typer.Option("--delay", min=0, max=900, help="Seconds until it can be received.")] = 0,
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", help="NAME=TEXT beside the message; may be repeated.")
    ] = None,
) -> None:
    """Send a message to a queue."""
    from penstock.cli import output

    options: Options = context.obj
    queue = _queue(options, name)
    home = options.open_home(create=True)
    message = home.queues.send(queue, body, delay_seconds=delay, attributes=_attributes(attribute or []))
    if options.as_json:
        output.emit_json({"id": message})
    else:
        typer.echo(f"sent {message} to {name}")


def receive(
    context: typer.Context,
    name: QueueName,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10, help="At most so many.")] = 10,
    wait: Annotated[int, typer.Option("--wait", min=0, max=20, help="Seconds to wait for a message.")] = 0,
    visibility: Annotated[
        int | None, typer.Option("--visibility", min=0, max=43_200, help="Seconds that they are hidden from others.")
    ] = None,
    remove: Annotated[bool, typer.Option("--delete", help="Delete them: they are dealt with.")] = False,
) -> None:
    """Receive messages: they come again when their visibility ends, unless they are deleted."""
    from penstock.cli import output

    options: Options = context.obj
    queue = _queue(options, name)
    home = options.open_home()
    found = home.queues.receive(queue, limit=limit, visibility_seconds=visibility, wait_seconds=wait)
    if options.as_json:
        output.emit_json([_told(message) for message in found])
    else:
        now = home.clock.now()
        rows: list[list[Any]] = [[one.id, output.age(one.sent_at, now), one.receives, one.body] for one in found]
        output.table(["message", "sent", "receives", "body"], rows, empty=f"nothing can be received from {name}")
    if remove:
        for message in found:
            home.queues.delete(queue, message.receipt)


def delete(
    context: typer.Context,
    name: QueueName,
    receipt: Annotated[str, typer.Argument(help="What `penstock queue receive --json` told of the message.")],
) -> None:
    """Delete a received message."""
    from penstock.cli import output

    options: Options = context.obj
    queue = _queue(options, name)
    options.open_home().queues.delete(queue, receipt)
    if options.as_json:
        output.emit_json({"deleted": receipt})


def purge(
    context: typer.Context,
    name: QueueName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete every message of a queue."""
    from penstock.cli import output
    from penstock.cli.consent import confirm

    options: Options = context.obj
    queue = _queue(options, name)
    home = options.open_home()
    counts = home.queues.counts(queue)
    held = counts.waiting + counts.in_flight + counts.delayed
    if held:
        confirm(f"Delete {output.count(held, 'message')} of queue {name}?", yes=yes)
    home.queues.purge(queue)
    if options.as_json:
        output.emit_json({"queue": name, "deleted": held})
    else:
        typer.echo(f"deleted {output.count(held, 'message')} of {name}")


def put(
    context: typer.Context,
    bus: Annotated[str, typer.Argument(help="An event bus.")],
    source: Annotated[str, typer.Option("--source", help="Who says it, such as shop.orders.")],
    detail_type: Annotated[str, typer.Option("--detail-type", help="What has happened, such as OrderPlaced.")],
    detail: Annotated[str, typer.Option("--detail", help="A JSON object, or @FILE.")] = "{}",
) -> None:
    """Put an event on a bus: a running machine starts what it matches."""
    from penstock.cli import output
    from penstock.ports.events import BusEvent

    options: Options = context.obj
    value = decode_input(detail)
    if not isinstance(value, dict):
        raise UsageError("the detail is no JSON object", hint="""such as --detail '{"id": 7}'""")
    definition = _owner(options, bus)
    event = BusEvent(source=source, detail_type=detail_type, detail=value)
    name = options.open_home(create=True).events.put(definition.event_buses[bus], event)
    triggers = [one for one in definition.event_triggers.values() if one.bus == bus]
    starts = [one.workflow for one in triggers if one.matches(source, detail_type)]
    if options.as_json:
        output.emit_json({"id": name, "bus": bus, "starts": starts})
    elif starts:
        typer.echo(f"put {name} on {bus}; it starts {', '.join(starts)} where `penstock up` runs")
    else:
        typer.echo(f"put {name} on {bus}; no trigger matches it")


def _queues(options: Options) -> list[tuple[str, Queue]]:
    definitions, _ = options.catalog().load_good()
    return [(name, queue) for name, definition in definitions.items() for queue in definition.queues.values()]


def _queue(options: Options, name: str) -> Queue:
    known = {queue.name: queue for _, queue in _queues(options)}
    if name not in known:
        raise NotFoundError(f"there is no queue {name!r}", hint=f"the queues are: {', '.join(sorted(known)) or 'none'}")
    return known[name]


def _owner(options: Options, bus: str) -> Definition:
    definitions, _ = options.catalog().load_good()
    known = {name: definition for definition in definitions.values() for name in definition.event_buses}
    if bus not in known:
        raise NotFoundError(
            f"there is no event bus {bus!r}", hint=f"the buses are: {', '.join(sorted(known)) or 'none'}"
        )
    return known[bus]


def _attributes(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise UsageError(f"attribute {one!r} has no value", hint="such as --attribute kind=order")
        found[name] = value
    return found


def _told(message: QueueMessage) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__struct_fields__}
