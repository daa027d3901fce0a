"""Metrics out of the functions' logs join those that this machine's engine has counted itself, once each."""

import json
import time
from pathlib import Path

from penstock.model.metrics import Datapoint, Metric
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Report
from penstock.rehearsal.as_lambda import _publish
from penstock.runtime.aws.emf import documents
from penstock.runtime.machine.home import Home

FAILURES = Metric("Shop", "Failures", unit="Count")
SALES = Metric("Shop", "Sales", unit="Count")


def test_what_the_worker_has_counted_is_not_counted_again(tmp_path: Path) -> None:
    home, at = Home(tmp_path / "home"), float(int(time.time()))
    home.metrics.publish([Datapoint(FAILURES, at, 1.0)])
    lines = [json.dumps(one) for one in documents([Datapoint(FAILURES, at, 1.0), Datapoint(SALES, at, 7.0)])]
    found = _publish(home, Definition(name="shop", namespace="Shop"), [("take", Report(log="\n".join(lines)))])
    assert [value for _, value, _ in home.metrics.values(FAILURES, 0.0, at + 1)] == [1.0]
    assert [value for _, value, _ in home.metrics.values(SALES, 0.0, at + 1)] == [7.0]
    assert found == {"Shop/Failures": "1 values from 1 to 1, sum 1", "Shop/Sales": "1 values from 7 to 7, sum 7"}
    home.close()
