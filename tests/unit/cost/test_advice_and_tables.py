"""What would save most, and what a published table says against a bill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.cost.advice import advice, with_metrics_of_each
from penstock.cost.bill import Bill, bill
from penstock.cost.prices import book
from penstock.cost.published import SHIPPED, compare, published
from penstock.cost.usage import Usage
from penstock.errors import UsageError
from penstock.model.deployment import Deployment
from penstock.model.metering import Span, Used
from penstock.model.pipeline import Definition
from penstock.pipelines.metrics import pipeline

METRICS = pipeline.build()
MONTH = 30 * 86_400.0
NAMES = ("CPUUtilization", "MemoryUtilization", "DiskIOPS", "NetworkThroughput")
PRICES = book()


def used(item: str, quantity: float, resource: str, operation: str = "o", hour: float = 0) -> Used:
    return Used(hour=hour, item=item, operation=operation, resource=resource, quantity=quantity)


def made(*rows: Used, definition: Definition = METRICS, **how: Any) -> Bill:
    return bill({definition.name: definition}, rows, [], Span(0, MONTH), prices=PRICES, **how)


def saved(found: Bill, definition: Definition = METRICS) -> dict[str, tuple[float, float]]:
    changes = advice(found, {definition.name: definition}, PRICES, first=100)
    return {change.what.partition(":")[0]: (change.saves_usd, change.saves_full_usd) for change in changes}


def test_fewer_dimensions() -> None:
    """50 series of one metric all month: 40 past the free ten cost $12; one series is free."""
    rows = [
        used("metrics", 1, f"InfraMonitoring/CPU{{instance={number}}}", hour=hour * 3600.0)
        for number in range(50)
        for hour in range(720)
    ]
    usd, full = saved(made(*rows))["fewer dimensions"]
    assert usd == pytest.approx(40 * 0.30)
    assert full == pytest.approx(49 * 0.30)


def test_heartbeats_are_told_apart_and_go_with_their_alarms() -> None:
    """Five alarms of tasks and their metrics all month: 5 * $0.10, and 5 * $0.30 where nothing is free."""
    tasks = ("collect_cpu", "collect_memory", "collect_disk", "collect_network", "log-processor")
    rows = [
        used("metrics", 1, f"Penstock/Successes{{Task={task},Pipeline=metrics}}", hour=hour * 3600.0)
        for task in tasks
        for hour in range(720)
    ]
    found = saved(made(*rows, free_tier=False))
    assert "fewer dimensions" not in found
    assert found["fewer alarms"] == (pytest.approx(0.50 + 1.50), pytest.approx(2.00))


def test_batching() -> None:
    """Four collectors write four objects; one would do. Three quarters of writes, reads, calls and transitions go."""
    rows = [
        used("s3-put", 960, "infra_metrics", "PutObject"),
        used("s3-get", 960, "infra_metrics", "GetObject"),
        used("transitions", 960, "metrics/log-processor"),
        used("lambda-requests", 960, "metrics/log-processor", "Invoke"),
    ]
    usd, full = saved(made(*rows))["batching"]
    # 720 * (0.005 + 0.0004) / 1,000; beside it 720 * 0.025 / 1,000 and 720 * 0.20 / 1,000,000
    assert usd == pytest.approx(0.003888)
    assert full == pytest.approx(0.003888 + 0.018 + 0.000144)


def test_sealing_once_a_day() -> None:
    """690 runs less; each looks at three days in two zones."""
    definition = msgspec.structs.replace(METRICS, deployment=Deployment(sealing=True))
    usd, _ = saved(made(definition=definition), definition)["sealing cadence"]
    assert usd == pytest.approx(690 * 6 * 0.005 / 1000)


def test_parquet() -> None:
    """200 queries of 100 GB scan 20 TB; sealed a fifth of it: $80 less, and $0.02 for the listings of the sealer."""
    found = made(usage=Usage(queries=200, query_gb=100, hot_reads=0, query_partitions=0))
    usd, _ = saved(found)["Parquet"]
    assert usd == pytest.approx(80 - 720 * 6 * 0.005 / 1000)


def test_queries_that_scan_the_least_are_not_cheaper_in_parquet() -> None:
    assert "Parquet" not in saved(made())


def test_one_index_less() -> None:
    usd, _ = saved(made(used("dynamodb-write", 3_000_000, "InfraMetrics")))[
        "one index less of InfraMetrics (InstanceIndex, MetricTypeIndex)"
    ]
    assert usd == pytest.approx(0.625)


def test_another_processor() -> None:
    definition = msgspec.structs.replace(METRICS, deployment=Deployment(architecture="x86_64"))
    found = made(used("lambda-x86_64", 1_000_000, "metrics/collect_cpu"), definition=definition, free_tier=False)
    usd, _ = saved(found, definition)["functions on arm64"]
    assert usd == pytest.approx(1_000_000 * (0.0000166667 - 0.0000133334))


def test_the_best_three_come_first() -> None:
    found = made(used("dynamodb-write", 3_000_000, "InfraMetrics"), used("s3-put", 960, "infra_metrics", "PutObject"))
    changes = advice(found, {"metrics": METRICS}, PRICES)
    assert len(changes) == 3
    assert [change.saves_usd for change in changes] == sorted((one.saves_usd for one in changes), reverse=True)
    assert changes[0].what.startswith("one index less")


def test_a_metric_for_each_instance() -> None:
    """Four metrics of a hundred instances in 240 of 720 hours: 133 metric-months, of which ten are free."""
    hours = [hour * 3600.0 for hour in range(0, 720, 3)]
    rows = [used("metrics", 1, f"InfraMonitoring/{name}", hour=at) for name in NAMES for at in hours]
    found = made(*rows)
    naive = with_metrics_of_each(found, METRICS, PRICES, 100)
    assert naive - found.monthly_usd == pytest.approx((400 / 3 - 10) * 0.30)
    assert with_metrics_of_each(found, METRICS, PRICES, 1) == found.monthly_usd


def test_no_change_adds_to_a_bill() -> None:
    assert all(usd >= 0 for usd, _ in saved(made(usage=Usage())).values())


# seeds/metrics-architecture.md, section 6.3.
def test_the_table_of_the_seed_is_wrong_where_it_is() -> None:
    found = made(
        used("schedules", 240, "metrics/metrics"),
        used("transitions", 2400, "metrics/metrics"),
        used("lambda-requests", 2160, "metrics/collect_cpu", "Invoke"),
        used("s3-put", 960, "infra_metrics", "PutObject"),
        used("dynamodb-write", 2880, "InfraMetrics"),
    )
    compared = {one.service: one for one in compare(found, published("metrics"), PRICES)}
    assert compared["EventBridge Scheduler"].verdict == ""
    steps = compared["Step Functions"]
    # 240 transitions are free, and it is not 240 that there are.
    assert (steps.said_usd, steps.same_usage_usd, steps.billed_usd) == (0.006, 0, 0)
    assert "240 state transitions said, 2,400 billed" in steps.verdict
    assert "counts executions" in steps.verdict
    assert compared["S3 storage"].same_usage_usd == pytest.approx(0.46)
    # 960 writes and 10,000 reads cost 0.0006 + 0.00125; a gigabyte is free.
    assert compared["DynamoDB"].same_usage_usd == pytest.approx(0.00185)
    assert "2,880 billed" in compared["DynamoDB"].verdict
    assert compared["total"].verdict == "its own lines add up to $0.73"
    left_out = [one for one in compare(found, published("metrics"), PRICES) if one.verdict.startswith("left out")]
    assert {price for one in left_out for price in one.billed} == {"dashboards", "glue-catalog"}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_comes_with_penstock_can_be_read(name: str) -> None:
    table = published(name)
    assert table.lines
    assert compare(made(), table, PRICES)
    msgspec.structs.replace(Usage(), **table.assumed)


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "table.toml"
    path.write_text(
        'title = "ours"\ntotal_usd = 3.0\n[[lines]]\nservice = "Dashboards"\nusage = "1"\nusd = 3.0\n'
        "quantities = { dashboards = 1 }\n",
        "utf-8",
    )
    first = compare(made(free_tier=False), published(str(path)), PRICES)[0]
    assert (first.said_usd, first.billed_usd, first.verdict) == (3, 3, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "is no cost table"),
        ('title = "x"\ntotal_usd = "much"\nlines = []', "is no cost table"),
        (
            'title = "x"\ntotal_usd = 1.0\n[[lines]]\nservice = "S"\nusage = "u"\nusd = 1.0\nquantities = { abc = 1 }',
            "which has no price",
        ),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "table.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=said):
        compare(made(), published(str(path)), PRICES)


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no cost table") as raised:
        published("absent")
    assert "metrics" in raised.value.hint
