"""Estimates against calculations by hand, and against the cost table of the system that `metrics` is modelled on."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cost.estimate import Estimate, estimate
from penstock.cost.lines import Line
from penstock.cost.prices import PRICES
from penstock.cost.traffic import slots_a_month, traffic, walk
from penstock.cost.usage import Usage
from penstock.errors import UsageError
from penstock.model.buses import EventBus
from penstock.model.deployment import Deployment
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.model.queues import Queue
from penstock.model.schedule import Schedule
from penstock.pipelines.metrics import pipeline

METRICS = pipeline.build()
# Prices of what a definition does not tell, or of what no pipeline can ask for.
ONLY_MEASURED = {
    "express-requests", "express-duration", "s3-ia-transition", "s3-archive-storage", "s3-archive-transition",
    "log-storage", "glue-python-shell", "kinesis-shard-hours", "kinesis-put", "nat-hours", "nat-data", "transfer-out",
    "transfer-regions",
}  # fmt: skip


def lines(made: Estimate) -> dict[str, Line]:
    found = {(one.price, one.what): one for one in made.lines}
    return {what: one for (_, what), one in found.items()}


def quantities(definition: Definition = METRICS, **used: Any) -> dict[str, float]:
    return {what: one.quantity for what, one in lines(estimate(definition, Usage(**used))).items()}


def deployed(**chosen: Any) -> Definition:
    return msgspec.structs.replace(METRICS, deployment=Deployment(**chosen))


def test_the_metrics_pipeline_by_hand() -> None:
    """Every three hours is 240 times in 30 days; four collectors write an object each, which is processed once."""
    assert quantities() == {
        # 240 * (4 collectors + notify_success) + 960 * log-processor
        "calls of tasks": 2160,
        # 2160 * 3 s * 128 / 1024 GB
        "time of tasks": 810,
        "starts by schedules": 240,
        # 240 * (the Parallel, its 4 branches, notify_success) + 960 * 1
        "states of workflows": 2400,
        "objects written": 960,
        "objects read": 960,
        # 960 objects * 1 KB * 12 months
        "the lake": pytest.approx(0.01152),
        # 960 items, each in the table and in two indexes
        "items, with their indexes": 2880,
        # 10,000 eventually consistent reads at half a unit
        "reads": 5000,
        # 960 * 1 KB * 90 days, three copies; recovery keeps the table alone
        "hot tables, with their indexes": pytest.approx(0.00864),
        "point-in-time recovery": pytest.approx(0.00288),
        # 8 declared and 7 heartbeats, with data in 240 of 720 hours
        "15 metrics, in the hours with data": pytest.approx(5),
        # 6 of the pipeline, 7 dead-man alarms, and two for what was killed and for dead letters
        "alarms": 15,
        "dashboards": 1,
        # 2160 * 2 KB
        "logs of tasks": pytest.approx(0.00432),
        "messages": 240,
        "mails": 240,
        # 20 queries * 10 MB, each over the 168 hours of a week
        "what queries scan": pytest.approx(0.2),
        "partitions that queries look into": 3360,
        # a database, a table, its quarantine
        "tables": 4,
    }


def test_what_the_metrics_pipeline_costs() -> None:
    made = estimate(METRICS)
    # PUT 0.0048, GET 0.000384, storage 0.00026496, writes 0.0018, reads 0.000625, recovery 0.000576,
    # 5 alarms past the free ten 0.50, scans 0.001, listed partitions 0.0168
    assert made.monthly_usd == pytest.approx(0.52624996)
    # The rest is in the free tier: requests 0.000432, time 0.010800054, schedules 0.00024, transitions 0.06, hot
    # storage 0.00216, metrics 1.50, alarms 1.00, dashboard 3.00, logs 0.00216, messages 0.00012, mails 0.0048,
    # catalog 0.00004
    assert made.full_usd == pytest.approx(0.52624996 + 5.580752054)


def test_the_cost_table_of_the_system_it_is_after() -> None:
    """Its quantities at today's prices. It counts executions as transitions, and DynamoDB at the prices of 2024."""
    charged = {
        code: PRICES[code].charge(quantity)
        for code, quantity in {
            "schedules": 240,
            "transitions": 240,
            "lambda-requests": 960,
            "lambda-x86_64": 2880 * 128 / 1024,
            "s3-storage": 20,
            "s3-put": 960,
            "metrics": 7,
            "alarms": 6,
            "athena": 2,
            "sns-mail": 100,
        }.items()
    }
    assert {code: round(usd, 3) for code, usd in charged.items() if usd} == {
        "s3-storage": 0.46,
        "s3-put": 0.005,
        "athena": 0.01,
    }


def test_twenty_gigabytes_cost_what_the_seed_says() -> None:
    """960 objects of 20 GB / 960, kept for a month."""
    used = Usage(record_bytes=20e9 / 960, months_kept=1, hot_reads=0)
    assert lines(estimate(METRICS, used))["the lake"].monthly_usd == pytest.approx(0.46)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(3 hours)", 240),
        ("rate(1 day)", 30),
        ("rate(5 minutes)", 8640),
        ("cron(0 8 ? * MON-FRI *)", 261 * 30 / 365),  # 2026 has 261 working days
        ("cron(0 0 1 * ? *)", 12 * 30 / 365),
        ("at(2026-02-20T07:57:00)", 1),
    ],
)
def test_starts_a_month(expression: str, expected: float) -> None:
    assert slots_a_month(Schedule(name="s", workflow="w", expression=expression)) == pytest.approx(expected)


def machine(start: str, **states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": start, "States": states}


def call(task: str, **rest: Any) -> dict[str, Any]:
    parameters = {"FunctionName": f"metrics-{task}"}
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, **rest}


WALKS = {
    "a chain": (machine("a", a=call("x", Next="b"), b=call("y", End=True)), 2, {"x": 1, "y": 1}),
    "the longest way of a choice": (
        machine(
            "c",
            c={"Type": "Choice", "Choices": [{"Next": "a"}], "Default": "done"},
            a=call("x", Next="b"),
            b=call("x", Next="done"),
            done={"Type": "Succeed"},
        ),
        4,
        {"x": 2},
    ),
    "no failure": (
        machine("a", a=call("x", Catch=[{"Next": "f"}], End=True), f=call("y", End=True)), 1, {"x": 1},
    ),
    "branches": (
        machine(
            "p",
            p={
                "Type": "Parallel",
                "Branches": [machine("a", a=call("x", End=True)), machine("b", b=call("x", End=True))],
                "End": True,
            },
        ),
        3,
        {"x": 2},
    ),
    "items": (
        machine("m", m={"Type": "Map", "ItemProcessor": machine("a", a=call("x", End=True)), "End": True}), 6, {"x": 5},
    ),
    "a loop turns once": (
        machine("a", a=call("x", Next="c"), c={"Type": "Choice", "Choices": [{"Next": "a"}], "Default": "d"},
                d={"Type": "Succeed"}),
        3,
        {"x": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WALKS)
def test_the_states_of_an_execution(name: str) -> None:
    document, transitions, calls = WALKS[name]
    found = walk(document, METRICS, Usage(map_items=5))
    assert (found.transitions, found.calls) == (transitions, calls)


def test_runs_of_ones_own_follow_the_triggers_too() -> None:
    month = traffic(METRICS, Usage(runs={"metrics": 10}))
    assert month.runs == {"metrics": 250, "log-processor": 1000}


def test_a_trigger_that_starts_itself_ends() -> None:
    task = METRICS.tasks["collect_cpu"]
    document = machine("a", a=call("collect_cpu", End=True))
    workflow = msgspec.structs.replace(METRICS.workflows["log-processor"], definition=json.dumps(document).encode())
    circle = msgspec.structs.replace(
        METRICS,
        tasks={"collect_cpu": task},
        workflows={"log-processor": workflow},
        schedules={"s": Schedule(name="s", workflow="log-processor", expression="rate(1 day)")},
    )
    assert traffic(circle, Usage()).runs == {"log-processor": 60}


def test_a_fleet_costs_items_and_not_calls() -> None:
    one, hundred = quantities(), quantities(records_per_object=100.0)
    assert hundred["items, with their indexes"] == 100 * one["items, with their indexes"]
    assert hundred["the lake"] == pytest.approx(100 * one["the lake"])
    assert hundred["calls of tasks"] == one["calls of tasks"]
    assert hundred["15 metrics, in the hours with data"] == one["15 metrics, in the hours with data"]


def test_a_metric_for_each_instance_costs_its_price() -> None:
    """Twenty instances with four metrics of their own, of which nobody knows who publishes them: all the time."""
    own = {
        f"{kind}-{number}": Metric("InfraMonitoring", kind, (("InstanceId", str(number)),))
        for number in range(20)
        for kind in ("cpu", "memory", "disk", "network")
    }
    naive = msgspec.structs.replace(METRICS, metrics={**METRICS.metrics, **own})
    found = lines(estimate(naive))["95 metrics, in the hours with data"]
    # 5 as before and 80 for whole months, ten of them free: 75 * $0.30
    assert found.quantity == pytest.approx(85)
    assert found.monthly_usd == pytest.approx(22.50)


def test_longer_tasks_are_stopped_by_their_timeout() -> None:
    seconds = {"collect_cpu": 100.0, "log-processor": 0.5}
    # collect_cpu 240 * its 30 s; log-processor 960 * 0.5 s; the other four 240 * 3 s each; at an eighth of a GB
    assert quantities(task_seconds=seconds)["time of tasks"] == pytest.approx((7200 + 480 + 2880) / 8)


def test_the_processor_has_its_price() -> None:
    assert lines(estimate(deployed()))["time of tasks"].unit_price_usd == 0.0000133334
    assert lines(estimate(deployed(architecture="x86_64")))["time of tasks"].unit_price_usd == 0.0000166667


def test_a_key_costs_a_dollar() -> None:
    extra = estimate(deployed(encryption_key=True)).monthly_usd - estimate(METRICS).monthly_usd
    assert extra == pytest.approx(1.0)


def test_tracing_counts_executions() -> None:
    assert quantities(deployed(tracing=True))["traces of executions"] == 240 + 960


def test_a_second_region_doubles_writes() -> None:
    found = quantities(deployed(replica_region="eu-west-1"))
    assert found["items, with their indexes"] == 2 * 2880
    assert found["objects copied to the other region"] == 960


def test_a_network_costs_its_endpoint() -> None:
    """720 hours in two zones at a cent: $14.40."""
    assert lines(estimate(deployed(vpc=True)))["the way to SNS"].monthly_usd == pytest.approx(14.40)


def test_crawler_and_job_are_charged_where_they_are() -> None:
    used = Usage(crawler_hours=1, job_hours=16)
    assert "crawler and jobs" not in lines(estimate(METRICS, used))
    # an hour at two DPUs and sixteen at a sixteenth: 3 * $0.44
    made = lines(estimate(deployed(crawler=True, backfill_job=True), used))
    assert made["crawler and jobs"].monthly_usd == pytest.approx(1.32)


def test_a_job_on_spark_is_charged_by_its_runs() -> None:
    """240 runs of a minute with two DPUs: 8 DPU-hours at $0.44."""
    states = {"Start": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": True}}
    document = json.dumps({"StartAt": "Start", "States": states}).encode()
    workflow = msgspec.structs.replace(METRICS.workflows["metrics"], definition=document)
    running = msgspec.structs.replace(METRICS, workflows={**METRICS.workflows, "metrics": workflow})
    assert lines(estimate(running))["crawler and jobs"].monthly_usd == pytest.approx(3.52)
    longer = lines(estimate(running, Usage(spark_seconds=90)))["crawler and jobs"]
    assert longer.monthly_usd == pytest.approx(5.28)


def test_secrets() -> None:
    found = lines(estimate(METRICS, Usage(secrets=2)))
    assert found["secrets"].monthly_usd == pytest.approx(0.80)
    # each of 2160 calls reads both
    assert found["reads of secrets"].quantity == 4320


def test_mails_go_to_everybody() -> None:
    assert quantities(mail_subscribers=5, alarm_mails=7)["mails"] == 240 * 5 + 7


def test_a_pipeline_that_is_never_started_costs_its_alarms_at_most() -> None:
    made = estimate(Definition(name="idle", namespace="Idle"))
    assert {one.price for one in made.lines} == {"alarms"}
    assert made.monthly_usd == 0


def test_no_allowance_is_given_twice() -> None:
    chosen = deployed(
        replica_region="eu-west-1", encryption_key=True, tracing=True, vpc=True, crawler=True, backfill_job=True
    )
    jobs, bus, task = Queue(name="jobs"), EventBus(name="bus"), METRICS.tasks["collect_cpu"]
    speaking = msgspec.structs.replace(task, grants=(*task.grants, jobs.send, bus.put))
    chosen = msgspec.structs.replace(
        chosen, tasks={**METRICS.tasks, task.name: speaking}, queues={"jobs": jobs}, event_buses={"bus": bus}
    )
    made = estimate(chosen, Usage(secrets=1, crawler_hours=1, job_hours=1, alarm_mails=1))
    count = Counter(one.price for one in made.lines)
    assert [code for code, times in count.items() if times > 1 and PRICES[code].free] == []
    assert count.keys() >= {
        one
        for one in PRICES.keys() - {"lambda-x86_64", "composite-alarms", "alarms-high-resolution"} - ONLY_MEASURED
        # Warehouses and instances have tests of their own.
        if not one.startswith(("db", "t3", "gp3"))
    }


@pytest.mark.parametrize(
    "used",
    [{"runs": {"nothing": 1}}, {"task_seconds": {"nothing": 1}}, {"queries": -1}, {"task_seconds": {"collect_cpu": -1}},
     {"record_bytes": float("nan")}, {"hot_reads": float("inf")}],
    ids=str,
)  # fmt: skip
def test_usages_that_make_no_sense_are_refused(used: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as raised:
        estimate(METRICS, Usage(**used))
    assert raised.value.hint


amounts = st.floats(0, 1e6, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(runs=amounts, queries=amounts, records=amounts, mails=amounts, more=st.floats(1, 100))
def test_more_use_never_costs_less(runs: float, queries: float, records: float, mails: float, more: float) -> None:
    def made(factor: float) -> Estimate:
        return estimate(
            METRICS,
            Usage(
                runs={"metrics": runs * factor},
                queries=queries * factor,
                records_per_object=records * factor,
                alarm_mails=mails * factor,
            ),
        )

    less, greater = made(1.0), made(more)
    assert 0 <= less.monthly_usd <= less.full_usd
    assert less.monthly_usd <= greater.monthly_usd * (1 + 1e-9)
    assert less.full_usd <= greater.full_usd * (1 + 1e-9)
