"""What a definition cannot tell about a month of its pipeline, with what is assumed instead."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from penstock.errors import UsageError
from penstock.model.pipeline import Definition


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """How a pipeline is used in a month of 30 days.

    Attributes:
        runs: executions that no schedule or trigger starts, by workflow.
        task_seconds: how long a call of a task is billed for, start of the function included; by task.
        default_task_seconds: the same, for tasks that are not named.
        map_items: items of a Map state.
        objects_per_call: objects that a call of an appending task writes into each of its tables.
        messages_per_call: messages that a call of a sending task puts into each of its queues; each is received once.
        events_per_call: events that a call of a task puts on each of its buses; each matches every trigger there.
        records_per_object: records in an object; each becomes an item where a task puts items.
        record_bytes: a record's size in the lake and in hot tables.
        months_kept: how long objects and items stay that nothing expires.
        hot_reads: reads of hot tables from outside of the pipeline.
        queries: queries in Athena.
        query_gb: what a query scans; Athena bills no less than 10 MB.
        query_partitions: partitions that a query looks into: those of a week, by the hour.
        mail_subscribers: of each topic; those that the definition names when None, and one where it names none.
        alarm_mails: messages of alarms.
        log_bytes_per_call: what a call writes into its log.
        zones: availability zones of the network, where there is one.
        secrets: secrets kept in Secrets Manager.
        crawler_hours: time that the crawler runs, at two DPUs.
        sealing_seconds: how long a run of the function that seals is billed for, where there is one.
        sealed_share: the size of what is sealed, as a part of the raw objects'.
        job_hours: time that the backfill job runs, at a sixteenth of a DPU.
        spark_seconds: how long a run of a task that is a job on Spark is billed for; a minute at least.
    """

    runs: dict[str, float] = {}
    task_seconds: dict[str, float] = {}
    default_task_seconds: float = 3.0
    map_items: float = 1.0
    objects_per_call: float = 1.0
    messages_per_call: float = 1.0
    events_per_call: float = 1.0
    records_per_object: float = 1.0
    record_bytes: float = 1000.0
    months_kept: float = 12.0
    hot_reads: float = 10_000.0
    queries: float = 20.0
    query_gb: float = 0.01
    query_partitions: float = 168.0
    mail_subscribers: float | None = None
    alarm_mails: float = 0.0
    log_bytes_per_call: float = 2000.0
    zones: float = 2.0
    secrets: float = 0.0
    crawler_hours: float = 0.0
    sealing_seconds: float = 5.0
    sealed_share: float = 0.2
    job_hours: float = 0.0
    spark_seconds: float = 60.0


def check(definition: Definition, usage: Usage) -> None:
    """Checks a usage against the pipeline that it is about.

    Raises:
        UsageError: it names a workflow or a task that the pipeline does not have, or a number makes no sense.
    """
    for kind, given, known in (
        ("workflow", usage.runs, definition.workflows),
        ("task", usage.task_seconds, definition.tasks),
    ):
        for name in given:
            if name not in known:
                raise UsageError(
                    f"pipeline {definition.name!r} has no {kind} {name!r}", hint=f"it has {', '.join(known) or 'none'}"
                )
    for name, value in _numbers(usage):
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"{name} is {value}", hint="give a number that is not negative")


def _numbers(usage: Usage) -> Iterator[tuple[str, float]]:
    for field in usage.__struct_fields__:
        value = getattr(usage, field)
        if isinstance(value, dict):
            yield from ((f"{field} of {name!r}", number) for name, number in value.items())
        elif value is not None:
            yield field, value
