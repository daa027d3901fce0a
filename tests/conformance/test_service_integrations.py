"""Each service integration in a workflow, run by a machine and, where it can, by moto's Step Functions.

What moto has of Step Functions is an implementation of its own. Where the two differ, ``DIFFERENCES`` says who is
right, by AWS's documentation; what moto cannot run at all is in ``NOT_IN_MOTO``.
"""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.unit.runtime.integrations.conftest import everything, shop

from penstock.model.integrations import OPERATIONS, parse_resource
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

KEY = "raw/orders/year=2026/month=02/day=20/first.json"
ITEM = {"TableName": "latest", "Item": {"id": {"S": "a"}, "n": {"N": "1"}}}
A = {"TableName": "latest", "Key": {"id": {"S": "a"}}}
ONE = {"ExpressionAttributeValues": {":one": {"N": "1"}}}
EVENT = {"EventBusName": "happenings", "Source": "shop.orders", "DetailType": "Placed", "Detail": {"id": 7}}

# In this order: each finds what those before it left.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "put": ("dynamodb:putItem", ITEM),
    "put-again": ("dynamodb:putItem", ITEM | {"ConditionExpression": "attribute_not_exists(id)"}),
    "put-again-sdk": ("aws-sdk:dynamodb:putItem", ITEM | {"ConditionExpression": "attribute_not_exists(id)"}),
    "put-old": ("dynamodb:putItem", ITEM | {"ReturnValues": "ALL_OLD"}),
    "get": ("dynamodb:getItem", A),
    "get-sdk": ("aws-sdk:dynamodb:getItem", A | {"ConsistentRead": True}),
    "get-nothing": ("dynamodb:getItem", {"TableName": "latest", "Key": {"id": {"S": "b"}}}),
    "update": ("dynamodb:updateItem", A | ONE | {"UpdateExpression": "ADD n :one", "ReturnValues": "ALL_NEW"}),
    "update-wrong": ("dynamodb:updateItem", A | ONE | {"UpdateExpression": "SET n = absent + :one"}),
    "get-wrong-type": ("dynamodb:getItem", {"TableName": "latest", "Key": {"id": {"N": 5}}}),
    "delete": ("dynamodb:deleteItem", A | {"ReturnValues": "ALL_OLD"}),
    "object-put": ("aws-sdk:s3:putObject", {"Bucket": "lake", "Key": KEY, "Body": "text", "IfNoneMatch": "*"}),
    "object-put-other": ("aws-sdk:s3:putObject", {"Bucket": "lake", "Key": KEY, "Body": "other", "IfNoneMatch": "*"}),
    "object-get-nothing": ("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": f"{KEY}x"}),
    "object-get": ("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": KEY}),
    "object-list": ("aws-sdk:s3:listObjectsV2", {"Bucket": "lake", "Prefix": "raw/orders/"}),
    "publish": ("sns:publish", {"TopicArn": "alerts", "Message": {"order": 7}, "Subject": "An order"}),
    "publish-sdk": ("aws-sdk:sns:publish", {"TopicArn": "alerts", "Message": "text"}),
    "publish-nowhere": ("sns:publish", {"TopicArn": "nowhere", "Message": "text"}),
    "send": ("sqs:sendMessage", {"QueueUrl": "jobs", "MessageBody": "text"}),
    "send-attributes": ("sqs:sendMessage", {"QueueUrl": "jobs", "MessageBody": "text", "MessageAttributes": {
        "kind": {"DataType": "String", "StringValue": "new"}, "a": {"DataType": "String", "StringValue": "ä"}}}),
    "send-sdk": ("aws-sdk:sqs:sendMessage", {"QueueUrl": "jobs", "MessageBody": "text"}),
    "send-nowhere": ("sqs:sendMessage", {"QueueUrl": "nowhere", "MessageBody": "text"}),
    "events": ("events:putEvents", {"Entries": [EVENT]}),
    "events-wrong": ("events:putEvents", {"Entries": [EVENT | {"Detail": "no JSON"}]}),
    "events-sdk": ("aws-sdk:eventbridge:putEvents", {"Entries": [EVENT]}),
    "query": ("athena:startQueryExecution", {"QueryString": "SELECT count(*) AS n FROM orders"}),
    "query-sdk": ("aws-sdk:athena:startQueryExecution", {"QueryString": "SELECT 1 AS one"}),
    "query-sync": ("athena:startQueryExecution.sync", {"QueryString": "SELECT 1 AS one"}),
    "query-unknown": ("athena:getQueryExecution", {"QueryExecutionId": "nowhere"}),
    "results-unknown": ("athena:getQueryResults", {"QueryExecutionId": "nowhere"}),
    "stop-unknown": ("athena:stopQueryExecution", {"QueryExecutionId": "nowhere"}),
    "job": ("glue:startJobRun", {"JobName": "load"}),
    "job-sync": ("glue:startJobRun.sync", {"JobName": "load", "Arguments": {"--id": "9"}}),
    "job-unknown": ("glue:startJobRun", {"JobName": "nowhere"}),
}  # fmt: skip

SUFFIX = "an error that the service does not define has the base class's name; its code is in the cause (aws/aws-cdk" \
    "#13669 shows DynamoDB.AmazonDynamoDBException with Error Code: ValidationException)"  # fmt: skip
GRANTS = "nothing of that name was granted, and IAM refuses before the service looks; moto has no roles"
DIFFERENCES = {
    "update-wrong": SUFFIX,
    "get-wrong-type": "AWS says that the value for the field must be a STRING (aws/aws-cdk#9181); "
    "moto sends the number on",
    "object-put": "S3 adds a checksum (moto); a machine keeps none. A text is written as JSON",
    "object-put-other": "moto does not know IfNoneMatch in Step Functions: it writes over the object",
    "object-get-nothing": "the prefix is S3, in capitals (supported-services-awssdk); moto takes the resource's s3",
    "publish-nowhere": GRANTS,
    "send-nowhere": GRANTS,
    "events-wrong": "MalformedDetail is an error of an entry (API_PutEventsResultEntry), which the guide makes "
    "EventBridge.FailedEntry; moto takes the event",
    "query-unknown": "InvalidRequestException is what the API defines; moto fails with an internal error",
    "results-unknown": "InvalidRequestException is what the API defines; moto has an empty answer for any id",
    "stop-unknown": "InvalidRequestException is what the API defines; moto fails with an internal error",
    "job-unknown": "the error is the same; moto leaves the service, the code and the request's id out of the cause",
}
NOT_IN_MOTO = {
    "object-get": "moto cannot copy the stream of the answer",
    "object-list": "moto cannot write the objects' times as JSON",
    "events-sdk": "moto looks for a client named eventbridge",
    "query-sync": "moto has no `.sync` for Athena",
    "job-sync": "moto has no jobs that end by themselves",
}


def document(resource: str, arguments: dict[str, Any]) -> str:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": arguments, "End": True}
    return json.dumps({"StartAt": "Call", "States": {"Call": task}})


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What a machine makes of every case: its status, output, error and cause."""
    folder = tmp_path_factory.mktemp("integrations")
    pipeline = shop()
    may = everything(pipeline.declared())
    for name, (resource, arguments) in CASES.items():
        (folder / f"{name}.asl.json").write_text(document(resource, arguments))
        pipeline.workflow(name, folder / f"{name}.asl.json", may=may)
    machine = Machine(Home(folder / "home"), {"shop": pipeline.declared()})
    found = {}
    try:
        for name in CASES:
            started = machine.start("shop", {}, name)
            machine.run(started.id)
            ended = machine.home.journal.get(started.id)
            output = None if ended.output is None else msgspec.json.decode(ended.output)
            found[name] = {"status": str(ended.status), "output": output, "error": ended.error, "cause": ended.cause}
    finally:
        machine.close()
    return found


@pytest.fixture(scope="module")
def there(moto_endpoint: str) -> Iterator[dict[str, dict[str, Any]]]:
    """What moto's Step Functions make of the cases that they can run."""

    def tell(path: str, **choices: Any) -> None:
        body = json.dumps(choices).encode()
        asked = urllib.request.Request(  # noqa: S310
            f"{moto_endpoint}/moto-api/{path}", data=body, headers={"Content-Type": "application/json"}
        )
        urllib.request.urlopen(asked, timeout=10).close()  # noqa: S310

    with pytest.MonkeyPatch.context() as patch:
        # Its Step Functions call the other services at this port.
        patch.setenv("MOTO_PORT", moto_endpoint.rpartition(":")[2])
        tell("reset")
        tell("config", stepfunctions={"execute_state_machine": True})
        yield Moto(moto_endpoint).run_all()
        tell("config", stepfunctions={"execute_state_machine": False})


class Moto:
    """An account in moto with what the pipeline has."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        def client(service: str) -> Any:
            return boto3.client(
                service, endpoint_url=endpoint, region_name="eu-central-1", aws_access_key_id="ak",
                aws_secret_access_key="sk",
            )  # fmt: skip

        client("dynamodb").create_table(
            TableName="latest", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
        )  # fmt: skip
        client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        topic = client("sns").create_topic(Name="alerts")["TopicArn"]
        queue = client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
        client("events").create_event_bus(Name="happenings")
        client("glue").create_job(Name="load", Role="r", Command={"Name": "pythonshell"})
        self._names = {
            "TopicArn": {"alerts": topic, "nowhere": topic.replace("alerts", "nowhere")},
            "QueueUrl": {"jobs": queue, "nowhere": queue.replace("jobs", "nowhere")},
        }
        self._states = client("stepfunctions")

    def run_all(self) -> dict[str, dict[str, Any]]:
        return {name: self._run(name, *case) for name, case in CASES.items() if name not in NOT_IN_MOTO}

    def _run(self, name: str, resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
        named = {key: self._names.get(key, {}).get(str(value), value) for key, value in arguments.items()}
        machine = self._states.create_state_machine(
            name=name, definition=document(resource, named), roleArn="arn:aws:iam::123456789012:role/states"
        )
        started = self._states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")
        deadline = time.monotonic() + 10
        while True:
            ended = self._states.describe_execution(executionArn=started["executionArn"])
            if ended["status"] != "RUNNING" or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        output = json.loads(ended["output"]) if "output" in ended else None
        return {"status": ended["status"], "output": output, "error": ended.get("error"), "cause": ended.get("cause")}


def alike(outcome: dict[str, Any]) -> dict[str, Any]:
    """Returns an outcome with its ids masked, and without how an answer came, which moto leaves out."""
    output = outcome["output"]
    if isinstance(output, dict):
        output = {name: value for name, value in output.items() if not name.startswith("Sdk")}
        output.pop("ConsumedCapacity", None)
    text = re.sub(r'"[0-9a-f]{8}-[0-9a-f-]{27}"|"jr_[0-9a-f]+"|"[0-9a-f]{64}"', '"<id>"', json.dumps(output))
    cause = re.sub(r"Request ID: [\w-]+", "Request ID: <id>", outcome["cause"] or "")
    return {"status": outcome["status"], "output": json.loads(text), "error": outcome["error"], "cause": cause}


@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_IN_MOTO])
def test_the_same_as_in_moto(here: dict[str, Any], there: dict[str, Any], name: str) -> None:
    if name in DIFFERENCES:
        assert alike(here[name]) != alike(there[name]), "they agree by now: take it from the list"
    else:
        assert alike(here[name]) == alike(there[name])


@pytest.mark.parametrize("name", NOT_IN_MOTO)
def test_what_moto_cannot_run_ends_well(here: dict[str, Any], name: str) -> None:
    assert here[name]["status"] == "SUCCEEDED", here[name]


def test_every_integration_is_among_the_cases() -> None:
    called = {(call.service, call.action) for resource, _ in CASES.values()
              if (call := parse_resource(f"arn:aws:states:::{resource}")) is not None}  # fmt: skip
    # Tasks and executions have suites of their own.
    elsewhere = {("lambda", "invoke"), ("states", "startExecution")}
    known = {(one.service or one.sdk_service, one.action) for one in OPERATIONS}
    assert known <= called | elsewhere
