"""Hot tables that another process writes: whoever asks for them finds what was put."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.simulation.conftest import START

from penstock.adapters.local.hot import SqliteHotStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import ConditionFailedError, ValidationError
from penstock.model.datasets import HotTable
from penstock.model.pipeline import Definition
from penstock.ports.hot import attribute_not_exists
from penstock.runtime.simulation import hot as hot_beside
from penstock.runtime.simulation.hot import HotProcess, beside
from penstock.runtime.simulation.plan import Plan


@pytest.fixture
def table(metrics: Definition) -> HotTable:
    return metrics.hot_tables["InfraMetrics"]


@pytest.fixture
def store(tmp_path: Path, metrics: Definition) -> Iterator[Any]:
    process = HotProcess(metrics, tmp_path, Plan(start=START, seconds=86_400.0, seed=1, is_metered=False))
    clock = VirtualClock(START)
    made = beside(process, clock)(SqliteHotStore(tmp_path / "hot.sqlite", clock, durability="off"))
    yield made
    process.close()
    made.close()


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"metric_id": "i-1#cpu", "timestamp": number, "instance_id": "i-1", "metric_type": "cpu", **more}


def test_what_was_put_is_there_for_whoever_asks(store: Any, table: HotTable) -> None:
    for first in range(0, 60, 20):
        store.batch_put(table, [item(number) for number in range(first + 1, first + 21)])
    store.put(table, item(3, value=7))
    assert store.count(table) == 60
    assert store.get(table, {"metric_id": "i-1#cpu", "timestamp": 3})["value"] == 7
    # What the process writes after that is seen as well, and in the index.
    store.batch_put(table, [item(100)])
    assert len(store.query(table, partition="i-1", index="InstanceIndex").items) == 61


def test_conditions_and_deletions_heed_what_came_before(store: Any, table: HotTable) -> None:
    store.put(table, item(1))
    with pytest.raises(ConditionFailedError):
        store.put(table, item(1), condition=attribute_not_exists("metric_id"))
    store.delete(table, {"metric_id": "i-1#cpu", "timestamp": 1})
    store.put(table, item(1, value=2), condition=attribute_not_exists("metric_id"))
    store.batch_put(table, [item(1, value=3)])
    assert [found["value"] for found in store.scan(table).items] == [3]


def test_items_are_checked_where_they_are_put(store: Any, table: HotTable) -> None:
    with pytest.raises(ValidationError, match="the same key"):
        store.batch_put(table, [item(1), item(1)])
    with pytest.raises(ValidationError, match="has no 'timestamp'"):
        store.put(table, {"metric_id": "a"})
    # metric_id 9+7, timestamp 9+2, instance_id 11+3, metric_type 11+3, and expires_at as the table gives it
    expires = len("expires_at") + 1 + (len(str(int(START) + 90 * 86_400).strip("0")) + 1) // 2
    assert store.batch_put(table, [item(1)]) == [16 + 11 + 14 + 14 + expires]
    assert store.count(table) == 1


def test_many_batches_are_committed_now_and_then(
    store: Any, table: HotTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The process is forked already: its own limit stays, and this one's queue is short.
    monkeypatch.setattr(hot_beside, "MOST_UNDER_WAY", 2)
    for number in range(1, 31):
        store.batch_put(table, [item(number)])
    assert store.count(table) == 30
