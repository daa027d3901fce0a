"""Which tasks a workflow calls: what its role may invoke."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.deployments import everything

from penstock.deploy.documents import called_by_arn, invoked_tasks
from penstock.deploy.terraform import limits
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

INVOKE = "arn:aws:states:::lambda:invoke"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:shop-tell"


def call(name: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": name, "Payload.$": "$"}, "End": True}


def machine(**named: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


def workflow(document: Any) -> Workflow:
    return Workflow(name="hourly", definition=json.dumps(document).encode())


@pytest.fixture(scope="module")
def whole() -> Definition:
    return everything()


@pytest.mark.parametrize(
    ("document", "tasks"),
    [
        (machine(A=call("shop-take")), ["take"]),
        (machine(A=call("shop-tell"), B=call("shop-take"), C=call("shop-tell")), ["tell", "take"]),
        (machine(A={"Type": "Task", "Resource": ARN, "End": True}), ["tell"]),
        (machine(A=call(ARN)), ["tell"]),
        (machine(P={"Type": "Parallel", "Branches": [machine(A=call("shop-take")), machine(B=call("shop-tell"))]}),
         ["take", "tell"]),
        (machine(M={"Type": "Map", "Iterator": machine(A=call("shop-take"))}), ["take"]),
        (machine(M={"Type": "Map", "ItemProcessor": machine(A=call("shop-take"))}), ["take"]),
        (machine(A=call("elsewhere-take"), B=call("shop-nothing"), W={"Type": "Wait", "Seconds": 1}), []),
        (machine(Q={"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {}}), []),
    ],
)  # fmt: skip
def test_are_found_wherever_they_are(document: Any, tasks: list[str], whole: Definition) -> None:
    assert invoked_tasks(whole, workflow(document)) == tasks


def test_a_call_by_arn_is_told_as_it_is_bound_to_one_account(whole: Definition) -> None:
    made = workflow(machine(A=call(ARN), B=call("shop-take")))
    assert called_by_arn(made) == [ARN]
    found = limits(msgspec.structs.replace(whole, workflows={"hourly": made}))
    [finding] = [one for one in found if one.code == "function-by-arn"]
    assert finding.hint == "write the function's name: shop-tell"


def test_the_builder_calls_by_name(whole: Definition) -> None:
    assert not [one for one in limits(whole) if one.code == "function-by-arn"]
