"""What a rehearsal relies on in the emulator: workflows use objects there, and roles are held to their policies."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from penstock.adapters.aws.session import client
from penstock.rehearsal.credentials import settings
from penstock.rehearsal.emulator import ACCOUNT, Emulator
from penstock.rehearsal.role_sessions import role_session

LONGEST_SECONDS = 30.0
SDK = "arn:aws:states:::aws-sdk:s3"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
    ],
}  # fmt: skip
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    log = tmp_path_factory.mktemp("emulator") / "log"
    with contextlib.closing(Emulator(region="us-east-1", log=log)) as started:
        started.start()
        with settings(started.environment()):
            client("s3").create_bucket(Bucket="lake")
            yield


def make_role(name: str, *statements: dict[str, Any]) -> str:
    iam = client("iam")
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"])
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="service", PolicyDocument=policy)
    return arn


def run(name: str, states: dict[str, Any], value: Any) -> dict[str, Any]:
    """Runs a state machine and returns how it ended."""
    document = json.dumps({"StartAt": next(iter(states)), "States": states})
    service, role = client("stepfunctions"), make_role(name)
    machine = service.create_state_machine(name=name, definition=document, roleArn=role)["stateMachineArn"]
    execution = service.start_execution(stateMachineArn=machine, input=json.dumps(value))["executionArn"]
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        found: dict[str, Any] = service.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.1)
    raise AssertionError(f"{name} still runs")


def call(action: str, following: str | None = None, **parameters: Any) -> dict[str, Any]:
    ending: dict[str, Any] = {"End": True} if following is None else {"Next": following, "ResultPath": None}
    return {"Type": "Task", "Resource": f"{SDK}:{action}", "Parameters": {"Bucket": "lake", **parameters}, **ending}


def test_workflows_write_objects_once_and_read_them(emulator: None) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: If-None-Match"""
    put = {"Key.$": "$.key", "Body.$": "$.order", "IfNoneMatch": "*"}
    states = {"Put": call("putObject", "Get", **put), "Get": call("getObject", **{"Key.$": "$.key"})}
    value = {"key": "raw/orders/a b.json", "order": {"id": "ä"}}
    first = run("first", states, value)
    assert first["status"] == "SUCCEEDED", first
    output = json.loads(first["output"])
    assert (json.loads(output["Body"]), output["ContentLength"]) == ({"id": "ä"}, len('{"id":"ä"}'.encode()))
    assert client("s3").get_object(Bucket="lake", Key=value["key"])["Body"].read().decode() == '{"id":"ä"}'
    again = run("again", states, {**value, "order": {"id": "other"}})
    assert (again["status"], again["error"]) == ("FAILED", "S3.PreconditionFailedException")


def test_an_object_that_is_not_there(emulator: None) -> None:
    found = run("absent", {"Get": call("getObject", Key="raw/orders/absent")}, {})
    assert (found["status"], found["error"]) == ("FAILED", "S3.NoSuchKeyException")


def test_a_role_is_taken_and_held_to_its_policy(emulator: None) -> None:
    client("s3").put_object(Bucket="lake", Key="raw/orders/own.json", Body=b"{}")
    role = make_role(
        "held",
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/raw/orders/*"},
        {
            "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::lake",
            "Condition": {"StringLike": {"s3:prefix": ["raw/orders/*"]}},
        },
    )  # fmt: skip
    with settings(role_session(role)):
        s3 = client("s3")
        assert s3.get_object(Bucket="lake", Key="raw/orders/own.json")["Body"].read() == b"{}"
        assert s3.list_objects_v2(Bucket="lake", Prefix="raw/orders/")["KeyCount"] >= 1
        tried: list[Callable[[], Any]] = [
            lambda: s3.put_object(Bucket="lake", Key="raw/orders/own.json", Body=b""),
            lambda: s3.list_objects_v2(Bucket="lake", Prefix="raw/"),
            lambda: s3.list_objects_v2(Bucket="lake"),
            lambda: client("sns").list_topics(),
        ]
        for refused in tried:
            with pytest.raises(s3.exceptions.ClientError, match=r"AccessDenied|AuthorizationError|not authorized"):
                refused()
    assert client("iam").get_role(RoleName="held")["Role"]["AssumeRolePolicyDocument"] == TRUST
