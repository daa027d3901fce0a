"""The pipeline is the system of its architecture document."""

import json

import pytest

from penstock.model.schema import columns
from penstock.pipelines.metrics import pipeline
from penstock.pipelines.metrics.records import MetricRecord

DEFINITION = pipeline.build()
# Section 3.2: name, metric, threshold, periods of three hours, severity.
ALARMS = [
    ("HighCPUUtilization", "CPUUtilization", 80, 2, "WARNING"),
    ("DataCollectorErrors", "DataCollectorErrors", 0, 1, "CRITICAL"),
    ("LogProcessorErrors", "LogProcessorErrors", 0, 1, "CRITICAL"),
    ("DynamoDBThrottling", "DynamoDBThrottles", 0, 1, "HIGH"),
    ("HighMemoryUtilization", "MemoryUtilization", 90, 2, "WARNING"),
    ("LambdaDuration", "Duration", 3000, 3, "WARNING"),
]
COLLECTORS = ["collect_cpu", "collect_memory", "collect_disk", "collect_network"]


@pytest.mark.parametrize(("name", "metric", "threshold", "periods", "severity"), ALARMS)
def test_alarms(name: str, metric: str, threshold: float, periods: int, severity: str) -> None:
    alarm = DEFINITION.alarms[name]
    assert (alarm.metric.namespace, alarm.metric.name) == ("InfraMonitoring", metric)
    assert (alarm.threshold, alarm.comparison.value) == (threshold, "GreaterThanThreshold")
    assert (alarm.period_seconds, alarm.evaluation_periods, alarm.datapoints_to_alarm) == (10_800, periods, periods)
    assert (alarm.severity, alarm.on_alarm) == (severity, ("infra-monitoring-alerts",))


def test_the_six_alarms_and_no_other_of_its_own() -> None:
    assert {alarm.name for alarm in DEFINITION.alarms.values() if not alarm.derived} == {name for name, *_ in ALARMS}


def test_metrics() -> None:
    # Section 2.4.3; without a dimension for the instance, as the design decides.
    found = {(metric.name, metric.unit, metric.dimensions) for metric in DEFINITION.metrics.values()}
    assert found == {
        ("CPUUtilization", "Percent", ()),
        ("MemoryUtilization", "Percent", ()),
        ("DiskIOPS", "Count/Second", ()),
        ("NetworkThroughput", "Bytes/Second", ()),
        ("DataCollectorErrors", "Count", (("FunctionName", "data-collector"),)),
        ("LogProcessorErrors", "Count", (("FunctionName", "log-processor"),)),
        ("DynamoDBThrottles", "Count", (("TableName", "InfraMetrics"),)),
        ("Duration", "Milliseconds", (("FunctionName", "data-collector"),)),
    }


def test_the_hot_table() -> None:
    table = DEFINITION.hot_tables["InfraMetrics"]
    assert table.sort is not None
    assert [(key.name, key.type) for key in (table.partition, table.sort)] == [("metric_id", "S"), ("timestamp", "N")]
    found = {(index.name, index.partition.name, index.sort.name if index.sort else None) for index in table.indexes}
    assert found == {
        ("InstanceIndex", "instance_id", "timestamp"),
        ("MetricTypeIndex", "metric_type", "timestamp"),
    }
    assert table.ttl_seconds == 90 * 86_400
    assert table.throttles is not None


def test_the_lake_table_has_the_documents_columns() -> None:
    table = DEFINITION.lake_tables["infra_metrics"]
    assert (table.partition, table.archive_after_seconds) == ("hour", 90 * 86_400)
    # Section 3.1.
    assert {column.name: column.type for column in columns(MetricRecord)} == {
        "timestamp": "string",
        "instance_id": "string",
        "region": "string",
        "metric_type": "string",
        "value": "double",
        "unit": "string",
        "metadata": "struct<collection_method:string,pipeline_version:string>",
        "readings": "map<string,double>",
    }


def test_collectors_may_append_and_nothing_else() -> None:
    for name in COLLECTORS:
        task = DEFINITION.tasks[name]
        assert [(grant.resource, str(grant.action)) for grant in task.grants] == [("infra_metrics", "append")]
        assert (task.memory_mb, task.timeout_seconds) == (128, 30)
        assert task.errors is not None
        assert task.duration is not None


def test_the_processor_may_not_append_to_what_starts_it() -> None:
    found = {(grant.resource, str(grant.action)) for grant in DEFINITION.tasks["log-processor"].grants}
    assert ("infra_metrics", "append") not in found
    assert found >= {("infra_metrics", "read"), ("infra_metrics", "quarantine"), ("InfraMetrics", "put")}


def test_the_workflow() -> None:
    schedule = DEFINITION.schedules["metrics"]
    assert schedule.expression == "rate(3 hours)"
    machine = json.loads(DEFINITION.workflows[schedule.workflow].definition)
    parallel = machine["States"][machine["StartAt"]]
    assert parallel["Type"] == "Parallel"
    tasks = [state for branch in parallel["Branches"] for state in branch["States"].values()]
    assert [task["Parameters"]["FunctionName"] for task in tasks] == [f"metrics-{name}" for name in COLLECTORS]
    assert [retry["MaxAttempts"] for task in tasks for retry in task["Retry"]] == [2, 2, 2, 2]
    caught = machine["States"][parallel["Catch"][0]["Next"]]
    assert caught["Parameters"]["FunctionName"] == "metrics-notify_failure"
    assert machine["States"][parallel["Next"]]["Parameters"]["FunctionName"] == "metrics-notify_success"


def test_the_dashboard_shows_every_metric_and_alarm() -> None:
    (dashboard,) = DEFINITION.dashboards.values()
    shown = {metric.name for widget in dashboard.widgets for metric in widget.metrics}
    assert shown == {metric.name for metric in DEFINITION.metrics.values()}
    assert {name for widget in dashboard.widgets for name in widget.alarms} == {name for name, *_ in ALARMS}


def test_tags_and_topic() -> None:
    assert set(DEFINITION.tags) == {"project", "environment", "owner"}
    (topic,) = DEFINITION.topics.values()
    assert topic.name == "infra-monitoring-alerts"
    assert [one.endpoint.partition(":")[0] for one in topic.subscriptions] == ["console", "file"]
