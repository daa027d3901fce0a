"""A machine that is up archives and expires by itself; one that only runs what was asked for does not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from penstock import Pipeline, days
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

OLD = "raw/readings/year=2026/month=02/day=01/hour=07/a.json"
YOUNG = "raw/readings/year=2026/month=02/day=20/hour=00/a.json"
NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z


class Reading(msgspec.Struct):
    id: int


@pytest.mark.parametrize(("scheduled", "left"), [(True, {YOUNG}), (False, {OLD, YOUNG})])
def test_what_is_sealed_and_past_its_retention_goes(tmp_path: Path, scheduled: bool, left: set[str]) -> None:
    pipeline = Pipeline("p")
    # So long a waiting time that nothing is sealed but what the test seals.
    table = pipeline.lake("readings", Reading, seal_after=days(300), retain=days(10))
    home = Home(tmp_path / "home", clock=VirtualClock(NOW), entropy=SeededEntropy(1))
    for key in (OLD, YOUNG):
        home.objects.create(key, b'{"id": 1}\n')
    home.partition_sealer.seal(table, "year=2026/month=02/day=01/hour=07")
    machine = Machine(home, {"p": pipeline.build()}, scheduled=scheduled, make_invoker=InlineInvoker)
    try:
        machine.step("nothing")
        assert {one.key for one in home.objects.list("raw/")} == left
        assert len(list(home.objects.list("sealed/"))) == len(left) - 1
    finally:
        machine.close()
