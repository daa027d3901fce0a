"""Infrastructure monitoring: four collectors every three hours, a lake, a hot table, metrics, and six alarms."""

from __future__ import annotations

import os
from typing import Any

from penstock import Bad, Context, Parallel, Pipeline, Widget, days, hours, index, minutes, number, seconds, string
from penstock.pipelines.metrics import fleet, host
from penstock.pipelines.metrics.processing import METRIC_SECONDS, item, judge, parse_time
from penstock.pipelines.metrics.records import MetricRecord, MetricType, record

INTERVAL_SECONDS = 1.0

pipeline = Pipeline(
    "metrics",
    description="CPU, memory, disk and network of this machine or of a simulated fleet, every three hours",
    namespace="InfraMonitoring",
    tags={"project": "infra-monitoring", "environment": "production", "owner": "operations"},
)

raw = pipeline.lake("infra_metrics", MetricRecord, partition="hour", seal_after=minutes(10), archive_after=days(90))
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
    if simulated is None:
        interval = event.get("interval_seconds", INTERVAL_SECONDS) if isinstance(event, dict) else INTERVAL_SECONDS
        reading = host.read(metric_type, min(max(float(interval), 0.0), 20.0))
        # The time of the reading, not of the execution: two executions that begin at once keep two readings.
        made = [
            record(
                metric_type,
                reading,
                at=context.now(),
                instance_id=host.instance_id(),
                region=context.region,
                method="psutil",
            )
        ]
    else:
        at = context.scheduled_time or context.started_at
        made = [
            record(metric_type, fleet.read(simulated.seed, name, metric_type, at), at=at, instance_id=name,
                   region=context.region, method="simulated")
            for name in simulated.names()
        ]  # fmt: skip
    written = context[raw].append(made, source=f"{metric_type}-metrics")
    return {"metric_type": metric_type, "records": len(made), "value": made[0].value, "key": written.key}


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
    timeout=seconds(60),
    may=[raw.read, raw.quarantine, latest.put, cpu.publish, memory.publish, disk.publish, network.publish],
    errors=processor_errors,
)
def log_processor(event: Any, context: Context) -> dict[str, int]:
    """Checks and enriches each record of a new object; fills the hot table, the metrics and the quarantine."""
    key = event["key"]
    items: dict[tuple[str, Any], dict[str, Any]] = {}
    values, bads = [], []
    for line in context[raw].read(key):
        if isinstance(line, Bad):
            bads.append(line)
            continue
        reason = judge(line.record, context.started_at)
        if reason is not None:
            bads.append(line.as_bad(reason))
            continue
        made = item(line.record, key)
        items[made["metric_id"], made["timestamp"]] = made
        at = parse_time(line.record.timestamp) or 0.0
        if at > context.started_at - METRIC_SECONDS:
            values.append((METRICS[line.record.metric_type], line.record.value, at))
    if bads:
        context[raw].quarantine(bads, key)
    context[latest].put_all(list(items.values()))
    context.publish(values)
    return {"items": len(items), "metrics": len(values), "quarantined": len(bads)}


@pipeline.task(may=[alerts.publish])
def notify_success(event: Any, context: Context) -> None:
    """Says what was collected."""
    lines = [f"{one['metric_type']}: {one['value']:g} ({one['records']} readings)" for one in event]
    context[alerts].publish("Metrics collected", "\n".join(lines), data={"execution": context.execution_id})


@pipeline.task(may=[alerts.publish])
def notify_failure(event: Any, context: Context) -> None:
    """Says that a collection failed, and why."""
    message = f"{context.execution_id} failed: {event.get('Error')}\n{event.get('Cause', '')[:2000]}"
    context[alerts].publish("Metrics collection failed", message, severity="CRITICAL")


collection = (
    Parallel(collect_cpu, collect_memory, collect_disk, collect_network, name="CollectMetrics")
    .retry(times=2)
    .catch(notify_failure)
    .then(notify_success)
)
pipeline.every(hours(3), collection)
pipeline.on_object(raw, log_processor)

pipeline.alarm(
    "HighCPUUtilization", metric=cpu, above=80, period=hours(3), for_periods=2, severity="WARNING", notify=alerts,
    description="CPU usage exceeded 80% threshold",
)  # fmt: skip
pipeline.alarm(
    "DataCollectorErrors", metric=collector_errors, above=0, statistic="Sum", period=hours(3), severity="CRITICAL",
    missing="notBreaching", notify=alerts, description="A collector failed",
)  # fmt: skip
pipeline.alarm(
    "LogProcessorErrors", metric=processor_errors, above=0, statistic="Sum", period=hours(3), severity="CRITICAL",
    missing="notBreaching", notify=alerts, description="The log processor failed",
)  # fmt: skip
pipeline.alarm(
    "DynamoDBThrottling", metric=throttles, above=0, statistic="Sum", period=hours(3), severity="HIGH",
    missing="notBreaching", notify=alerts, description="Writes to the hot table were throttled",
)  # fmt: skip
pipeline.alarm(
    "HighMemoryUtilization", metric=memory, above=90, period=hours(3), for_periods=2, severity="WARNING",
    notify=alerts, description="Memory usage exceeded 90% threshold",
)  # fmt: skip
pipeline.alarm(
    "LambdaDuration", metric=duration, above=3000, period=hours(3), for_periods=3, severity="WARNING", notify=alerts,
    description="Collectors took longer than 3000 ms",
)  # fmt: skip

pipeline.dashboard(
    "infra-monitoring",
    Widget(title="CPU", metrics=(cpu,), period_seconds=10_800),
    Widget(title="Memory", metrics=(memory,), period_seconds=10_800),
    Widget(title="Disk", metrics=(disk,), period_seconds=10_800),
    Widget(title="Network", metrics=(network,), period_seconds=10_800),
    Widget(title="Errors", metrics=(collector_errors, processor_errors, throttles), statistic="Sum"),
    Widget(
        title="Alarms", view="alarms", alarms=("HighCPUUtilization", "HighMemoryUtilization", "DataCollectorErrors")
    ),
)
