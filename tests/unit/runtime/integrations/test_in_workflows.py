"""Service integrations among the other states: errors are caught and retried, results selected, others started."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.integrations.conftest import everything, shop

from penstock.model.access import Grant
from penstock.ports.journal import Execution
from penstock.testing import Sandbox

Run = Callable[..., Any]
ITEM = {"TableName": "latest", "Item": {"id": {"S": "a"}}}


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", **more}


def machine(**named: dict[str, Any]) -> dict[str, Any]:
    """Returns a machine of states, one after another but for those that say where they go."""
    names = list(named)
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = named[name]
        if state["Type"] not in {"Succeed", "Fail"} and "Next" not in state:
            state.update({"Next": following} if following else {"End": True})
    return {"StartAt": names[0], "States": named}


@pytest.fixture
def sandbox(tmp_path: Path) -> Callable[..., Sandbox]:
    """Makes a sandbox whose pipeline has these workflows, each with every grant."""

    def make(**documents: dict[str, Any]) -> Sandbox:
        pipeline = shop()
        definition = pipeline.declared()
        may: list[Grant] = everything(definition)
        for name, document in documents.items():
            (tmp_path / f"{name}.asl.json").write_text(json.dumps(document))
            more = [definition.lake_tables["returns"].append] if name == "main" else []
            made = pipeline.workflow(name, tmp_path / f"{name}.asl.json", may=[*may, *more])
            if name == "placed":
                pipeline.on_event(definition.event_buses["happenings"], made, source="shop.orders")
            if name == "arrived":
                pipeline.on_object(definition.lake_tables["returns"], made)
        return Sandbox(pipeline, tmp_path)

    return make


def output(execution: Execution) -> Any:
    assert execution.status == "SUCCEEDED", (execution.error, execution.cause)
    return json.loads(execution.output or b"")


def test_an_error_of_a_service_is_caught_by_its_name(sandbox: Callable[..., Sandbox]) -> None:
    put = task(
        "dynamodb:putItem",
        Parameters=ITEM | {"ConditionExpression": "attribute_exists(id)"},
        Catch=[
            {"ErrorEquals": ["DynamoDb.ConditionalCheckFailedException"], "Next": "Wrong"},
            {"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "Caught"},
        ],
        Next="Wrong",
    )
    document = machine(
        Put=put, Caught={"Type": "Pass", "Next": "Done"}, Wrong={"Type": "Fail"}, Done={"Type": "Succeed"}
    )
    with sandbox(main=document) as here:
        caught = output(here.run(workflow="main"))
    assert caught["Error"] == "DynamoDB.ConditionalCheckFailedException"
    assert caught["Cause"].startswith("The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; ")


def test_a_retry_is_a_new_attempt(sandbox: Callable[..., Sandbox]) -> None:
    first = task("sqs:sendMessage", Parameters={"QueueUrl": "jobs", "MessageBody.$": "$$.State.RetryCount"},
                 ResultPath=None)  # fmt: skip
    failing = task(
        "events:putEvents",
        Parameters={"Entries": [{"EventBusName": "happenings", "Source": "s", "DetailType": "d", "Detail": "wrong"}]},
        Retry=[{"ErrorEquals": ["EventBridge.FailedEntry"], "MaxAttempts": 2}],
        Catch=[{"ErrorEquals": ["EventBridge.FailedEntry"], "Next": "Done"}],
        Next="Wrong",
    )
    document = machine(Send=first, Put=failing, Wrong={"Type": "Fail"}, Done={"Type": "Succeed"})
    with sandbox(main=document) as here:
        began = here.clock.now()
        output(here.run(workflow="main"))
        # IntervalSeconds is 1 and BackoffRate 2 when absent: the attempts come after 1 s and 2 s more.
        assert here.clock.now() - began == 3
        assert here.home.queues.counts(here.definition.queues["jobs"]).waiting == 1


def test_states_runtime_is_not_caught_by_states_all(sandbox: Callable[..., Sandbox]) -> None:
    put = task("dynamodb:putItem", Parameters={"TableName": "latest", "Item": {"id": {"S.$": "$.id"}}},
               Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}], Next="Done")  # fmt: skip
    document = machine(Put=put, Caught={"Type": "Pass", "Next": "Done"}, Done={"Type": "Succeed"})
    with sandbox(main=document) as here:
        ended = here.run({"id": 7}, workflow="main")
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    assert "The value for the field 'S' must be a STRING" in str(ended.cause)


def test_results_are_selected(sandbox: Callable[..., Sandbox]) -> None:
    get = task("dynamodb:getItem", Parameters={"TableName": "latest", "Key": {"id": {"S": "a"}}},
               ResultSelector={"id.$": "$.Item.id.S", "status.$": "$.SdkHttpMetadata.HttpStatusCode"})  # fmt: skip
    with sandbox(main=machine(Put=task("dynamodb:putItem", Parameters=ITEM, ResultPath=None), Get=get)) as here:
        assert output(here.run(workflow="main")) == {"id": "a", "status": 200}


def test_arguments_of_jsonata(sandbox: Callable[..., Sandbox]) -> None:
    put = task(
        "aws-sdk:dynamodb:updateItem",
        Arguments={
            "TableName": "latest", "Key": {"id": {"S": "{% $states.input.id %}"}}, "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":n": {"N": "{% $string($states.input.n + 1) %}"}},
            "ReturnValues": "ALL_NEW",
        },
        Output="{% $states.result.Attributes %}",
    )  # fmt: skip
    with sandbox(main=machine(Put=put) | {"QueryLanguage": "JSONata"}) as here:
        assert output(here.run({"id": "a", "n": 1}, workflow="main")) == {"id": {"S": "a"}, "n": {"N": "2"}}


def test_a_message_waits_for_its_token(sandbox: Callable[..., Sandbox]) -> None:
    ask = task("sqs:sendMessage.waitForTaskToken",
               Parameters={"QueueUrl": "jobs", "MessageBody": {"token.$": "$$.Task.Token"}})  # fmt: skip
    with sandbox(main=machine(Ask=ask)) as here:
        assert here.run(workflow="main").status == "RUNNING"
        (message,) = here.home.queues.receive(here.definition.queues["jobs"])
        (waiting,) = here.waiting()
        assert json.loads(message.body) == {"token": waiting.token}
        assert output(here.answer(waiting.token, {"approved": True})) == {"approved": True}


def test_an_event_starts_who_listens(sandbox: Callable[..., Sandbox]) -> None:
    entry = {"EventBusName": "happenings", "Source": "shop.orders", "DetailType": "Placed", "Detail": {"id": "a"}}
    put = task("events:putEvents", Parameters={"Entries": [entry]})
    keep = task("dynamodb:putItem", Parameters={"TableName": "latest", "Item": {"id": {"S.$": "$.detail.id"}}})
    with sandbox(main=machine(Put=put), placed=machine(Keep=keep)) as here:
        output(here.run(workflow="main"))
        assert here.items(here.definition.hot_tables["latest"]) == [{"id": "a"}]


def test_an_object_starts_who_watches_its_table(sandbox: Callable[..., Sandbox]) -> None:
    key = "raw/returns/year=2026/month=02/day=20/one.json"
    put = task("aws-sdk:s3:putObject", Parameters={"Bucket": "lake", "Key": key, "Body": {"id": 1}, "IfNoneMatch": "*"})
    keep = task("dynamodb:putItem", Parameters={"TableName": "latest", "Item": {"id": {"S.$": "$.key"}}})
    with sandbox(main=machine(Put=put), arrived=machine(Keep=keep)) as here:
        output(here.run(workflow="main"))
        assert here.items(here.definition.hot_tables["latest"]) == [{"id": key}]


def test_a_query_and_then_its_rows(sandbox: Callable[..., Sandbox]) -> None:
    key = "raw/orders/year=2026/month=02/day=20/one.json"
    body = {"id": 1, "name": "pen", "price": 2.0}
    document = machine(
        Keep=task("aws-sdk:s3:putObject", Parameters={"Bucket": "lake", "Key": key, "Body": body, "IfNoneMatch": "*"}),
        Ask=task("athena:startQueryExecution.sync",
                 Parameters={"QueryString": "SELECT name, price FROM orders WHERE year = '2026'"}),
        Read=task("athena:getQueryResults", Parameters={"QueryExecutionId.$": "$.QueryExecution.QueryExecutionId"},
                  ResultSelector={"rows.$": "$.ResultSet.Rows[1:]"}),
    )  # fmt: skip
    with sandbox(main=document) as here:
        assert output(here.run(workflow="main")) == {
            "rows": [{"Data": [{"VarCharValue": "pen"}, {"VarCharValue": "2.0"}]}]
        }
        assert here.records(here.definition.lake_tables["orders"]) == [body]
