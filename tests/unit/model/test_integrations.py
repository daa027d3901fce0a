"""Resources of service integrations.

Patterns: the table of https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html and, for Athena's
actions, of connect-athena.html; AWS SDK integrations: supported-services-awssdk.html.
"""

from typing import Any

import pytest

from penstock.model.access import BusAction, Grant, HotAction, Kind, LakeAction, QueueAction, WorkflowAction
from penstock.model.integrations import OPERATIONS, SDK_PATTERNS, Need, Pattern, ServiceCall, needs, parse_resource

ANSWER, JOB, JOB_2, CALLBACK = Pattern

PARSED = [
    ("arn:aws:states:::dynamodb:getItem", ServiceCall("dynamodb", "getItem")),
    ("arn:aws:states:::aws-sdk:dynamodb:getItem", ServiceCall("dynamodb", "getItem", "", True)),
    ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", ServiceCall("sqs", "sendMessage", ".waitForTaskToken")),
    ("arn:aws:states:::states:startExecution.sync:2", ServiceCall("states", "startExecution", ".sync:2")),
    ("arn:aws-cn:states:::glue:startJobRun.sync", ServiceCall("glue", "startJobRun", ".sync")),
    ("arn:aws:states:::sns:publish.soon", ServiceCall("sns", "publish", ".soon")),
    ("arn:aws:lambda:eu-central-1:123456789012:function:work", None),
    ("arn:aws:states:eu-central-1:123456789012:activity:work", None),
    ("arn:aws:states:::lambda", None),
    ("arn:aws:states:::aws-sdk:ec2", ServiceCall("aws-sdk", "ec2")),
    ("", None),
]  # fmt: skip

PATTERNS = {
    ("lambda", "invoke"): {ANSWER, CALLBACK},
    ("dynamodb", "getItem"): {ANSWER},
    ("sns", "publish"): {ANSWER, CALLBACK},
    ("sqs", "sendMessage"): {ANSWER, CALLBACK},
    ("events", "putEvents"): {ANSWER, CALLBACK},
    ("athena", "startQueryExecution"): {ANSWER, JOB},
    ("athena", "stopQueryExecution"): {ANSWER},
    ("athena", "getQueryExecution"): {ANSWER},
    ("athena", "getQueryResults"): {ANSWER},
    ("glue", "startJobRun"): {ANSWER, JOB},
    ("states", "startExecution"): {ANSWER, JOB, JOB_2, CALLBACK},
}


@pytest.mark.parametrize(("resource", "expected"), PARSED, ids=[resource for resource, _ in PARSED])
def test_a_resource_taken_apart(resource: str, expected: ServiceCall | None) -> None:
    if resource == "arn:aws:states:::aws-sdk:ec2":
        found = parse_resource(resource)
        assert found is None or found.operation is None
    else:
        assert parse_resource(resource) == expected


@pytest.mark.parametrize(("named", "expected"), PATTERNS.items(), ids=[":".join(named) for named in PATTERNS])
def test_how_long_a_state_can_wait(named: tuple[str, str], expected: set[Pattern]) -> None:
    operation = ServiceCall(*named).operation
    assert operation is not None
    assert operation.waits(sdk=False) == expected


def test_no_sdk_integration_runs_a_job() -> None:
    for one in OPERATIONS:
        if one.sdk_service:
            assert one.waits(sdk=True) == SDK_PATTERNS == {ANSWER, CALLBACK}


def test_parameters_are_in_pascal_case_and_those_that_are_needed_are_known() -> None:
    for one in OPERATIONS:
        known = one.takes(sdk=not one.service)
        assert all(name[0].isupper() and name.isalnum() for name in known)
        assert one.required <= known, one.action
        assert not one.names or one.names in known


NEEDS: list[tuple[str, dict[str, Any], list[Need]]] = [
    ("dynamodb:updateItem", {"TableName": "latest"},
     [Need(Kind.HOT_TABLE, HotAction.UPDATE, "latest", "TableName")]),
    ("dynamodb:getItem", {"TableName.$": "$.table"}, [Need(Kind.HOT_TABLE, HotAction.GET, None, "TableName")]),
    ("dynamodb:getItem", {"TableName": "{% $table %}"}, [Need(Kind.HOT_TABLE, HotAction.GET, None, "TableName")]),
    ("sqs:sendMessage.waitForTaskToken", {"QueueUrl": "jobs"},
     [Need(Kind.QUEUE, QueueAction.SEND, "jobs", "QueueUrl")]),
    ("states:startExecution.sync:2", {"StateMachineArn": "main"},
     [Need(Kind.WORKFLOW, WorkflowAction.START, "main", "StateMachineArn")]),
    ("events:putEvents", {"Entries": [{"EventBusName": "bus"}, {}]},
     [Need(Kind.EVENT_BUS, BusAction.PUT, "bus", "Entries[0].EventBusName"),
      Need(Kind.EVENT_BUS, BusAction.PUT, "default", "Entries[1].EventBusName")]),
    ("events:putEvents", {"Entries.$": "$.entries"}, [Need(Kind.EVENT_BUS, BusAction.PUT, None, "Entries")]),
    ("aws-sdk:s3:getObject", {"Key": "raw/orders/x.json"}, [Need(Kind.LAKE, LakeAction.READ, "orders", "Key")]),
    ("aws-sdk:s3:putObject", {"Key": "quarantine/orders/x.json"},
     [Need(Kind.LAKE, LakeAction.QUARANTINE, "orders", "Key")]),
    ("aws-sdk:s3:getObject", {"Key": "quarantine/orders/x.json"}, [Need(Kind.LAKE, LakeAction.READ, "", "Key")]),
    ("aws-sdk:s3:listObjectsV2", {"Prefix": "raw/orders/"}, [Need(Kind.LAKE, LakeAction.LIST, "orders", "Prefix")]),
    ("aws-sdk:s3:listObjectsV2", {"Prefix": "raw/orders"}, [Need(Kind.LAKE, LakeAction.LIST, "", "Prefix")]),
    ("athena:getQueryResults", {}, [Need(Kind.LAKE, LakeAction.QUERY, None, "")]),
    ("glue:startJobRun.sync", {"JobName": "load"}, []),
    ("lambda:invoke", {"FunctionName": "shop-load"}, []),
    ("aws-sdk:ec2:describeInstances", {}, []),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "arguments", "expected"), NEEDS, ids=[f"{r} {a}" for r, a, _ in NEEDS])
def test_the_grants_that_a_call_needs(resource: str, arguments: dict[str, Any], expected: list[Need]) -> None:
    call = parse_resource(f"arn:aws:states:::{resource}")
    assert call is not None
    assert needs(call, arguments) == expected


def test_what_is_known_only_later_could_be_any_of_its_kind() -> None:
    need = Need(Kind.HOT_TABLE, HotAction.GET, None, "TableName")
    assert need.met_by((Grant(Kind.HOT_TABLE, "latest", HotAction.GET),))
    assert not need.met_by((Grant(Kind.HOT_TABLE, "latest", HotAction.PUT),))
    assert not Need(Kind.HOT_TABLE, HotAction.GET, "other", "TableName").met_by(
        (Grant(Kind.HOT_TABLE, "latest", HotAction.GET),)
    )
