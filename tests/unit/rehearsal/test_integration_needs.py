"""What a state of a deployed document needs, read from the document as AWS's IAM pages tell it."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.rehearsal.exchange import Need, Place
from penstock.rehearsal.integration_needs import needs

PLACE = Place("eu-west-1", "111122223333")
MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"
OTHER = "arn:aws:states:eu-west-1:111122223333:stateMachine:other"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:t"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"


def task(resource: str, **given: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": given}


def each(mode: str = "DISTRIBUTED", **fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": mode}}, **fields}


READER = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Arguments": {"Bucket": "b", "Prefix": "raw/t/"}}
FILE = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "raw/t/1.json"}}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "raw/t/results/"}}
START = ("states:StartExecution", MACHINE)

CASES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (task("dynamodb:updateItem", TableName="Hot"),
     [("dynamodb:UpdateItem", "arn:aws:dynamodb:eu-west-1:111122223333:table/Hot")]),
    (task("aws-sdk:dynamodb:getItem", TableName="Hot"),
     [("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:111122223333:table/Hot")]),
    (task("sns:publish.waitForTaskToken", TopicArn=TOPIC), [("sns:Publish", TOPIC)]),
    (task("sqs:sendMessage", QueueUrl=QUEUE_URL), [("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:jobs")]),
    (task("aws-sdk:sqs:sendMessage", QueueUrl="http://127.0.0.1:4566/000000000000/jobs"),
     [("sqs:SendMessage", "arn:aws:sqs:eu-west-1:000000000000:jobs")]),
    (task("events:putEvents", Entries=[{"EventBusName": "a"}, {}]),
     [("events:PutEvents", "arn:aws:events:eu-west-1:111122223333:event-bus/a"),
      ("events:PutEvents", "arn:aws:events:eu-west-1:111122223333:event-bus/default")]),
    (task("aws-sdk:eventbridge:putEvents", Entries=[{"EventBusName": "arn:aws:events:eu-west-1:1:event-bus/a"}]),
     [("events:PutEvents", "arn:aws:events:eu-west-1:1:event-bus/a")]),
    (task("states:startExecution.sync:2", StateMachineArn=OTHER), [("states:StartExecution", OTHER)]),
    (task("aws-sdk:sfn:startExecution", StateMachineArn=OTHER), [("states:StartExecution", OTHER)]),
    (task("aws-sdk:s3:getObject", Bucket="b", Key="k"), [("s3:GetObject", "arn:aws:s3:::b/k")]),
    (task("aws-sdk:s3:putObject", Bucket="b", Key="k"), [("s3:PutObject", "arn:aws:s3:::b/k")]),
    # Which object it is, only the running execution knows.
    (task("aws-sdk:s3:getObject", Bucket="b", **{"Key.$": "$.key"}), []),
    (task("aws-sdk:s3:getObject", Bucket="b", Key="{% $key %}"), []),
    (task("athena:startQueryExecution.sync", QueryString="q", WorkGroup="w"),
     [("athena:StartQueryExecution", "arn:aws:athena:eu-west-1:111122223333:workgroup/w")]),
    (task("athena:getQueryResults", QueryExecutionId="x"), []),
    (task("glue:startJobRun.sync", JobName="shop-etl"),
     [("glue:StartJobRun", "arn:aws:glue:eu-west-1:111122223333:job/shop-etl")]),
    (task("glue:startJobRun", JobName="{% $name %}"), []),
    (task("lambda:invoke.waitForTaskToken", FunctionName="f"),
     [("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:111122223333:function:f")]),
    (each("INLINE"), []),
    (each(), [START]),
    (each(ItemReader=READER), [START, ("s3:ListBucket", "arn:aws:s3:::b")]),
    (each(ItemReader=FILE, ResultWriter=WRITER),
     [START, ("s3:GetObject", "arn:aws:s3:::b/raw/t/1.json"),
      ("s3:PutObject", "arn:aws:s3:::b/raw/t/results/manifest.json")]),
    (each(ResultWriter={"WriterConfig": {"OutputType": "JSON"}}), [START]),
]  # fmt: skip


@pytest.mark.parametrize(("state", "expected"), CASES)
def test_a_state_needs_these(state: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(need.action, need.resource) for need in needs(state, PLACE, MACHINE)] == expected


def test_a_listing_tells_its_prefix() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html"""
    (found,) = needs(task("aws-sdk:s3:listObjectsV2", Bucket="b", Prefix="raw/t/"), PLACE, MACHINE)
    assert found == Need("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "raw/t/"})
    (whole,) = needs(task("aws-sdk:s3:listObjectsV2", Bucket="b"), PLACE, MACHINE)
    assert whole == Need("s3:ListBucket", "arn:aws:s3:::b")
