"""What sealing costs, against a calculation by hand."""

from __future__ import annotations

import msgspec
import pytest

from penstock.cost.estimate import estimate
from penstock.cost.traffic import MONTH_DAYS
from penstock.cost.usage import Usage
from penstock.model.deployment import Deployment
from penstock.model.pipeline import Definition
from penstock.pipelines.metrics import pipeline

METRICS = pipeline.build()


def quantities(definition: Definition, usage: Usage | None = None) -> dict[str, float]:
    return {one.what: one.quantity for one in estimate(definition, usage).lines}


def sealing(definition: Definition = METRICS) -> Definition:
    return msgspec.structs.replace(definition, deployment=Deployment(sealing=True))


def test_what_the_metrics_pipeline_adds_when_it_is_sealed() -> None:
    """960 objects a month, in 240 of 720 hours; the function is started every hour."""
    before, after = quantities(METRICS), quantities(sealing())
    changed = {what: after[what] - before[what] for what in after if after[what] != before[what]}
    assert changed == pytest.approx({
        "calls of tasks": 720,
        # 5 s with 1769 MB
        "time of tasks": 720 * 5 * 1769 / 1024,
        "starts by schedules": 720,
        # 720 looks at three days of two zones; 720 hours with an object at the most, each written, and listed twice
        "objects written": 720 * 3 * 2 + 720 * 3,
        "objects read": 960,
        # a fifth of 960 * 1 KB * 12 months
        "the lake": 0.01152 / 5,
        "alarms": 2,
        # a view lists three tables instead of one
        "partitions that queries look into": 2 * 20 * 168,
        "tables": 1,
    })  # fmt: skip


def test_each_zone_is_paid_for_as_long_as_it_is_kept() -> None:
    """960 objects a month of 1 KB: raw ones for a month, a fifth of that for two years."""
    tables = {
        name: msgspec.structs.replace(one, retain_seconds=720 * 86_400, retain_zones=(("raw", 30 * 86_400),))
        for name, one in METRICS.lake_tables.items()
    }
    kept = msgspec.structs.replace(METRICS, lake_tables=tables)
    months = 30 / MONTH_DAYS
    assert quantities(kept)["the lake"] == pytest.approx(0.00096 * months)
    assert quantities(sealing(kept))["the lake"] == pytest.approx(0.00096 * months * (1 + 24 / 5))


def test_a_daily_table_is_sealed_by_the_day() -> None:
    tables = {n: msgspec.structs.replace(one, partition="day") for n, one in METRICS.lake_tables.items()}
    daily = msgspec.structs.replace(METRICS, lake_tables=tables)
    changed = quantities(sealing(daily))["objects written"] - quantities(daily)["objects written"]
    assert changed == 30 * 3 * 2 + 30 * 3


def test_nothing_is_added_without_a_lake() -> None:
    plain = Definition(name="plain", namespace="Plain", deployment=Deployment(sealing=True))
    without = msgspec.structs.replace(plain, deployment=Deployment())
    assert quantities(plain) == quantities(without)
