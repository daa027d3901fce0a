"""Log analytics: every five minutes the lines of servers, applications and network devices; what they add up to."""

from __future__ import annotations

import os
from typing import Any

from penstock import (
    Context,
    Invoke,
    LogEntry,
    Pipeline,
    TaskError,
    Widget,
    days,
    index,
    minutes,
    number,
    seconds,
    string,
)
from penstock.pipelines.logs import aggregates, generator, queries
from penstock.pipelines.logs.miner import Miner

pipeline = Pipeline(
    "logs",
    description="Logs of servers, applications and network devices, every five minutes",
    namespace="InfrastructureLogs",
    tags={"project": "log-analytics", "environment": "production", "owner": "operations"},
)
pipeline.aws(sealing=True)

raw = pipeline.lake(
    "logs",
    LogEntry,
    partition="hour",
    seal_after=minutes(10),
    retain=days(30),
    time="timestamp",
    # What is grave is rare and often asked for: it lies together, and the rest is not read.
    sort=["severity", "timestamp"],
)
# An object may be processed twice; within an hour its templates are kept once.
templates = pipeline.lake(
    "log_templates", aggregates.TemplateRecord, partition="hour", retain=days(30), unique=["template_id", "source"]
)
newest = pipeline.hot_table(
    "LogMinutes",
    key=(string("service"), string("minute")),
    indexes=[index("DayIndex", "day", number("at"))],
    ttl=days(2),
)
alerts = pipeline.topic("infrastructure-alerts", "console:", "file:infrastructure-alerts.jsonl")

volume = pipeline.metric("LogVolume", "Count")
log_errors = pipeline.metric("LogErrors", "Count")
failures = pipeline.metric("LambdaErrors", "Count")
duration = pipeline.metric("LambdaDuration", "Milliseconds")


@pipeline.task(
    name="log-generator", memory=256, timeout=seconds(60), may=[raw.append], errors=failures, duration=duration
)
def log_generator(event: Any, context: Context) -> dict[str, Any]:
    """Writes the simulated lines of the last five minutes that are over."""
    simulation = generator.parse_simulation(event, os.environ.get("PENSTOCK_LOGS", ""))
    at = context.started_at if context.scheduled_time is None else context.scheduled_time
    begin, end = generator.window(at)
    lines = [] if simulation is None else [one for made in generator.generate(simulation, begin, end) for one in made]
    told: dict[str, Any] = {"from": begin, "to": end, "lines": len(lines)}
    if lines:
        told["key"] = context[raw].append(lines, source="generator").key
    return told


@pipeline.task(
    name="log-aggregator",
    memory=256,
    timeout=minutes(5),
    may=[raw.read, raw.quarantine, templates.append, newest.put, volume.publish, log_errors.publish],
    errors=failures,
    duration=duration,
)
def log_aggregator(event: Any, context: Context) -> dict[str, int]:
    """Counts a new object's lines, errors and latencies by service and minute, and mines its templates."""
    key = _key(event)
    told = dict.fromkeys(("lines", "errors", "quarantined", "items", "templates"), 0)
    miner = Miner()
    for number_of_batch, batch in enumerate(aggregates.batches(context[raw].read(key), miner), start=1):
        if batch.bads:
            context[raw].quarantine(batch.bads, key)
        # By the execution's time, so that every attempt makes the same items.
        items = aggregates.items(batch, source=key, number=number_of_batch, now=context.started_at)
        if items:
            context[newest].put_all(items)
        totals = aggregates.totals(batch, context.now())
        context.publish([(volume, lines, minute) for minute, lines, _ in totals])
        context.publish([(log_errors, errors, minute) for minute, _, errors in totals])
        told["lines"] += batch.lines
        told["errors"] += sum(counts.errors for counts in batch.minutes.values())
        told["quarantined"] += len(batch.bads)
        told["items"] += len(items)
    mined = aggregates.template_records(miner, key)
    if mined:
        context[templates].append(mined)
    told["templates"] = len(mined)
    return told


def _key(event: Any) -> str:
    key = event.get("key") if isinstance(event, dict) else None
    if not isinstance(key, str):
        hint = 'give {"key": "raw/logs/…"}, as a new object does'
        raise TaskError("the event names no object", hint=hint, error="InvalidInput")
    return key


pipeline.every(minutes(5), Invoke(log_generator).retry(times=2))
pipeline.on_object(raw, log_aggregator)
pipeline.rehearse({"logs": {"rate": 60, "seed": 7}}, {"logs": {"rate": 0}})
pipeline.simulate(lambda instances, seed: {"logs": {"rate": instances, "seed": seed}}, instances=60)

for _name, (_sql, _description) in queries.NAMED.items():
    pipeline.query(_name, _sql, dialect="athena", description=_description)

PERIOD = minutes(5)
alarms = (
    pipeline.alarm(
        "HighErrorRate", metric=log_errors, above=10, statistic="Sum", period=PERIOD, severity="HIGH",
        missing="notBreaching", notify=alerts, description="More than 10 errors in 5 minutes",
    ),
    pipeline.alarm(
        "LambdaFailures", metric=failures, above=5, statistic="Sum", period=PERIOD, severity="CRITICAL",
        missing="notBreaching", notify=alerts, description="More than 5 tasks failed in 5 minutes",
    ),
)  # fmt: skip

PERIOD_SECONDS = int(PERIOD.total_seconds())
pipeline.dashboard(
    "Infrastructure-Monitoring",
    Widget(title="Log Volume", metrics=(volume,), statistic="Sum", period_seconds=PERIOD_SECONDS),
    Widget(title="Error Rate", view="number", metrics=(log_errors,), statistic="Sum", period_seconds=PERIOD_SECONDS),
    # Every invocation has one duration.
    Widget(title="Lambda Invocations", metrics=(duration,), statistic="SampleCount", period_seconds=PERIOD_SECONDS),
    Widget(title="Lambda failures", metrics=(failures,), statistic="Sum", period_seconds=PERIOD_SECONDS),
    Widget(title="Alarms", view="alarms", alarms=tuple(alarm.name for alarm in alarms)),
)
