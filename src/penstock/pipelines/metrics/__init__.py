"""Infrastructure monitoring: four collectors every three hours, a lake, a hot table, metrics, and six alarms."""

from __future__ import annotations

import json
import os
from typing import Any

from penstock import (
    Context,
    Parallel,
    Pipeline,
    TaskError,
    Widget,
    days,
    hours,
    index,
    minutes,
    number,
    seconds,
    string,
)
from penstock.pipelines.metrics import fleet, host, queries
from penstock.pipelines.metrics.processing import METRIC_SECONDS, batches, item
from penstock.pipelines.metrics.records import MetricRecord, MetricType, record

pipeline = Pipeline(
    "metrics",
    description="CPU, memory, disk and network of this machine or of a simulated fleet, every three hours",
    namespace="InfraMonitoring",
    tags={"project": "infra-monitoring", "environment": "production", "owner": "operations"},
)

raw = pipeline.lake(
    "infra_metrics",
    MetricRecord,
    partition="hour",
    seal_after=minutes(10),
    archive_after=days(90),
    sort=["metric_type", "timestamp"],
)
throttles = pipeline.metric("DynamoDBThrottles", "Count", TableName="InfraMetrics")
latest = pipeline.hot_table(
    "InfraMetrics",
    key=(string("metric_id"), number("timestamp")),
    indexes=[
        index("InstanceIndex", "instance_id", number("timestamp")),
        index("MetricTypeIndex", "metric_type", number("timestamp")),
    ],
    ttl=days(90),
    throttles=throttles,
)
alerts = pipeline.topic("infra-monitoring-alerts", "console:", "file:alerts.jsonl")

cpu = pipeline.metric("CPUUtilization", "Percent")
memory = pipeline.metric("MemoryUtilization", "Percent")
disk = pipeline.metric("DiskIOPS", "Count/Second")
network = pipeline.metric("NetworkThroughput", "Bytes/Second")
METRICS = {"cpu": cpu, "memory": memory, "disk": disk, "network": network}
collector_errors = pipeline.metric("DataCollectorErrors", "Count", FunctionName="data-collector")
processor_errors = pipeline.metric("LogProcessorErrors", "Count", FunctionName="log-processor")
duration = pipeline.metric("Duration", "Milliseconds", FunctionName="data-collector")


def collect(metric_type: MetricType, event: Any, context: Context) -> dict[str, Any]:
    """Reads one kind of metric, of this machine or of a fleet, and keeps it raw."""
    simulated = fleet.parse_fleet(event, os.environ.get("PENSTOCK_FLEET", ""))
    made = _of_host(metric_type, event, context) if simulated is None else _of_fleet(metric_type, simulated, context)
    written = context[raw].append(made, source=f"{metric_type}-metrics")
    values = [one.value for one in made]
    return {
        "metric_type": metric_type,
        "records": len(values),
        "average": round(sum(values) / len(values), 3),
        "highest": max(values),
        "unit": made[0].unit,
        "key": written.key,
    }


def _of_host(metric_type: MetricType, event: Any, context: Context) -> list[MetricRecord]:
    interval_seconds = host.parse_interval(event, os.environ.get("PENSTOCK_INTERVAL_SECONDS", ""))
    reading = host.read(metric_type, interval_seconds)
    # The time of the reading, not of the execution: two executions that begin at once keep two readings.
    at, name = context.now(), host.instance_id()
    return [record(metric_type, reading, at=at, instance_id=name, region=context.region, method="psutil")]


def _of_fleet(metric_type: MetricType, simulated: fleet.Fleet, context: Context) -> list[MetricRecord]:
    at = context.started_at if context.scheduled_time is None else context.scheduled_time
    return [
        record(metric_type, fleet.read(simulated.seed, name, metric_type, at), at=at, instance_id=name,
               region=context.region, method="simulated")
        for name in simulated.names()
    ]  # fmt: skip


@pipeline.task(timeout=seconds(30), may=[raw.append], errors=collector_errors, duration=duration)
def collect_cpu(event: Any, context: Context) -> Any:
    """CPU use in percent."""
    return collect("cpu", event, context)


@pipeline.task(timeout=seconds(30), may=[raw.append], errors=collector_errors, duration=duration)
def collect_memory(event: Any, context: Context) -> Any:
    """Memory use in percent."""
    return collect("memory", event, context)


@pipeline.task(timeout=seconds(30), may=[raw.append], errors=collector_errors, duration=duration)
def collect_disk(event: Any, context: Context) -> Any:
    """Disk operations a second."""
    return collect("disk", event, context)


@pipeline.task(timeout=seconds(30), may=[raw.append], errors=collector_errors, duration=duration)
def collect_network(event: Any, context: Context) -> Any:
    """Network bytes a second."""
    return collect("network", event, context)


@pipeline.task(
    name="log-processor",
    timeout=minutes(15),
    may=[raw.read, raw.quarantine, latest.put, cpu.publish, memory.publish, disk.publish, network.publish],
    errors=processor_errors,
)
def log_processor(event: Any, context: Context) -> dict[str, int]:
    """Checks and enriches each record of a new object; fills the hot table, the metrics and the quarantine."""
    key = _key(event)
    counts = dict.fromkeys(("records", "items", "metrics", "late", "quarantined", "repeated"), 0)
    # Judged by the execution's time, so that every attempt sorts the object in the same way.
    for batch in batches(context[raw].read(key), context.started_at):
        if batch.bads:
            context[raw].quarantine(batch.bads, key)
        if batch.kept:
            made = [item(one, at, source=key, processed_at=context.started_at) for one, at in batch.kept]
            context[latest].put_all(made)
        # CloudWatch goes by the present time, which may be weeks later when an execution is redriven.
        oldest = context.now() - METRIC_SECONDS
        values = [(METRICS[one.metric_type], one.value, at.timestamp()) for one, at in batch.kept]
        recent = [value for value in values if value[2] > oldest]
        context.publish(recent)
        counts["items"] += len(batch.kept)
        counts["metrics"] += len(recent)
        counts["late"] += len(values) - len(recent)
        counts["quarantined"] += len(batch.bads)
        counts["repeated"] += batch.repeated
    counts["records"] = counts["items"] + counts["quarantined"] + counts["repeated"]
    return counts


def _key(event: Any) -> str:
    key = event.get("key") if isinstance(event, dict) else None
    if not isinstance(key, str):
        hint = 'give {"key": "raw/infra_metrics/…"}, as a new object does'
        raise TaskError("the event names no object", hint=hint, error="InvalidInput")
    return key


@pipeline.task(may=[alerts.publish])
def notify_success(event: Any, context: Context) -> None:
    """Says what was collected."""
    context[alerts].publish(
        "Metrics collected",
        "\n".join(_line(collected) for collected in event),
        data={"execution": context.execution_id, "collected": event},
    )


def _line(collected: dict[str, Any]) -> str:
    line = f"{collected['metric_type']}: {collected['average']:,.1f} {collected['unit']}"
    if collected["records"] == 1:
        return line
    return f"{line} on average, {collected['highest']:,.1f} at most, {collected['records']} instances"


@pipeline.task(may=[alerts.publish])
def notify_failure(event: Any, context: Context) -> None:
    """Says that a collection failed, and why."""
    error = str(event.get("Error", ""))
    context[alerts].publish(
        "Metrics collection failed",
        f"{context.execution_id} failed: {error}\n{_reason(str(event.get('Cause', '')))[:2000]}",
        data={"execution": context.execution_id, "error": error},
        severity="CRITICAL",
    )


def _reason(cause: str) -> str:
    """Returns what a failed task's cause says to a person; its stack is in the execution's history."""
    try:
        told = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(told, dict) or "errorMessage" not in told:
        return cause
    return "\n".join(str(told[name]) for name in ("errorMessage", "hint") if told.get(name))


collection = (
    Parallel(collect_cpu, collect_memory, collect_disk, collect_network, name="CollectMetrics")
    .retry(times=2)
    .catch(notify_failure)
    .then(notify_success)
)
pipeline.every(hours(3), collection)
pipeline.on_object(raw, log_processor)
pipeline.rehearse({"fleet": {"instances": 20, "seed": 7}}, {"fleet": {"instances": 0}})
pipeline.simulate(
    lambda instances, seed: {"fleet": {"instances": instances, "seed": seed}},
    takes={
        collect_cpu: seconds(1.2), collect_memory: seconds(1.2), collect_disk: seconds(1.2),
        collect_network: seconds(1.2), log_processor: seconds(0.5), notify_success: seconds(0.2),
    },
)  # fmt: skip

for _name, (_sql, _description) in queries.NAMED.items():
    pipeline.query(_name, _sql, dialect="athena", description=_description)

PERIOD = hours(3)
# The metrics have no dimension for the instance: the highest value is that of the instance that an alarm is about.
alarms = (
    pipeline.alarm(
        "HighCPUUtilization", metric=cpu, above=80, statistic="Maximum", period=PERIOD, for_periods=2,
        severity="WARNING", notify=alerts, description="CPU usage exceeded 80% threshold",
    ),
    pipeline.alarm(
        "DataCollectorErrors", metric=collector_errors, above=0, statistic="Sum", period=PERIOD, severity="CRITICAL",
        missing="notBreaching", notify=alerts, description="A collector failed",
    ),
    pipeline.alarm(
        "LogProcessorErrors", metric=processor_errors, above=0, statistic="Sum", period=PERIOD, severity="CRITICAL",
        missing="notBreaching", notify=alerts, description="The log processor failed",
    ),
    pipeline.alarm(
        "DynamoDBThrottling", metric=throttles, above=0, statistic="Sum", period=PERIOD, severity="HIGH",
        missing="notBreaching", notify=alerts, description="Writes to the hot table were throttled",
    ),
    pipeline.alarm(
        "HighMemoryUtilization", metric=memory, above=90, statistic="Maximum", period=PERIOD, for_periods=2,
        severity="WARNING", notify=alerts, description="Memory usage exceeded 90% threshold",
    ),
    pipeline.alarm(
        "LambdaDuration", metric=duration, above=3000, period=PERIOD, for_periods=3, severity="WARNING",
        notify=alerts, description="Collectors took longer than 3000 ms",
    ),
)  # fmt: skip

PERIOD_SECONDS = int(PERIOD.total_seconds())
pipeline.dashboard(
    "infra-monitoring",
    Widget(title="CPU", metrics=(cpu,), period_seconds=PERIOD_SECONDS),
    Widget(title="Memory", metrics=(memory,), period_seconds=PERIOD_SECONDS),
    Widget(title="Disk", metrics=(disk,), period_seconds=PERIOD_SECONDS),
    Widget(title="Network", metrics=(network,), period_seconds=PERIOD_SECONDS),
    Widget(title="Collectors' duration", metrics=(duration,), period_seconds=PERIOD_SECONDS),
    Widget(
        title="Errors and throttles",
        metrics=(collector_errors, processor_errors, throttles),
        statistic="Sum",
        period_seconds=PERIOD_SECONDS,
    ),
    Widget(title="Alarms", view="alarms", alarms=tuple(alarm.name for alarm in alarms)),
)
