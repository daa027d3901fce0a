"""The pipeline's questions: those of its document, asked of the last days."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.pipelines.metrics import pipeline
from penstock.runtime.asking import ask
from penstock.testing import Sandbox

MEGABYTES = {"collection_method": "psutil"}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(pipeline, tmp_path) as opened:
        yield opened


def keep(sandbox: Sandbox, days_ago: int, *values: tuple[str, str, float]) -> str:
    """Writes readings as if they had arrived so many days ago; returns that day."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    lines = [
        json.dumps({
            "timestamp": at.isoformat().replace("+00:00", "Z"), "instance_id": instance, "region": "us-east-1",
            "metric_type": kind, "value": value, "unit": "percent", "metadata": MEGABYTES,
        })
        for instance, kind, value in values
    ]  # fmt: skip
    sandbox.home.objects.create(
        f"raw/infra_metrics/{at:year=%Y/month=%m/day=%d/hour=%H}/a.json", "\n".join(lines).encode()
    )
    return f"{at:%Y-%m-%d}"


def answered(sandbox: Sandbox, name: str) -> list[tuple[Any, ...]]:
    query = sandbox.definition.queries[name]
    tables = list(sandbox.definition.lake_tables.values())
    found, _ = ask(sandbox.home.query, query.sql, tables=tables, dialect=query.dialect)
    return [tuple(row) for row in found.rows]


def test_cpu_use_by_instance_in_the_last_seven_days(sandbox: Sandbox) -> None:
    keep(sandbox, 0, ("web-1", "cpu", 10.0), ("web-2", "cpu", 90.0), ("web-1", "memory", 99.0))
    keep(sandbox, 5, ("web-1", "cpu", 30.0))
    keep(sandbox, 9, ("web-1", "cpu", 100.0))
    assert answered(sandbox, "average-cpu-by-instance") == [("web-2", 90.0, 90.0, 90.0), ("web-1", 20.0, 30.0, 10.0)]


def test_the_peak_of_memory_use_by_day(sandbox: Sandbox) -> None:
    first = keep(sandbox, 20, ("web-1", "memory", 40.0), ("web-2", "memory", 60.0))
    second = keep(sandbox, 1, ("web-1", "memory", 50.0), ("web-1", "cpu", 99.0))
    keep(sandbox, 40, ("web-1", "memory", 98.0))
    assert [(str(day)[:10], peak) for day, peak in answered(sandbox, "peak-memory-trend")] == [
        (first, 60.0),
        (second, 50.0),
    ]
