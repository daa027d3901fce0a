"""Runs cases in moto's Step Functions, with moto's own Lambda, DynamoDB, SQS, SNS and S3 behind them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.differential.case import Case, Outcome, event, shown
from tests.differential.cases.readers import OBJECTS

REGION = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/workflow"
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012"
CONFIG: Any = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
PATIENCE_SECONDS = 45.0


@contextmanager
def moto() -> Iterator[Any]:
    """Gives a client of moto's Step Functions, whose services have what the cases name."""
    import boto3
    from moto import mock_aws

    with mock_aws(config=CONFIG), _scopes_apart():
        _furnish(boto3)
        yield boto3.client("stepfunctions", REGION)


@contextmanager
def _scopes_apart() -> Iterator[None]:
    """Gives each of moto's parsers its own query languages: shared, those of a definition refused stay for the next."""
    from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Preprocessor, "__init__", lambda parser: setattr(parser, "_query_language_per_scope", []))
        yield


def _furnish(boto3: Any) -> None:
    table = boto3.client("dynamodb", REGION)
    table.create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )  # fmt: skip
    table.put_item(TableName="items", Item={"pk": {"S": "one"}, "count": {"N": "1"}})
    queues = boto3.client("sqs", REGION)
    for name in ("work", "callbacks"):
        queues.create_queue(QueueName=name)
    boto3.client("sns", REGION).create_topic(Name="alerts")
    store = boto3.client("s3", REGION)
    store.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    for key, text in OBJECTS.items():
        store.put_object(Bucket="lake", Key=key, Body=text.encode())


def outcomes_in_moto(client: Any, cases: Iterable[Case]) -> dict[str, Outcome]:
    """Starts all cases at once, answers the task tokens, and returns how each ended, by its name."""
    from botocore.exceptions import ClientError

    running: dict[str, tuple[Case, str]] = {}
    ended: dict[str, Outcome] = {}
    for number, case in enumerate(cases):
        try:
            running[case.name] = (case, _started(client, case, f"m{number}"))
        except ClientError:
            ended[case.name] = Outcome("REFUSED")
    until = time.monotonic() + PATIENCE_SECONDS
    while running and time.monotonic() < until:
        _answer_tokens(client)
        for name, (case, execution) in list(running.items()):
            outcome = _outcome(client, case, execution)
            if outcome.status != "RUNNING":
                ended[name] = outcome
                del running[name]
        time.sleep(0.05)
    return ended | {name: _outcome(client, case, execution) for name, (case, execution) in running.items()}


def _started(client: Any, case: Case, name: str) -> str:
    """Starts a case and returns its execution's ARN."""
    made = client.create_state_machine(name=name, definition=json.dumps(case.definition), roleArn=ROLE)
    begun = client.start_execution(stateMachineArn=made["stateMachineArn"], name=name, input=json.dumps(case.input))
    return str(begun["executionArn"])


def _outcome(client: Any, case: Case, execution: str) -> Outcome:
    try:
        told = client.describe_execution(executionArn=execution)
    except TypeError:
        # What an output holds cannot always be told: an object's body, say.
        return Outcome("UNTOLD")
    if told["status"] == "RUNNING":
        return Outcome("RUNNING")
    output = _value(told["output"]) if told.get("output") else None
    history = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    events = tuple(event(one["type"], one.get("previousEventId", 0), case) for one in history)
    return shown(case, Outcome(told["status"], output, told.get("error") or "", events))


def _value(text: str) -> Any:
    """Returns an output. moto gives a text as it is, where AWS gives it as JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _answer_tokens(client: Any) -> None:
    """Answers the tasks that wait for it: the message says how."""
    import boto3

    queues = boto3.client("sqs", REGION)
    for message in queues.receive_message(QueueUrl=f"{QUEUE}/callbacks", MaxNumberOfMessages=10).get("Messages", []):
        asked = json.loads(message["Body"])
        queues.delete_message(QueueUrl=f"{QUEUE}/callbacks", ReceiptHandle=message["ReceiptHandle"])
        match asked["answer"]:
            case "succeed":
                client.send_task_success(taskToken=asked["token"], output=json.dumps(asked["output"]))
            case "fail":
                client.send_task_failure(taskToken=asked["token"], error=asked["error"], cause=asked["cause"])
