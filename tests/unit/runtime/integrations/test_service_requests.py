"""The invoker's call of a state that calls a service."""

from typing import Any

import msgspec
import pytest
from tests.unit.runtime.integrations.conftest import Services

from penstock import states
from penstock.ports.invoke import Call, Refusal
from penstock.ports.journal import Execution
from penstock.runtime.calls import CallBuilder

EXECUTION = Execution(
    id="run", pipeline="shop", workflow="main", version="v", input=b"{}", source="manual", root="run",
    created_at=1_771_571_820.0, slot=None, owner="me",
)  # fmt: skip


def command(resource: str, given: Any) -> states.InvokeTask:
    return states.InvokeTask(
        token="run/Call1#0", key="run/Call1", state_name="Call", resource=f"arn:aws:states:::{resource}", input=given,
        attempt=2,
    )  # fmt: skip


def test_it_says_whose_grants_it_has() -> None:
    call = CallBuilder({}).build(EXECUTION, command("sqs:sendMessage.waitForTaskToken", {"QueueUrl": "jobs"}))
    assert isinstance(call, Call)
    assert (call.pipeline, call.workflow, call.task) == ("shop", "main", "")
    assert (call.token, call.key, call.attempt) == ("run/Call1#0", "run/Call1", 2)
    assert call.resource == "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    assert msgspec.json.decode(call.event) == {"QueueUrl": "jobs"}
    # It crosses a process's border.
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=Call) == call


@pytest.mark.parametrize(
    ("resource", "given", "seconds"),
    [
        ("dynamodb:getItem", {}, 60),
        # Athena's DML timeout is 30 minutes, Glue's 480.
        ("athena:startQueryExecution.sync", {}, 1800),
        ("glue:startJobRun.sync", {}, 28_800),
        ("glue:startJobRun.sync", {"Timeout": 2}, 120),
        ("glue:startJobRun.sync", {"Timeout": "2"}, 28_800),
    ],
)
def test_when_it_is_killed(resource: str, given: Any, seconds: float) -> None:
    call = CallBuilder({}).build(EXECUTION, command(resource, given))
    assert isinstance(call, Call)
    assert call.timeout_seconds == seconds


def test_what_no_request_can_carry() -> None:
    refused = CallBuilder({}).build(EXECUTION, command("sns:publish", {"Message": "\ud800"}))
    assert isinstance(refused, Refusal)
    assert refused.error == "States.Runtime"


def test_what_is_not_known_here(services: Services) -> None:
    for resource in ("aws-sdk:ec2:describeInstances", "dynamodb:getItem.sync", "batch:submitJob.sync"):
        assert services.error(resource, {})[0] == "States.Runtime"
