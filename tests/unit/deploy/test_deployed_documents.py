"""The documents of workflows as they are deployed: the names of the account, and every other byte as it was."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.deployments import services, text

from penstock.deploy.documents import deployed
from penstock.deploy.terraform import limits, synthesize
from penstock.errors import DefinitionError
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

# https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
TEMPLATE = re.compile(r'\$\$\{|%%\{|\$\{"([$%]+)"\}|\$\{(\w+)\}')
ACCOUNT = {
    "prefix": "dev-",
    "lake": "dev-shop-lake-123456789012-us-east-1",
    "hot_table_Stock": "dev-Stock",
    "topic_people": "arn:aws:sns:us-east-1:123456789012:dev-people",
    "queue_jobs": "https://sqs.us-east-1.amazonaws.com/123456789012/dev-jobs",
    "event_bus_told": "dev-told",
    "workflow_settle": "arn:aws:states:us-east-1:123456789012:stateMachine:dev-shop-settle",
    "workgroup": "dev-shop",
    "database": "dev_shop",
}


def rendered(template: str, values: dict[str, str]) -> str:
    """Returns what Terraform makes of a template."""

    def one(found: re.Match[str]) -> str:
        if found[2]:
            return values[found[2]]
        return found[1] or found[0][1:]

    return TEMPLATE.sub(one, template)


@pytest.fixture(scope="module")
def shop() -> Definition:
    return services()


def in_account(definition: Definition, workflow: str) -> Any:
    made = deployed(definition, definition.workflows[workflow])
    return json.loads(rendered(made.text.decode(), ACCOUNT))


def documented(definition: Definition, workflow: str) -> Any:
    return json.loads(definition.workflows[workflow].definition)


def changes(before: Any, after: Any, path: str = "") -> dict[str, Any]:
    """Returns what differs between two documents, by place."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        return {k: v for n in names for k, v in changes(before.get(n), after.get(n), f"{path}/{n}").items()}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {k: v for n, pair in enumerate(zip(before, after, strict=True))
                for k, v in changes(*pair, f"{path}/{n}").items()}  # fmt: skip
    return {} if before == after else {path: after}


def test_every_name_is_the_accounts_and_nothing_else_changes(shop: Definition) -> None:
    branches = "/States/Both/Branches"
    assert changes(documented(shop, "serve"), in_account(shop, "serve")) == {
        **{f"{branches}/0/States/{name}/Parameters/TableName": ACCOUNT["hot_table_Stock"]
           for name in ("Put", "Get", "Update", "Delete")},
        f"{branches}/1/States/Tell/Parameters/TopicArn": ACCOUNT["topic_people"],
        f"{branches}/1/States/Send/Parameters/QueueUrl": ACCOUNT["queue_jobs"],
        f"{branches}/1/States/Announce/Parameters/Entries/0/EventBusName": ACCOUNT["event_bus_told"],
        f"{branches}/1/States/Announce/Parameters/Entries/1/EventBusName": ACCOUNT["event_bus_told"],
        **{f"/States/{name}/Parameters/Bucket": ACCOUNT["lake"] for name in ("List", "Keep", "Read")},
        "/States/Call/Parameters/FunctionName": "dev-shop-take",
        "/States/Start/Parameters/StateMachineArn": ACCOUNT["workflow_settle"],
        "/States/Await/Parameters/StateMachineArn": ACCOUNT["workflow_settle"],
    }  # fmt: skip


def test_readers_and_writers_of_maps_use_the_accounts_bucket(shop: Definition) -> None:
    assert changes(documented(shop, "each"), in_account(shop, "each")) == {
        "/States/Each/ItemReader/Arguments/Bucket": ACCOUNT["lake"],
        "/States/Each/ResultWriter/Arguments/Bucket": ACCOUNT["lake"],
        "/States/Each/ItemProcessor/States/Take/Arguments/FunctionName": "dev-shop-take",
    }


def test_queries_run_in_the_deployments_workgroup_and_database(shop: Definition) -> None:
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html"""
    assert changes(documented(shop, "ask"), in_account(shop, "ask")) == {
        "/States/Ask/Arguments/WorkGroup": "dev-shop",
        "/States/Ask/Arguments/QueryExecutionContext": {"Catalog": "AwsDataCatalog", "Database": "dev_shop"},
        "/States/Again/Arguments/WorkGroup": "dev-shop",
        "/States/Again/Arguments/QueryExecutionContext/Database": "dev_shop",
    }


def test_text_that_is_hostile_to_templates_stays_as_it_is(shop: Definition) -> None:
    assert in_account(shop, "serve")["Comment"] == (
        "Every service, and text that is hostile to templates: ${prefix} $${lake} %{ if true } %%{ $%{"
    )


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('${}%"\\ ab'), max_size=12))
def test_any_text_stays_as_it_is(shop: Definition, words: str) -> None:
    document = json.dumps({"Comment": words, "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}).encode()
    made = deployed(shop, Workflow(name="w", definition=document))
    assert rendered(made.text.decode(), {}).encode() == document
    assert made.values == {}


def test_each_placeholder_stands_for_an_attribute_of_a_resource(shop: Definition) -> None:
    values = deployed(shop, shop.workflows["serve"]).values
    assert {name: text(value) for name, value in values.items()} == {
        "event_bus_told": "aws_cloudwatch_event_bus.told.name",
        "hot_table_Stock": "aws_dynamodb_table.Stock.name",
        "lake": "aws_s3_bucket.lake.id",
        "prefix": "local.prefix",
        "queue_jobs": "aws_sqs_queue.jobs.url",
        "topic_people": "aws_sns_topic.people.arn",
        # By name and not by reference: two workflows may start each other.
        "workflow_settle": (
            "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${local.prefix}shop-settle"
        ),
    }
    assert list(values) == sorted(values)


def task(resource: str, **body: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", **body}}}


def each(**body: Any) -> dict[str, Any]:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "P", "States": {"P": {"Type": "Pass"}}}
    return {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": processor, **body}}}


COMPUTED = [
    (task("dynamodb:putItem", Parameters={"TableName.$": "$.table"}), "$.States.A.Parameters['TableName.$']"),
    (task("dynamodb:putItem", Arguments={"TableName": "{% $t %}"}), "$.States.A.Arguments.TableName"),
    (task("dynamodb:putItem", Arguments="{% $all %}"), "$.States.A.Arguments"),
    (task("sns:publish", Parameters={"TopicArn.$": "$.t"}), "$.States.A.Parameters['TopicArn.$']"),
    (task("sqs:sendMessage", Parameters={"QueueUrl.$": "$.q"}), "$.States.A.Parameters['QueueUrl.$']"),
    (task("states:startExecution", Arguments={"StateMachineArn": "{% $m %}"}), "$.States.A.Arguments.StateMachineArn"),
    (task("aws-sdk:s3:getObject", Parameters={"Bucket.$": "$.b", "Key": "k"}), "$.States.A.Parameters['Bucket.$']"),
    (task("events:putEvents", Parameters={"Entries.$": "$.e"}), "$.States.A.Parameters['Entries.$']"),
    (task("events:putEvents", Arguments={"Entries": "{% $e %}"}), "$.States.A.Arguments.Entries"),
    (task("events:putEvents", Arguments={"Entries": ["{% $e %}"]}), "$.States.A.Arguments.Entries[0]"),
    (task("events:putEvents", Parameters={"Entries": [{}, {"EventBusName.$": "$.b"}]}),
     "$.States.A.Parameters.Entries[1]['EventBusName.$']"),
    (task("athena:startQueryExecution", Parameters={"QueryString": "q", "WorkGroup.$": "$.w"}),
     "$.States.A.Parameters['WorkGroup.$']"),
    (task("athena:startQueryExecution", Parameters={"QueryString": "q", "QueryExecutionContext.$": "$.c"}),
     "$.States.A.Parameters['QueryExecutionContext.$']"),
    (task("lambda:invoke", Parameters={"FunctionName.$": "$.f"}), "$.States.A.Parameters['FunctionName.$']"),
    (each(ItemReader={"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket.$": "$.b"}}),
     "$.States.A.ItemReader.Parameters['Bucket.$']"),
    (each(ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": "{% $b %}"}}),
     "$.States.A.ResultWriter.Arguments.Bucket"),
]  # fmt: skip


def with_document(definition: Definition, document: Any) -> Definition:
    made = Workflow(name="w", definition=json.dumps(document).encode(), place="shop.py:7")
    return msgspec.structs.replace(definition, workflows={"w": made}, event_triggers={})


@pytest.mark.parametrize(("document", "path"), COMPUTED, ids=[path for _, path in COMPUTED])
def test_a_name_that_is_computed_cannot_be_deployed(document: Any, path: str, shop: Definition) -> None:
    (found,) = [one for one in limits(with_document(shop, document)) if one.code == "computed-name"]
    assert found.where == "shop.py:7"
    assert f"{path} is to name " in found.message
    assert "Choice" in found.hint
    with pytest.raises(DefinitionError, match="cannot be deployed"):
        synthesize(with_document(shop, document), {})


@pytest.mark.parametrize(
    ("document", "known"),
    [
        (task("dynamodb:putItem", Parameters={"TableName": "Other"}), "Stock"),
        (task("sns:publish", Parameters={"TopicArn": "other"}), "people"),
        (task("aws-sdk:s3:getObject", Parameters={"Bucket": "other", "Key": "k"}), "lake"),
        (task("states:startExecution", Parameters={"StateMachineArn": "other"}), "w"),
        (task("sqs:sendMessage", Parameters={"QueueUrl": "other"}), "jobs"),
        (task("events:putEvents", Parameters={"Entries": [{"EventBusName": "other"}]}), "told"),
    ],
)
def test_a_name_of_nothing_cannot_be_deployed(document: Any, known: str, shop: Definition) -> None:
    (found,) = [one for one in limits(with_document(shop, document)) if one.code == "unknown-name"]
    assert found.hint == f"it has {known}"


@pytest.mark.parametrize("resource", ["glue:startJobRun", "glue:startJobRun.sync", "aws-sdk:glue:startJobRun"])
def test_a_glue_job_cannot_be_deployed_and_what_can_is_told(resource: str, shop: Definition) -> None:
    (found,) = limits(with_document(shop, task(resource, Parameters={"JobName": "take"})))
    assert (found.code, "$.States.A starts a Glue job" in found.message) == ("no-glue-job", True)
    assert "lambda:invoke" in found.hint


def test_a_map_that_only_formats_its_results_calls_nothing(shop: Definition) -> None:
    formatted = with_document(shop, each(ResultWriter={"WriterConfig": {"Transformation": "COMPACT"}}))
    assert deployed(formatted, formatted.workflows["w"]).values == {}
    assert limits(formatted) == []
