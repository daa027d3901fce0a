"""The pipeline is the system of its document."""

import json
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from penstock import LogEntry
from penstock.model.schema import columns
from penstock.pipelines.logs import pipeline

DEFINITION = pipeline.build()
DAY = 86_400
# Phase 5 of the document; what its markup took away (the star of COUNT, underscores) is there again.
QUERIES = {
    "total-log-count": "SELECT COUNT(*) as total_logs FROM raw_logs",
    "logs-by-severity": "SELECT severity, COUNT(*) as count FROM raw_logs GROUP BY severity ORDER BY count DESC",
    "top-error-messages": "SELECT message, COUNT(*) as count FROM raw_logs WHERE severity = 'ERROR' "
    "GROUP BY message ORDER BY count DESC LIMIT 10",
    "hourly-log-volume": "SELECT DATE_TRUNC('hour', timestamp) as hour, COUNT(*) as count FROM raw_logs "
    "GROUP BY DATE_TRUNC('hour', timestamp) ORDER BY hour",
}
# Phase 4: above 10 errors, above 5 failures, in five minutes each.
ALARMS = [("HighErrorRate", "LogErrors", 10), ("LambdaFailures", "LambdaErrors", 5)]


def test_a_generator_runs_every_five_minutes() -> None:
    schedule = DEFINITION.schedules["logs"]
    assert schedule.expression == "rate(5 minutes)"
    machine = json.loads(DEFINITION.workflows[schedule.workflow].definition)
    state = machine["States"][machine["StartAt"]]
    assert state["Parameters"]["FunctionName"] == "logs-log-generator"
    assert state["Retry"][0]["MaxAttempts"] == 2


def test_each_object_of_the_lake_is_aggregated_and_its_templates_start_nothing() -> None:
    assert {(one.table, one.workflow) for one in DEFINITION.triggers.values()} == {("logs", "log-aggregator")}


def test_logs_are_partitioned_by_the_hour_and_expire_after_thirty_days() -> None:
    for table in DEFINITION.lake_tables.values():
        assert (table.partition, table.retain_seconds) == ("hour", 30 * DAY)
    logs = DEFINITION.lake_tables["logs"]
    assert (logs.time, logs.sort) == ("timestamp", ("severity", "timestamp"))
    assert DEFINITION.lake_tables["log_templates"].unique == ("template_id", "source")


def test_columns() -> None:
    assert {column.name: (column.type, column.nullable) for column in columns(LogEntry)} == {
        "timestamp": ("timestamp", False),
        "severity": ("string", False),
        "service": ("string", False),
        "host": ("string", False),
        "device_type": ("string", False),
        "message": ("string", False),
        "latency_ms": ("double", True),
        "status": ("bigint", True),
        "trace_id": ("string", True),
        "source": ("string", False),
        "template": ("string", True),
        "attributes": ("map<string,string>", False),
    }


def test_the_hot_table_holds_the_newest_minutes() -> None:
    table = DEFINITION.hot_tables["LogMinutes"]
    assert table.sort is not None
    assert [(key.name, key.type) for key in (table.partition, table.sort)] == [("service", "S"), ("minute", "S")]
    assert [(one.name, one.partition.name, one.sort and one.sort.name) for one in table.indexes] == [
        ("DayIndex", "day", "at")
    ]
    assert table.ttl_seconds == 2 * DAY


@pytest.mark.parametrize(("name", "metric", "threshold"), ALARMS)
def test_alarms(name: str, metric: str, threshold: float) -> None:
    alarm = DEFINITION.alarms[name]
    assert (alarm.metric.namespace, alarm.metric.name) == ("InfrastructureLogs", metric)
    assert (alarm.threshold, alarm.comparison.value, alarm.statistic) == (threshold, "GreaterThanThreshold", "Sum")
    assert (alarm.period_seconds, alarm.evaluation_periods, alarm.missing.value) == (300, 1, "notBreaching")
    assert alarm.on_alarm == ("infrastructure-alerts",)


def test_the_two_alarms_and_no_other_of_its_own_within_what_is_free() -> None:
    assert {alarm.name for alarm in DEFINITION.alarms.values() if not alarm.derived} == {name for name, *_ in ALARMS}
    # Ten alarms and ten metrics are free of charge: https://aws.amazon.com/cloudwatch/pricing/
    # An account has alarms of its own beside these.
    assert len(DEFINITION.alarms) <= 10
    watched = {alarm.metric.key for alarm in DEFINITION.alarms.values()}
    assert len(watched | {metric.key for metric in DEFINITION.metrics.values()}) <= 10


def test_the_dashboard() -> None:
    (dashboard,) = DEFINITION.dashboards.values()
    assert dashboard.name == "Infrastructure-Monitoring"
    shown = {widget.title: (widget.view, widget.statistic) for widget in dashboard.widgets}
    assert shown["Log Volume"] == ("line", "Sum")
    assert shown["Error Rate"] == ("number", "Sum")
    assert shown["Lambda Invocations"] == ("line", "SampleCount")


@pytest.mark.parametrize("name", QUERIES)
def test_the_documents_queries(name: str) -> None:
    query = DEFINITION.queries[name]
    assert query.dialect == "athena"
    assert " ".join(query.sql.split()).lower() == QUERIES[name].lower()
    assert query.description


def test_tasks_may_do_what_they_need_and_nothing_else() -> None:
    grants = {
        name: {(grant.resource, str(grant.action)) for grant in task.grants} for name, task in DEFINITION.tasks.items()
    }
    assert grants == {
        "log-generator": {("logs", "append")},
        "log-aggregator": {
            ("logs", "read"),
            ("logs", "quarantine"),
            ("log_templates", "append"),
            ("LogMinutes", "put"),
            ("LogVolume", "publish"),
            ("LogErrors", "publish"),
        },
    }


def test_the_topic_reaches_somebody() -> None:
    (topic,) = DEFINITION.topics.values()
    assert topic.name == "infrastructure-alerts"
    assert [one.endpoint.partition(":")[0] for one in topic.subscriptions] == ["console", "file"]


def test_it_comes_with_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text("utf-8"))
    reference = project["project"]["entry-points"]["penstock.pipelines"]["logs"]
    assert EntryPoint("logs", reference, "penstock.pipelines").load() is pipeline
