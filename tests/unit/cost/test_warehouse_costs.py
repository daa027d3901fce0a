"""What a warehouse costs in an account, against a calculation by hand."""

import msgspec
import pytest

from penstock import Pipeline, relation
from penstock.cost.estimate import estimate


class Lead(msgspec.Struct):
    lead_id: str


def pipeline() -> Pipeline:
    made = Pipeline("shop")
    made.warehouse("crm", tables=[relation("leads", Lead, key="lead_id")])
    return made


def test_a_database_costs_its_hours_its_disk_its_endpoint_and_its_password() -> None:
    """720 hours at 0.016 are 11.52; 20 GB at 0.115 are 2.30; 720 hours at 0.01 are 7.20; a secret costs 0.40."""
    found = {one.what: one.full_usd for one in estimate(pipeline().build()).lines if one.price != "alarms"}
    assert found == {
        "databases of warehouses": pytest.approx(11.52),
        "disks of warehouses": pytest.approx(2.30),
        "the way to Secrets Manager": pytest.approx(7.20),
        "passwords of owners": pytest.approx(0.40),
    }


def test_a_class_without_a_price_is_told() -> None:
    made = pipeline()
    made.aws(database_class="db.x2g.large")
    found = estimate(made.build())
    assert found.unpriced == ("hours of a database of class db.x2g.large",)
    assert {one.price for one in found.lines} == {"alarms", "db-storage", "endpoint-hours", "secrets"}
    assert estimate(pipeline().build()).unpriced == ()
