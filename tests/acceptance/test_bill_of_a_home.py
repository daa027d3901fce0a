"""Two days of `metrics` are played and metered; the bill says of a month what the estimate derives from the definition.

The two know nothing of each other: one counts operations, the other multiplies what schedules, states and grants say.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from penstock.cost.bill import NOBODY, Bill
from penstock.cost.estimate import estimate
from penstock.cost.prices import book
from penstock.model.deployment import Deployment
from penstock.model.pipeline import Definition
from penstock.pipelines.metrics import pipeline
from penstock.runtime.machine.billing import measured_bill, opened_meter
from penstock.runtime.simulation.app import simulate
from penstock.runtime.simulation.growth import growth
from penstock.runtime.simulation.plan import Plan, seconds_of

METRICS = pipeline.build()
INSTANCES = 3
START = 1_788_912_000.0  # 2026-09-09T00:00:00Z
DAYS = 2
PRICES = book()


def billed(definition: Definition, folder: Path) -> Bill:
    simulate(definition, folder, Plan(start=START, seconds=DAYS * 86_400.0, instances=INSTANCES))
    with opened_meter(folder) as meter:
        return measured_bill(meter, {"metrics": definition}, PRICES)


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Bill:
    return billed(METRICS, tmp_path_factory.mktemp("bill") / "home")


# What both know to the last one; the rest depends on how long, and how large, things are.
COUNTED = {
    "lambda-requests": 240 * 5 + 960,
    "transitions": 2400,
    "schedules": 240,
    "s3-put": 960,
    "s3-get": 960,
    "dynamodb-write": 960 * INSTANCES * 3,
    "alarms": 15,
    "dashboards": 1,
    "glue-catalog": 4,
}


def test_two_calculators_agree(bill: Bill) -> None:
    usage = msgspec.structs.replace(
        NOBODY,
        records_per_object=float(INSTANCES),
        task_seconds={name: seconds_of(METRICS, name) for name in METRICS.tasks},
    )
    by_formula: dict[str, float] = {}
    for line in estimate(METRICS, usage).lines:
        by_formula[line.price] = by_formula.get(line.price, 0.0) + line.quantity
    by_event = {line.price: line.quantity for line in bill.lines}
    for code, expected in COUNTED.items():
        assert by_formula[code] == pytest.approx(expected), code
        assert by_event[code] == pytest.approx(expected), code
    # Calls take about what is said of them; alarms may mail beside the 240 notifications of a good month.
    assert by_event["lambda-arm64"] == pytest.approx(by_formula["lambda-arm64"], rel=0.2)
    assert by_formula["sns-mail"] == pytest.approx(240)
    assert by_event["sns-mail"] >= 240
    # The formula takes a metric to have data in each hour in which something begins; one has none without errors.
    assert by_event["metrics"] == pytest.approx(by_formula["metrics"], rel=0.1)


def test_what_is_kept_is_what_is_there(bill: Bill, tmp_path: Path) -> None:
    """The raw objects of 16 collections, each there from its moment to the end."""
    home = tmp_path / "home"
    billed(METRICS, home)
    end = START + DAYS * 86_400.0
    files = [path for path in (home / "lake" / "raw").rglob("*.json*") if path.is_file()]
    assert len(files) == 16 * 4
    gb_seconds = sum(path.stat().st_size / 1e9 * (end - _hour(path)) for path in files)
    (line,) = (line for line in bill.lines if line.price == "s3-storage")
    assert line.measured == pytest.approx(gb_seconds / (DAYS * 86_400.0), rel=0.001)


def _hour(path: Path) -> float:
    day, hour = (
        next(int(part.partition("=")[2]) for part in path.parts if part.startswith(name)) for name in ("day=", "hour=")
    )
    return START + (day - 9) * 86_400.0 + hour * 3600.0


def test_what_is_sealed_is_billed_where_it_is_deployed(tmp_path: Path) -> None:
    sealing = msgspec.structs.replace(METRICS, deployment=Deployment(sealing=True))
    found = billed(sealing, tmp_path / "home")
    (storage,) = (line for line in found.lines if line.price == "s3-storage")
    assert {cause.operation for cause in storage.causes} == {"raw", "sealed"}
    (gets,) = (line for line in found.lines if line.price == "s3-get")
    # Each raw object is read by its processor, and once more when its hour is sealed; the last one's is not closed yet.
    assert 1800 < gets.quantity <= 1920


def test_a_fleet_costs_items_and_not_calls() -> None:
    one, ten = growth(METRICS, [1, 10], PRICES, NOBODY)
    assert (one.instances, ten.instances) == (1, 10)
    # 8,640 items more, in three copies, at 0.625 for a million; what is kept of them costs less than a cent.
    assert ten.monthly_usd - one.monthly_usd == pytest.approx(8640 * 3 * 0.625e-6, abs=0.01)
