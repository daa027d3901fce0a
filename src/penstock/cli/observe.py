"""What can be seen: ``items``, ``metrics``, ``alarms`` and ``notifications``."""

from __future__ import annotations

import decimal
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.options import Options
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from penstock.model.datasets import HotTable, Key
    from penstock.ports.hot import KeyRange

SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
SPAN_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("items")(items)
    app.command("metrics")(metrics)
    app.command("alarms")(alarms)
    app.command("notifications")(notifications)


def items(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="A hot table.")],
    partition: Annotated[str | None, typer.Argument(help="The partition key's value; without it, any items.")] = None,
    index: Annotated[str | None, typer.Option("--index", help="Look up by this index instead of the key.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Sort key from: a value, or a span such as 7d.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Sort key to: a value, or a span such as 1h.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Newest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
) -> None:
    """Look up items of a hot table: by key, by time range, by index, newest first."""
    from penstock.cli import output

    options: Options = context.obj
    hot_table = _hot_table(options, table)
    home = options.open_home()
    if partition is None:
        if index or since or until:
            raise UsageError("--index, --since and --until need a partition", hint=f"penstock items {table} VALUE …")
        page = home.hot.scan(hot_table, limit=limit)
    else:
        partition_key, sort_key = _keys(hot_table, index)
        page = home.hot.query(
            hot_table,
            partition=_value(partition, partition_key),
            index=index,
            sort=_key_range(since, until, sort_key, home.clock.now()),
            newest_first=latest,
            limit=limit,
        )
    if options.as_json:
        output.emit_json({"items": list(page.items), "after": page.after})
        return
    names = list(dict.fromkeys(name for item in page.items for name in item))
    output.table(names, [[item.get(name) for name in names] for item in page.items], empty="no such items")


def _hot_table(options: Options, name: str) -> HotTable:
    definitions, _ = options.catalog().load_good()
    tables = {table.name: table for definition in definitions.values() for table in definition.hot_tables.values()}
    if name not in tables:
        raise NotFoundError(
            f"there is no hot table {name!r}", hint=f"the tables are: {', '.join(sorted(tables)) or 'none'}"
        )
    return tables[name]


def _keys(table: HotTable, index: str | None) -> tuple[Key, Key | None]:
    if index is None:
        return table.partition, table.sort
    found = next((one for one in table.indexes if one.name == index), None)
    if found is None:
        names = ", ".join(one.name for one in table.indexes) or "none"
        raise NotFoundError(f"hot table {table.name!r} has no index {index!r}", hint=f"its indexes are: {names}")
    return found.partition, found.sort


def _value(text: str, key: Key) -> Any:
    if key.type == "S":
        return text
    if key.type == "B":
        return text.encode()
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation:
        raise UsageError(f"{key.name} is a number, {text!r} is none", hint="such as 1771574220") from None


def _key_range(since: str | None, until: str | None, key: Key | None, now: float) -> KeyRange | None:
    from penstock.ports import hot

    if since is None and until is None:
        return None
    if key is None:
        raise UsageError("this table or index has no sort key", hint="leave --since and --until out")
    low = None if since is None else _bound(since, key, now)
    high = None if until is None else _bound(until, key, now)
    if low is not None and high is not None:
        return hot.between(low, high)
    return hot.greater_or_equal(low) if low is not None else hot.less_or_equal(high)


def _bound(text: str, key: Key, now: float) -> Any:
    matched = SPAN.fullmatch(text)
    if matched and key.type == "N":
        return decimal.Decimal(repr(now - float(matched[1]) * SPAN_SECONDS[matched[2]]))
    return _value(text, key)


def span_seconds(text: str) -> float:
    """Returns a span such as ``90min``, ``7d`` or ``2h`` in seconds.

    Raises:
        UsageError: it is none.
    """
    matched = SPAN.fullmatch(text)
    if matched is None:
        raise UsageError(f"{text!r} is no span of time", hint="such as 90s, 30min, 6h, 7d or 2w")
    return float(matched[1]) * SPAN_SECONDS[matched[2]]


def metrics(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A metric; without it, all of them.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", help="Only this namespace's.")] = None,
    statistic: Annotated[
        str, typer.Option("--statistic", "-s", help="Average, Sum, Minimum, Maximum, p99.")
    ] = "Average",
    period: Annotated[str, typer.Option("--period", help="One value for each such span.")] = "3h",
    since: Annotated[str, typer.Option("--since", help="How far back.")] = "1d",
) -> None:
    """List metrics with their newest value, or show one over time."""
    from penstock.cli import output
    from penstock.watch import windows

    options: Options = context.obj
    home = options.open_home()
    now, seconds = home.clock.now(), span_seconds(period)
    series = [m for m in home.metrics.series(namespace) if name is None or name in {m.name, m.label}]
    if name is not None and not series:
        raise NotFoundError(f"there is no metric {name!r}", hint="`penstock metrics` lists them")
    rows: list[list[Any]] = []
    for metric in series:
        start = (now - span_seconds(since)) // seconds * seconds
        values = windows.series(
            home.metrics.values(metric, start, now + 1), statistic, int(seconds), start, now + seconds
        )
        shown = sorted(values.items()) if name is not None else sorted(values.items())[-1:]
        rows += [[metric.namespace, metric.label, output.moment(at), value, metric.unit] for at, value in shown]
    if options.as_json:
        keys = ["namespace", "metric", "period_start", "value", "unit"]
        output.emit_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    output.table(["namespace", "metric", "period from", statistic, "unit"], rows, empty="no values in this time")


def alarms(
    context: typer.Context,
    what: Annotated[str | None, typer.Argument(help='"history", "rehearse", or the name of an alarm.')] = None,
    pipeline: Annotated[str | None, typer.Option("--pipeline", "-p", help="Only this pipeline's.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many changes.")] = 20,
    since: Annotated[
        str | None, typer.Option("--since", help="What `rehearse` looks at; everything if absent.")
    ] = None,
) -> None:
    """Show the alarms and their states; `alarms history` shows their changes, `alarms rehearse` what they would do."""
    from penstock.cli import output

    options: Options = context.obj
    definitions, _ = options.catalog().load_good()
    chosen = {name: d for name, d in definitions.items() if pipeline in {None, name}}
    if what == "rehearse":
        from penstock.cli.alarm_rehearsal import rehearse_alarms

        rehearse_alarms(options, chosen, None if since is None else span_seconds(since))
        return
    home = options.open_home()
    if what is not None:
        names = {alarm for d in chosen.values() for alarm in [*d.alarms, *d.composite_alarms]}
        if what != "history" and what not in names:
            raise NotFoundError(f"there is no alarm {what!r}", hint="`penstock alarms` lists them")
        changes = home.alarms.history(list(chosen), None if what == "history" else what, limit)
        if options.as_json:
            output.emit_json(changes)
            return
        rows = [
            [output.moment(c.at), c.alarm, f"{c.previous} → {c.state}", c.reason, ", ".join(c.notified) or "-"]
            for c in changes
        ]
        output.table(["when", "alarm", "change", "why", "told"], rows, empty="no alarm has changed yet")
        return
    rows = alarm_rows(home, chosen)
    if options.as_json:
        keys = ["alarm", "state", "since", "severity", "reason", "pipeline"]
        output.emit_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    print_alarms(rows)


def alarm_rows(home: Any, definitions: dict[str, Any]) -> list[list[Any]]:
    """Returns one row an alarm: name, state, since, severity, reason, pipeline."""
    from penstock.watch import evaluate

    rows: list[list[Any]] = []
    for name, definition in definitions.items():
        kept = home.alarms.records(name)
        for alarm in [*definition.alarms.values(), *definition.composite_alarms.values()]:
            raw = kept.get(alarm.name)
            record = None if raw is None else evaluate.decode_record(raw)
            state = "INSUFFICIENT_DATA" if record is None else record.state.value
            since = None if record is None else record.since
            reason = "not evaluated yet" if record is None else record.reason
            rows.append([alarm.name, state, since, alarm.severity, reason, name])
    return rows


def print_alarms(rows: list[list[Any]]) -> None:
    """Prints alarms, the worst first."""
    from penstock.cli import output

    order = {"ALARM": 0, "INSUFFICIENT_DATA": 1, "OK": 2}
    shown = [
        [name, output.status_text(state), output.moment(since), severity, reason]
        for name, state, since, severity, reason, _ in sorted(rows, key=lambda row: order[row[1]])
    ]
    output.table(["alarm", "state", "since", "severity", "why"], shown, empty="no alarms are defined")


def notifications(
    context: typer.Context,
    status: Annotated[str | None, typer.Option("--status", help="pending, delivered or dead.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Send all dead ones again.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
) -> None:
    """Show what people were told, and what could not be delivered."""
    from penstock.cli import output
    from penstock.model.endpoints import redact

    options: Options = context.obj
    if status not in {None, "pending", "delivered", "dead"}:
        raise UsageError(f"there is no status {status!r}", hint="pending, delivered or dead")
    home = options.open_home()
    if retry:
        count = home.outbox.retry_dead(None, home.clock.now())
        if options.as_json:
            output.emit_json({"retried": count})
        else:
            typer.echo(f"{count} will be sent again by `penstock up` or the next `penstock run`")
        return
    rows = home.outbox.rows(status, limit)  # type: ignore[arg-type]
    if options.as_json:
        output.emit_json([{**output.plain(row), "endpoint": redact(row.endpoint)} for row in rows])
        return
    shown = [
        [output.moment(r.message.created_at), output.status_text(r.status), redact(r.endpoint), r.message.subject,
         r.attempts, r.error or ""]
        for r in rows
    ]  # fmt: skip
    output.table(["when", "status", "to", "subject", "attempts", "error"], shown, empty="nobody was told anything yet")
