"""What is found in a workflow that calls services: what AWS refuses, what is not there, what was not granted."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline
from penstock.define.cadence import workflow_tasks
from penstock.define.service_calls import check_calls
from penstock.errors import DefinitionError
from penstock.model.access import Grant


class Order(msgspec.Struct):
    id: int


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def task(resource: str, parameters: Any = None, **more: Any) -> dict[str, Any]:
    given = {} if parameters is None else {"Parameters": parameters}
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", **given, "End": True, **more}


def findings(tmp_path: Path, document: dict[str, Any], *may: str) -> list[tuple[str, str, str]]:
    """Returns (JSON path, code, mend) of what is wrong with a workflow that may do some things."""
    pipeline = Pipeline("shop")
    made: dict[str, Any] = {
        "orders": pipeline.lake("orders", Order), "latest": pipeline.hot_table("latest", key="id"),
        "alerts": pipeline.topic("alerts"), "jobs": pipeline.queue("jobs"), "bus": pipeline.event_bus("bus"),
    }  # fmt: skip

    @pipeline.task
    def load(event: Any, context: Any) -> None: ...

    file = tmp_path / "main.asl.json"
    file.write_text(json.dumps(document))
    grants: list[Grant] = [getattr(made[name], action) for name, _, action in (one.partition(".") for one in may)]
    pipeline.workflow("main", file, may=grants)
    try:
        pipeline.build()
    except DefinitionError as error:
        found = error.data["findings"]
        return [(one["where"].rpartition(" ")[2].rstrip(")"), one["code"], one["hint"]) for one in found]
    return []


PUT = task("dynamodb:putItem", {"TableName": "latest", "Item": {"id": {"S": "a"}}})
OBJECT = {"Bucket": "lake", "Key": "raw/orders/x.json", "Body": {}, "IfNoneMatch": "*"}

FOUND = [
    (PUT, [], ("$.States.A.Parameters.TableName", "missing-grant", "add <latest>.put to its may=[…]")),
    (PUT, ["latest.get"], ("$.States.A.Parameters.TableName", "missing-grant", "add <latest>.put to its may=[…]")),
    (task("dynamodb:putItem", {"TableName": "other", "Item": {}}), ["latest.put"],
     ("$.States.A.Parameters.TableName", "unknown-resource", "name one of latest")),
    (task("dynamodb:getItem", {"TableName.$": "$.t", "Key": {}}), [],
     ("$.States.A.Parameters.TableName", "missing-grant", "add <hot table>.get to its may=[…]")),
    (task("dynamodb:getItem", {"tableName": "latest", "Key": {}}), ["latest.get"],
     ("$.States.A.Parameters.tableName", "parameter", "write it in PascalCase: TableName")),
    (task("dynamodb:getItem", {"TableNam": "latest", "TableName": "latest", "Key": {}}), ["latest.get"],
     ("$.States.A.Parameters.TableNam", "parameter", "did you mean TableName?")),
    (task("dynamodb:getItem", {"TableName": "latest"}), ["latest.get"],
     ("$.States.A.Parameters", "parameter",
      'add "Key" (https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html)')),
    (task("dynamodb:getItem.sync", {"TableName": "latest", "Key": {}}), ["latest.get"],
     ("$.States.A.Resource", "pattern", "its patterns are: none")),
    (task("athena:startQueryExecution.waitForTaskToken", {"QueryString": "SELECT 1"}), ["orders.query"],
     ("$.States.A.Resource", "pattern", "its patterns are: none, .sync")),
    (task("aws-sdk:ec2:describeInstances"), [], ("$.States.A.Resource", "unknown-service", "call it from a task")),
    (task("aws-sdk:s3:putObject", OBJECT | {"Bucket": "mine"}), ["orders.append"],
     ("$.States.A.Parameters.Bucket", "bucket", 'write "lake": a deployment puts the name of its own bucket there')),
    (task("aws-sdk:s3:putObject", {k: v for k, v in OBJECT.items() if k != "IfNoneMatch"}), ["orders.append"],
     ("$.States.A.Parameters", "overwrite", 'add "IfNoneMatch": "*"')),
    (task("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": "sealed/orders/x"}), ["orders.read"],
     ("$.States.A.Parameters.Key", "outside-the-lake",
      "a workflow reads, lists and writes raw/<table>/…, and writes quarantine/<table>/…")),
    (task("events:putEvents", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": {}}]}), ["bus.put"],
     ("$.States.A.Parameters.Entries[0].EventBusName", "unknown-resource", "name one of bus")),
    (task("glue:startJobRun", {"JobName": "nope"}), [],
     ("$.States.A.Parameters.JobName", "unknown-task", "run one of load")),
]  # fmt: skip

GOOD = [
    (PUT, ["latest.put"]),
    (task("dynamodb:getItem", {"TableName.$": "$.t", "Key": {}}), ["latest.get"]),
    (task("aws-sdk:s3:putObject", OBJECT), ["orders.append"]),
    (task("sqs:sendMessage.waitForTaskToken", {"QueueUrl": "jobs", "MessageBody.$": "$$.Task.Token"}), ["jobs.send"]),
    (task("athena:startQueryExecution.sync", {"QueryString": "SELECT 1"}), ["orders.query"]),
    (task("glue:startJobRun.sync", {"JobName": "load"}), []),
    (task("events:putEvents", {"Entries.$": "$.entries"}), ["bus.put"]),
]  # fmt: skip


@pytest.mark.parametrize(("state", "may", "expected"), FOUND, ids=[f"{e[1]} {e[0]} {m}" for _, m, e in FOUND])
def test_what_is_wrong(tmp_path: Path, state: dict[str, Any], may: list[str], expected: tuple[str, str, str]) -> None:
    (found,) = findings(tmp_path, machine(A=state), *may)
    assert found[:2] == expected[:2]
    assert found[2].startswith(expected[2])


@pytest.mark.parametrize(("state", "may"), GOOD, ids=[state["Resource"] for state, _ in GOOD])
def test_what_is_right(tmp_path: Path, state: dict[str, Any], may: list[str]) -> None:
    assert findings(tmp_path, machine(A=state), *may) == []


def test_states_within_states_are_looked_at(tmp_path: Path) -> None:
    inner = {"ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **machine(C=PUT)}}
    document = machine(
        A={"Type": "Parallel", "Branches": [machine(B={"Type": "Map", **inner, "End": True})], "End": True}
    )
    (found,) = findings(tmp_path, document)
    assert found[0] == "$.States.A.Branches[0].States.B.ItemProcessor.States.C.Parameters.TableName"


def test_the_items_of_a_distributed_map_are_read_by_grant(tmp_path: Path) -> None:
    reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": "lake", "Prefix": "raw/orders/"},
    }
    inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    passing = machine(B={"Type": "Pass", "End": True})
    document = machine(A={"Type": "Map", "ItemReader": reader, "ItemProcessor": inner | passing, "End": True})
    assert [one[1] for one in findings(tmp_path, document)] == ["missing-grant"]
    assert findings(tmp_path, document, "orders.list") == []


def test_arguments_of_jsonata(tmp_path: Path) -> None:
    state = {"Type": "Task", "QueryLanguage": "JSONata", "Resource": "arn:aws:states:::sns:publish",
             "Arguments": {"TopicArn": "{% $states.input.topic %}", "Message": "hi"}, "End": True}  # fmt: skip
    (found,) = findings(tmp_path, machine(A=state))
    assert found[:2] == ("$.States.A.Arguments.TopicArn", "missing-grant")
    assert findings(tmp_path, machine(A=state), "alerts.publish") == []
    assert findings(tmp_path, machine(A=state | {"Arguments": "{% $states.input %}"}), "alerts.publish") == []


def test_a_grant_that_no_state_can_use(tmp_path: Path) -> None:
    document = machine(A={"Type": "Pass", "End": True})
    assert [one[1] for one in findings(tmp_path, document, "jobs.receive")] == ["useless-grant"]


def test_a_task_cannot_do_what_only_states_do() -> None:
    pipeline = Pipeline("shop")
    latest = pipeline.hot_table("latest", key="id")

    @pipeline.task(may=[latest.update])
    def load(event: Any, context: Any) -> None: ...

    with pytest.raises(DefinitionError) as caught:
        pipeline.build()
    assert [one["code"] for one in caught.value.data["findings"]] == ["useless-grant"]


def test_may_is_for_steps(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")
    latest = pipeline.hot_table("latest", key="id")
    file = tmp_path / "main.asl.json"
    file.write_text(json.dumps(machine(A=PUT)))
    main = pipeline.workflow("main", file, may=[latest.put])
    pipeline.schedule("rate(1 hour)", main, may=[latest.put])
    with pytest.raises(DefinitionError) as caught:
        pipeline.build()
    assert [one["code"] for one in caught.value.data["findings"]] == ["misplaced-grant"]


def test_a_document_alone_is_checked_as_aws_does() -> None:
    document = machine(A=task("dynamodb:getItem.sync", {"tableName": "latest", "Key": {}}))
    assert [(one.where, one.code) for one in check_calls(json.dumps(document))] == [
        ("$.States.A.Resource", "pattern"),
        ("$.States.A.Parameters.tableName", "parameter"),
    ]
    # AWS knows more services than Penstock.
    assert check_calls(json.dumps(machine(A=task("aws-sdk:ec2:describeInstances")))) == []


def test_a_workflow_that_starts_itself(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")
    orders = pipeline.lake("orders", Order)
    file = tmp_path / "main.asl.json"
    file.write_text(json.dumps(machine(A=task("aws-sdk:s3:putObject", OBJECT))))
    pipeline.on_object(orders, pipeline.workflow("main", file, may=[orders.append]))
    with pytest.raises(DefinitionError) as caught:
        pipeline.build()
    assert [one["code"] for one in caught.value.data["findings"]] == ["endless-loop"]


def test_tasks_that_wait_for_a_token_and_jobs_are_tasks_of_the_workflow(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")

    @pipeline.task
    def ask(event: Any, context: Any) -> None: ...

    @pipeline.task
    def load(event: Any, context: Any) -> None: ...

    asking = task("lambda:invoke.waitForTaskToken", {"FunctionName": "shop-ask", "Payload": {}}) | {"Next": "B"}
    del asking["End"]
    file = tmp_path / "main.asl.json"
    file.write_text(json.dumps(machine(A=asking, B=task("glue:startJobRun.sync", {"JobName": "load"}))))
    pipeline.workflow("main", file)
    assert [one.name for one in workflow_tasks(pipeline.build(), "main")] == ["ask", "load"]
    file.write_text(file.read_text().replace("shop-ask", "shop-nobody"))
    other = Pipeline("shop")
    other.workflow("main", file)
    with pytest.raises(DefinitionError) as caught:
        other.build()
    assert [one["code"] for one in caught.value.data["findings"]] == ["unknown-task", "unknown-task"]
