"""What a warehouse costs in an account, against a calculation by hand."""

from typing import Any

import msgspec
import pytest

from penstock import Context, Pipeline, relation
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


def test_an_instance_costs_its_hours_its_disk_and_its_ways_and_no_calls() -> None:
    """720 hours at 0.0208 are 14.976; 16 GB at 0.08 are 1.28; four ways for 720 hours at 0.01 are 28.80."""
    made = pipeline()
    people = made.topic("people")

    @made.task(may=[people.publish])
    def tell(event: Any, context: Context) -> None:
        """Tells people."""

    made.cron("0 6 * * ? *", tell, name="daily")
    by_function = {one.price for one in estimate(made.build()).lines}
    made.aws(compute="ec2")
    found = {one.what: one.full_usd for one in estimate(made.build()).lines if one.full_usd}
    ways = "the instance's way to Systems Manager, its sessions, CloudWatch Logs, SNS"
    assert found["the instance"] == pytest.approx(14.976)
    assert found["the instance's disk"] == pytest.approx(1.28)
    assert found[ways] == pytest.approx(28.80)
    of_functions = {"lambda-requests", "lambda-arm64", "schedules", "transitions"}
    assert of_functions <= by_function
    assert not of_functions & {one.price for one in estimate(made.build()).lines}
    made.aws(compute="ec2", instance_type="t4g.small")
    assert estimate(made.build()).unpriced == ("hours of an instance of type t4g.small",)
