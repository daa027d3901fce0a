"""What the role of a state machine may do: what its document and its ``may=`` need, each action on the exact resource.

Expected are the actions that the developer guide's IAM pages give for each integration; resources are the pipeline's.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.deployments import services, text

from penstock.deploy.policy import Statement
from penstock.deploy.workflow_access import workflow_statements
from penstock.model.access import Grant
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
HERE = "${local.region}:${local.account}"
STATES = f"arn:${{local.partition}}:states:{HERE}"
GLUE = f"arn:${{local.partition}}:glue:{HERE}"
LAKE_DATABASE = "${aws_glue_catalog_database.lake.name}"
LAKE, RESULTS = "aws_s3_bucket.lake.arn", "aws_s3_bucket.results.arn"
STOCK, PEOPLE = "aws_dynamodb_table.Stock.arn", "aws_sns_topic.people.arn"
JOBS, TOLD = "aws_sqs_queue.jobs.arn", "aws_cloudwatch_event_bus.told.arn"
SETTLE = f"{STATES}:stateMachine:${{local.prefix}}shop-settle"
RAW, QUARANTINE = f"${{{LAKE}}}/raw/orders/*", f"${{{LAKE}}}/quarantine/orders/*"
RULE = f"arn:${{local.partition}}:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
Allowed = set[tuple[str, str]]
STARTED: Allowed = {("states:StartExecution", SETTLE)}
# stepfunctions-iam.html, "Synchronous"
AWAITED: Allowed = {
    *STARTED,
    ("states:DescribeExecution", f"{STATES}:execution:${{local.prefix}}shop-settle:*"),
    ("states:StopExecution", f"{STATES}:execution:${{local.prefix}}shop-settle:*"),
    *((f"events:{action}", RULE) for action in ("PutTargets", "PutRule", "DescribeRule")),
}


def task(resource: str, **arguments: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": arguments, "End": True}


def bus(*names: str) -> list[dict[str, str]]:
    return [{"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": name} for name in names]


# Each with the page that gives the actions.
CALLS: list[tuple[str, dict[str, Any], str, Allowed]] = [
    (f"{GUIDE}/connect-ddb.html", task("dynamodb:putItem", TableName="Stock"), "Stock.put",
     {("dynamodb:PutItem", STOCK)}),
    (f"{GUIDE}/connect-ddb.html", task("dynamodb:getItem", TableName="Stock"), "Stock.get",
     {("dynamodb:GetItem", STOCK)}),
    (f"{GUIDE}/connect-ddb.html", task("aws-sdk:dynamodb:updateItem", TableName="Stock"), "Stock.update",
     {("dynamodb:UpdateItem", STOCK)}),
    (f"{GUIDE}/connect-ddb.html", task("dynamodb:deleteItem", TableName="Stock"), "Stock.delete",
     {("dynamodb:DeleteItem", STOCK)}),
    (f"{GUIDE}/sns-iam.html", task("sns:publish", TopicArn="people"), "people.publish", {("sns:Publish", PEOPLE)}),
    (f"{GUIDE}/sns-iam.html", task("sns:publish.waitForTaskToken", TopicArn="people"), "people.publish",
     {("sns:Publish", PEOPLE)}),
    (f"{GUIDE}/sqs-iam.html", task("sqs:sendMessage", QueueUrl="jobs"), "jobs.send", {("sqs:SendMessage", JOBS)}),
    (f"{GUIDE}/sqs-iam.html", task("aws-sdk:sqs:sendMessage.waitForTaskToken", QueueUrl="jobs"), "jobs.send",
     {("sqs:SendMessage", JOBS)}),
    (f"{GUIDE}/eventbridge-iam.html", task("events:putEvents", Entries=bus("told", "told")), "told.put",
     {("events:PutEvents", TOLD)}),
    (f"{GUIDE}/eventbridge-iam.html", task("aws-sdk:eventbridge:putEvents", Entries=bus("told")), "told.put",
     {("events:PutEvents", TOLD)}),
    (f"{GUIDE}/stepfunctions-iam.html", task("states:startExecution", StateMachineArn="settle"), "settle.start",
     STARTED),
    (f"{GUIDE}/stepfunctions-iam.html", task("states:startExecution.sync", StateMachineArn="settle"), "settle.start",
     AWAITED),
    (f"{GUIDE}/stepfunctions-iam.html", task("states:startExecution.sync:2", StateMachineArn="settle"),
     "settle.start", AWAITED),
    (f"{GUIDE}/supported-services-awssdk.html", task("aws-sdk:s3:getObject", Bucket="lake", Key="raw/orders/a"),
     "orders.read", {("s3:GetObject", RAW)}),
    (f"{GUIDE}/supported-services-awssdk.html", task("aws-sdk:s3:getObject", Bucket="lake", **{"Key.$": "$.key"}),
     "orders.read", {("s3:GetObject", RAW)}),
    (f"{GUIDE}/supported-services-awssdk.html", task("aws-sdk:s3:putObject", Bucket="lake", Key="raw/orders/a"),
     "orders.append", {("s3:PutObject", RAW)}),
    (f"{GUIDE}/supported-services-awssdk.html", task("aws-sdk:s3:putObject", Bucket="lake", **{"Key.$": "$.key"}),
     "orders.quarantine", {("s3:PutObject", QUARANTINE)}),
    (f"{GUIDE}/supported-services-awssdk.html",
     task("aws-sdk:s3:listObjectsV2", Bucket="lake", Prefix="raw/orders/year=2026/"), "orders.list",
     {("s3:ListBucket", LAKE)}),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Definition:
    return services()


def grant_of(shop: Definition, words: str) -> Grant:
    """Returns the grant that a definition would write so: ``Stock.put``."""
    name, action = words.split(".")
    holders: list[dict[str, Any]] = [
        shop.hot_tables, shop.topics, shop.queues, shop.event_buses, shop.lake_tables, shop.workflows,
    ]  # fmt: skip
    (holder,) = (one[name] for one in holders if name in one)
    made: Grant = getattr(holder, action)
    return made


def statements(shop: Definition, document: dict[str, Any], *may: str) -> list[Statement]:
    grants = tuple(grant_of(shop, one) for one in may)
    workflow = Workflow(name="w", definition=json.dumps(document).encode(), may=grants)
    return workflow_statements(shop, workflow)


def allowed(found: list[Statement]) -> Allowed:
    pairs = [(action, text(place)) for one in found for action in one.actions for place in one.resources]
    assert len(pairs) == len(set(pairs)), "an action is allowed twice on one resource: one of them is spare"
    sids = [one.sid for one in found]
    assert len(sids) == len(set(sids))
    assert all(one.resources for one in found), "a statement allows something on everything"
    return set(pairs)


def machine(**named: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


@pytest.mark.parametrize(
    ("page", "call", "grant", "expected"), CALLS, ids=[f"{c['Resource'][20:]} {g}" for _, c, g, _ in CALLS]
)
def test_a_call_and_its_grant_are_these_actions(
    page: str, call: dict[str, Any], grant: str, expected: Allowed, shop: Definition
) -> None:
    assert allowed(statements(shop, machine(A=call), grant)) == expected
    within = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Parallel", "Branches": [machine(A=call)]}}},
    }
    assert allowed(statements(shop, machine(M=within), grant)) == expected


@pytest.mark.parametrize("call", [call for _, call, _, _ in CALLS], ids=[c["Resource"][20:] for _, c, _, _ in CALLS])
def test_nothing_is_allowed_without_a_grant(call: dict[str, Any], shop: Definition) -> None:
    assert statements(shop, machine(A=call)) == []


def test_a_grant_that_no_state_uses_allows_nothing(shop: Definition) -> None:
    document = machine(A=task("dynamodb:putItem", TableName="Stock"))
    grants = ["Stock.get", "Stock.update", "people.publish", "jobs.send", "told.put", "settle.start", "orders.read",
              "orders.append", "orders.quarantine", "orders.list", "orders.query"]  # fmt: skip
    assert statements(shop, document, *grants) == []


def test_a_key_that_is_known_needs_no_other_grant(shop: Definition) -> None:
    document = machine(A=task("aws-sdk:s3:putObject", Bucket="lake", Key="quarantine/orders/a"))
    assert allowed(statements(shop, document, "orders.append", "orders.quarantine")) == {("s3:PutObject", QUARANTINE)}


def test_a_listing_is_limited_to_the_tables_own_prefix(shop: Definition) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html"""
    (found,) = statements(shop, machine(A=CALLS[-1][1]), "orders.list")
    assert found.condition == {"StringLike": {"s3:prefix": ["raw/orders/*"]}}


def test_queries_read_the_granted_tables_and_write_results(shop: Definition) -> None:
    """athena-iam.html gives these actions, and others that no query of one's own tables needs, on every resource."""
    expected: Allowed = {
        *((f"athena:{one}QueryExecution", "aws_athena_workgroup.queries.arn") for one in ("Start", "Get", "Stop")),
        ("athena:GetQueryResults", "aws_athena_workgroup.queries.arn"),
        ("athena:GetDataCatalog", f"arn:${{local.partition}}:athena:{HERE}:datacatalog/AwsDataCatalog"),
        # A call needs what it names, and all that this is part of: glue-specifying-resource-arns.html
        *((f"glue:{one}", f"{GLUE}:catalog") for one in ("GetDatabase", "GetTable", "GetPartitions")),
        *((f"glue:{one}", f"{GLUE}:database/{LAKE_DATABASE}") for one in ("GetDatabase", "GetTable", "GetPartitions")),
        *(
            (f"glue:{one}", f"{GLUE}:table/{LAKE_DATABASE}/{table}")
            for one in ("GetTable", "GetPartitions")
            for table in ("orders", "raw_orders")
        ),
        ("s3:GetObject", RAW),
        ("s3:ListBucket", LAKE),
        ("s3:GetBucketLocation", LAKE),
        ("s3:GetBucketLocation", RESULTS),
        *(
            (f"s3:{action}", f"${{{RESULTS}}}/athena/*")
            for action in ("GetObject", "PutObject", "ListMultipartUploadParts", "AbortMultipartUpload")
        ),
        *((f"s3:{action}", RESULTS) for action in ("ListBucket", "ListBucketMultipartUploads")),
    }
    found = workflow_statements(shop, shop.workflows["ask"])
    assert allowed(found) == expected
    (listing,) = (one for one in found if ("s3:ListBucket", LAKE) in allowed([one]))
    assert listing.condition == {"StringLike": {"s3:prefix": ["raw/orders/*"]}}


def test_queries_of_sealed_tables_read_both_zones(shop: Definition) -> None:
    """A view needs what the tables in it need: https://docs.aws.amazon.com/athena/latest/ug/views.html"""
    chosen = msgspec.structs.replace(shop.deployment, sealing=True)
    sealed = msgspec.structs.replace(shop, deployment=chosen)
    before, after = (workflow_statements(one, one.workflows["ask"]) for one in (shop, sealed))
    assert allowed(after) - allowed(before) == {
        *((f"glue:{one}", f"{GLUE}:table/{LAKE_DATABASE}/sealed_orders") for one in ("GetTable", "GetPartitions")),
        ("s3:GetObject", f"${{{LAKE}}}/sealed/orders/*"),
    }
    (listing,) = (one for one in after if ("s3:ListBucket", LAKE) in allowed([one]))
    assert listing.condition == {"StringLike": {"s3:prefix": ["raw/orders/*", "sealed/orders/*"]}}


def test_what_is_only_asked_for_results_reads_results_alone(shop: Definition) -> None:
    document = machine(A=task("athena:getQueryResults", QueryExecutionId="x"))
    assert allowed(statements(shop, document, "orders.query")) == {
        ("athena:GetQueryResults", "aws_athena_workgroup.queries.arn"),
        ("s3:GetObject", f"${{{RESULTS}}}/athena/*"),
    }


def test_a_distributed_map_starts_and_looks_after_its_own_executions(shop: Definition) -> None:
    """iam-policies-eg-dist-map.html, all of its examples: running, redriving, reading from S3, writing to it."""
    own = f"{STATES}:stateMachine:${{local.prefix}}shop-each"
    executions = f"{STATES}:execution:${{local.prefix}}shop-each"
    results = f"${{{LAKE}}}/raw/orders/results/*"
    assert allowed(workflow_statements(shop, shop.workflows["each"])) == {
        ("lambda:InvokeFunction", "aws_lambda_function.take.arn"),
        ("states:StartExecution", own),
        ("states:DescribeExecution", f"{executions}:*"),
        ("states:StopExecution", f"{executions}:*"),
        ("states:RedriveExecution", f"{executions}/*:*"),
        ("s3:ListBucket", LAKE),
        ("s3:GetObject", RAW),
        ("s3:PutObject", RAW),
        # All of the table may be read anyway.
        *((f"s3:{one}", results) for one in ("ListMultipartUploadParts", "AbortMultipartUpload")),
    }


def test_a_map_that_only_writes_reads_its_results_alone(shop: Definition) -> None:
    """iam-policies-eg-dist-map.html, "writing data to an Amazon S3 bucket"."""
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **machine(P={"Type": "Pass"})}
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "lake", "Prefix": "raw/orders/r/"}}
    document = machine(M={"Type": "Map", "ItemProcessor": processor, "ResultWriter": writer})
    found = {pair for pair in allowed(statements(shop, document, "orders.append")) if pair[0].startswith("s3:")}
    place = f"${{{LAKE}}}/raw/orders/r/*"
    assert found == {
        ("s3:PutObject", RAW),
        *((f"s3:{one}", place) for one in ("GetObject", "ListMultipartUploadParts", "AbortMultipartUpload")),
    }


def test_what_two_calls_need_is_allowed_once(shop: Definition) -> None:
    document = json.loads(shop.workflows["ask"].definition)
    document["States"] |= machine(
        Read=CALLS[14][1], List=CALLS[-1][1], Own=task("states:startExecution.sync", StateMachineArn="settle"),
        Plain=task("states:startExecution", StateMachineArn="settle"),
    )["States"]  # fmt: skip
    found = allowed(statements(shop, document, "orders.query", "orders.read", "orders.list", "settle.start"))
    assert {("s3:GetObject", RAW), ("s3:ListBucket", LAKE), *AWAITED} <= found


def test_a_workflow_that_starts_itself_and_its_items_is_allowed_to_once(shop: Definition) -> None:
    each = shop.workflows["each"]
    document = json.loads(each.definition)
    document["States"]["Again"] = task("states:startExecution.sync", StateMachineArn="each")
    own = msgspec.structs.replace(each, definition=json.dumps(document).encode(), may=(*each.may, each.start))
    found = allowed(workflow_statements(shop, own))
    assert ("states:StartExecution", f"{STATES}:stateMachine:${{local.prefix}}shop-each") in found


def test_an_inline_map_starts_none(shop: Definition) -> None:
    inline = {"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **machine(P={"Type": "Pass"})}}
    assert statements(shop, machine(M=inline)) == []


@pytest.mark.parametrize(
    ("call", "grant", "uses_key"),
    [
        (task("sns:publish", TopicArn="people"), "people.publish", True),
        (task("sqs:sendMessage", QueueUrl="jobs"), "jobs.send", True),
        (task("dynamodb:putItem", TableName="Stock"), "Stock.put", False),
    ],
)
def test_who_sends_uses_the_key_of_messages(call: dict[str, Any], grant: str, uses_key: bool, shop: Definition) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"""
    chosen = msgspec.structs.replace(shop.deployment, encryption_key=True)
    encrypted = msgspec.structs.replace(shop, deployment=chosen)
    found = {action for action, _ in allowed(statements(encrypted, machine(A=call), grant))}
    assert ({"kms:Decrypt", "kms:GenerateDataKey"} <= found) is uses_key


def test_the_whole_role_of_a_workflow(shop: Definition) -> None:
    assert allowed(workflow_statements(shop, shop.workflows["serve"])) == {
        ("lambda:InvokeFunction", "aws_lambda_function.take.arn"),
        *((f"dynamodb:{one}Item", STOCK) for one in ("Put", "Get", "Update", "Delete")),
        ("sns:Publish", PEOPLE),
        ("sqs:SendMessage", JOBS),
        ("events:PutEvents", TOLD),
        ("s3:ListBucket", LAKE),
        ("s3:GetObject", RAW),
        ("s3:PutObject", RAW),
        ("s3:PutObject", QUARANTINE),
        *AWAITED,
    }


def test_the_same_definition_gives_the_same_statements(shop: Definition) -> None:
    """In whatever order grants were written."""
    serve = shop.workflows["serve"]
    turned = msgspec.structs.replace(serve, may=tuple(reversed(serve.may)))
    assert workflow_statements(shop, turned) == workflow_statements(shop, serve)
