import json
from typing import Any

import msgspec
import pytest

from penstock import Context, DistributedMap, Map, Pass, Pipeline
from penstock.testing import Sandbox

pipeline = Pipeline("orders")


class Order(msgspec.Struct):
    number: int


@pipeline.task()
def bill(event: Any, context: Context) -> Any:
    if event["number"] == 13:
        raise ValueError("unlucky")
    return event["number"] * 10


pipeline.workflow("orders", Map(bill, items="$.orders", at_once=2, name="Bill").retry(times=1).then(Pass("Done")))


def document() -> dict[str, Any]:
    return dict(json.loads(pipeline.build().workflows["orders"].definition))


def test_a_map_is_emitted_inline() -> None:
    state = document()["States"]["Bill"]
    assert (state["Type"], state["ItemsPath"], state["MaxConcurrency"], state["Next"]) == ("Map", "$.orders", 2, "Done")
    processor = state["ItemProcessor"]
    assert processor["ProcessorConfig"] == {"Mode": "INLINE"}
    assert processor["StartAt"] == "bill"
    # As on a Parallel, a retry holds for each task inside.
    assert "Retry" not in state
    assert processor["States"]["bill"]["Retry"][0]["MaxAttempts"] == 1


@pytest.mark.parametrize(
    ("numbers", "status"), [([0, 1, 2, 3, 4], "SUCCEEDED"), ([], "SUCCEEDED"), ([12, 13, 14], "FAILED")]
)
def test_each_item_is_worked_on(tmp_path: Any, numbers: list[int], status: str) -> None:
    with Sandbox(pipeline, tmp_path) as sandbox:
        ended = sandbox.run({"orders": [{"number": number} for number in numbers]}, workflow="orders")
        assert ended.status == status
        if status == "SUCCEEDED":
            assert json.loads(ended.output or b"") == [number * 10 for number in numbers]


def test_a_distributed_map_is_emitted() -> None:
    other = Pipeline("orders")
    step = DistributedMap(bill, read="$.key", form="CSV", at_once=50, batch=10, tolerate=3, name="Bill")
    raw = other.lake("orders", Order)
    workflow = other.workflow("orders", step.retry(times=1), may=[raw.read])
    state = json.loads(workflow.definition)["States"]["Bill"]
    assert {name: value for name, value in state.items() if name != "ItemProcessor"} == {
        "Type": "Map", "MaxConcurrency": 50, "ItemBatcher": {"MaxItemsPerBatch": 10}, "ToleratedFailureCount": 3,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": "lake", "Key.$": "$.key"},
        },
        "End": True,
    }  # fmt: skip
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert state["ItemProcessor"]["States"]["bill"]["Retry"][0]["MaxAttempts"] == 1
    with pytest.raises(TypeError, match="no limit"):
        DistributedMap(bill, limit=3)


@pytest.mark.parametrize(("tolerate", "status"), [(1, "SUCCEEDED"), (0, "FAILED")])
def test_each_item_has_an_execution_of_its_own(tmp_path: Any, tolerate: int, status: str) -> None:
    other = Pipeline("orders")

    @other.task(name="bill")
    def bill_one(event: Any, context: Context) -> Any:
        return bill(event, context)

    other.workflow("orders", DistributedMap(bill_one, items="$.orders", tolerate=tolerate, name="Bill"))
    with Sandbox(other, tmp_path) as sandbox:
        ended = sandbox.run({"orders": [{"number": number} for number in (12, 13, 14)]}, workflow="orders")
        assert ended.status == status
        if status == "SUCCEEDED":
            assert json.loads(ended.output or b"") == [120, 140]
        else:
            assert ended.error == "States.ExceedToleratedFailureThreshold"


JSONATA = {
    "QueryLanguage": "JSONata", "StartAt": "Bill", "States": {"Bill": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True,
        "Arguments": {"FunctionName": "orders-bill", "Payload": {"number": "{% $states.input.count + 1 %}"}},
        "Output": {"billed": "{% $states.result.Payload %}"},
    }},
}  # fmt: skip


def test_a_workflow_may_be_a_document_in_jsonata(tmp_path: Any) -> None:
    document = tmp_path / "billing.asl.json"
    document.write_text(json.dumps(JSONATA))
    other = Pipeline("orders")

    @other.task(name="bill")
    def bill_one(event: Any, context: Context) -> Any:
        return event["number"] * 10

    other.workflow("orders", document)
    with Sandbox(other, tmp_path / "home") as sandbox:
        ended = sandbox.run({"count": 4}, workflow="orders")
        assert (ended.status, json.loads(ended.output or b"")) == ("SUCCEEDED", {"billed": 50})
