"""A pipeline under Lambda's rules: its deployed zips, run by local Lambdas, driven by the machine's engine."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import NotFoundError
from penstock.ports.journal import Execution
from penstock.rehearsal.lambda_caller import LambdaInvoker
from penstock.rehearsal.lambda_deployment import LocalFunctions, Names
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

pytest.importorskip("awslambdaric", reason="the runtime interface client is not installed")
REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
PIPELINE = """
import msgspec
from penstock import Invoke, Pipeline, TaskError, seconds

class Order(msgspec.Struct):
    number: int

pipeline = Pipeline("shop")
orders = pipeline.lake("orders", Order, partition="day")

@pipeline.task(may=[orders.append])
def take(event, context):
    print("taking", event["numbers"])
    written = context[orders].append([Order(number) for number in event["numbers"]], source="counter")
    return {"key": written.key}

@pipeline.task()
def close(event, context):
    raise TaskError("closed on Sundays", error="Shop.Closed")

@pipeline.task()
def hoard(event, context):
    return len(bytearray(200 << 20))

@pipeline.task(timeout=seconds(1))
def dawdle(event, context):
    while True:
        pass

@pipeline.task()
def write(event, context):
    with open("notes.txt", "w") as file:
        file.write("x")

for work in (take, close, hoard, dawdle, write):
    pipeline.workflow(work.name, Invoke(work))
"""


@pytest.fixture
def lake(aws: str) -> Any:
    boto3 = pytest.importorskip("boto3")
    client = boto3.client("s3", endpoint_url=aws, region_name=REGION)
    client.create_bucket(Bucket="shop-lake")
    return client


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Iterator[LocalFunctions]:
    folder = tmp_path_factory.mktemp("shop")
    file = folder / "rehearsed_shop.py"
    file.write_text(PIPELINE)
    sys.path.insert(0, str(folder))
    try:
        from rehearsed_shop import pipeline  # type: ignore[import-not-found]

        given = {**KEYS, "AWS_ENDPOINT_URL": moto_endpoint}
        yield LocalFunctions(
            pipeline.build(), f"{file}:pipeline", folder / "built", names=Names(bucket="shop-lake"), given=given
        )
    finally:
        sys.path.remove(str(folder))


def run(shop: LocalFunctions, home: Path, workflow: str, value: dict[str, Any]) -> Execution:
    machine = Machine(Home(home), {"shop": shop.definition}, make_invoker=lambda perform: LambdaInvoker(shop))
    try:
        execution = machine.start("shop", value, workflow)
        machine.run(execution.id)
        return machine.home.journal.get(execution.id)
    finally:
        machine.close()


def test_a_task_writes_to_the_emulators_lake(shop: LocalFunctions, lake: Any, tmp_path: Path) -> None:
    done = run(shop, tmp_path, "take", {"numbers": [7, 8]})
    assert done.error is None, done.cause
    key = json.loads(done.output or b"")["key"]
    body = lake.get_object(Bucket="shop-lake", Key=key)["Body"].read()
    assert key.startswith("raw/orders/year=")
    assert [json.loads(line)["number"] for line in body.splitlines()] == [7, 8]


@pytest.mark.parametrize(
    ("workflow", "error"),
    [
        ("close", "Shop.Closed"),
        ("hoard", "Runtime.ExitError"),
        ("dawdle", "Sandbox.Timedout"),
    ],
)
def test_what_lambda_would_stop_fails_by_lambdas_name(
    shop: LocalFunctions, tmp_path: Path, workflow: str, error: str
) -> None:
    assert run(shop, tmp_path, workflow, {}).error == error


def test_a_file_beside_the_code_cannot_be_written(shop: LocalFunctions, tmp_path: Path) -> None:
    with shop("shop", "write") as probe:
        probe.invoke(b"{}")
        if len(probe.unenforced) > 1:
            pytest.skip(probe.unenforced[1])
    done = run(shop, tmp_path, "write", {})
    assert done.error == "OSError"
    assert "Read-only file system" in str(done.cause)


def test_names_are_of_what_was_granted_alone(shop: LocalFunctions) -> None:
    names = Names(bucket="shop-lake", tables={"Other": "x"})
    assert names.variables(shop.definition.tasks["take"]) == {"PENSTOCK_LAKE_BUCKET": "shop-lake"}
    assert names.variables(shop.definition.tasks["close"]) == {}


def test_a_task_that_is_not_there(shop: LocalFunctions) -> None:
    with pytest.raises(NotFoundError, match="no task 'sell'"):
        shop("shop", "sell")
