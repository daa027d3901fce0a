"""Stored objects are put through a deployed workflow again, on moto, which runs the state machine."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from penstock import Pipeline
from penstock.adapters.aws.executions import StepFunctionsExecutions
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.deploy.recovery import Backfill, Start, starts
from penstock.model.pipeline import Definition

ROLE = "arn:aws:iam::123456789012:role/states"
# Objects named "bad" fail.
MACHINE = {
    "StartAt": "Judge",
    "States": {
        "Judge": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.key", "StringMatches": "*bad*", "Next": "Stop"}],
            "Default": "Done",
        },
        "Stop": {"Type": "Fail", "Error": "Bad", "Cause": "named so"},
        "Done": {"Type": "Succeed"},
    },
}
KEYS = [f"raw/orders/year=2026/month=02/day=20/hour=07/{name}.json" for name in ("a", "b", "bad", "c")]


class Order(msgspec.Struct):
    id: str


def shop() -> Definition:
    pipeline = Pipeline("shop")
    orders = pipeline.lake("orders", Order)

    @pipeline.task(may=[orders.read])
    def book(event: Any, context: Any) -> None:
        """Books."""

    pipeline.on_object(orders, book)
    return pipeline.build()


def configure(endpoint: str, *, executes: bool) -> None:
    body = json.dumps({"stepfunctions": {"execute_state_machine": executes}}).encode()
    request = urllib.request.Request(f"{endpoint}/moto-api/config", data=body)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass


@pytest.fixture
def executions(aws: str) -> Iterator[StepFunctionsExecutions]:
    configure(aws, executes=True)
    states = client("stepfunctions")
    machine = states.create_state_machine(name="shop-book", definition=json.dumps(MACHINE), roleArn=ROLE)
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    objects = S3ObjectStore("lake")
    for key in [*KEYS, "raw/others/year=2026/x.json", "quarantine/orders/year=2026/y.json"]:
        objects.create(key, b"{}\n")
    yield StepFunctionsExecutions({"book": machine["stateMachineArn"]})
    configure(aws, executes=False)


def wanted(label: str = "first") -> list[Start]:
    return starts(shop(), S3ObjectStore("lake"), label=label)


def inputs(executions: StepFunctionsExecutions) -> list[Any]:
    found = (executions.describe(one.arn).input for one in executions.list("book"))
    return sorted((json.loads(one or b"") for one in found), key=lambda one: str(one["key"]))


def test_every_object_is_put_through_once(executions: StepFunctionsExecutions) -> None:
    outcome = Backfill(executions, concurrency=2).run(wanted())
    assert (outcome.started, outcome.repeated, outcome.succeeded) == (4, 0, 3)
    assert [(one.key, one.error) for one in outcome.failures] == [(KEYS[2], "Bad")]
    assert inputs(executions) == [{"table": "orders", "key": key, "size": 3} for key in KEYS]


def test_what_was_begun_is_continued(executions: StepFunctionsExecutions) -> None:
    Backfill(executions).run(wanted()[:2])
    outcome = Backfill(executions).run(wanted())
    assert (outcome.started, outcome.repeated) == (2, 2)
    again = Backfill(executions).run(wanted())
    assert (again.started, again.repeated) == (1, 3), "what failed is tried again"
    assert len(again.failures) == 1
    assert sum(1 for _ in executions.list("book")) == 5


def test_another_label_does_it_all_again(executions: StepFunctionsExecutions) -> None:
    Backfill(executions).run(wanted())
    outcome = Backfill(executions).run(wanted("second"))
    assert (outcome.started, outcome.repeated) == (4, 0)
