"""Workflows' grants are used, and what was not granted is tried, on moto. It refuses what a bucket's policy denies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.deployments import services

from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.adapters.local.clock import SystemClock
from penstock.model.pipeline import Definition
from penstock.ports.hot import Replacement
from penstock.rehearsal.credentials import settings
from penstock.rehearsal.emulated_home import DynamoDbExchange, EmulatedHome
from penstock.rehearsal.furnish import furnish
from penstock.rehearsal.probes import NOT_GRANTED, Refused
from penstock.rehearsal.role_sessions import role_session
from penstock.rehearsal.workflow_probes import WorkflowProbe, results_bucket

BUCKET, RESULTS = "shop-lake", "shop-results"
KEY = "raw/orders/year=2026/month=01/day=01/hour=00/a.json"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}],
}


@pytest.fixture(scope="module")
def shop() -> Definition:
    return services()


def deployed(definition: Definition) -> dict[str, Any]:
    """Makes what a deployment has, and returns its outputs."""
    names = furnish(definition)
    s3 = client("s3")
    s3.create_bucket(Bucket=RESULTS, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    S3ObjectStore(BUCKET).put(KEY, b"{}")
    athena, glue = client("athena"), client("glue")
    place = {"ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/athena/"}}
    athena.create_work_group(Name="shop", Configuration=place)
    glue.create_database(DatabaseInput={"Name": "shop"})
    glue.create_table(DatabaseName="shop", TableInput={"Name": "orders", "PartitionKeys": []})
    role = client("iam").create_role(RoleName="shop-workflow", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
        "Arn"
    ]
    document = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    machines = {
        name: client("stepfunctions").create_state_machine(name=name, definition=document, roleArn=role)[
            "stateMachineArn"
        ]
        for name in definition.workflows
    }
    return {
        "state_machines": machines, "hot_tables": names.tables, "topics": names.topics, "queues": names.queues,
        "event_buses": names.event_buses, "lake_bucket": BUCKET, "workgroup": "shop", "database": "shop", "role": role,
    }  # fmt: skip


def probe_of(definition: Definition, outputs: dict[str, Any]) -> WorkflowProbe:
    return WorkflowProbe(definition, outputs, SystemClock(), {"orders": KEY}, results_bucket(outputs))


def deny(action: str, resource: str) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{resource}"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("s3").put_bucket_policy(Bucket=resource.partition("/")[0], Policy=policy)


def test_every_grant_is_used_and_none_refused_where_all_is_allowed(aws: str, shop: Definition) -> None:
    outputs = deployed(shop)
    probe = probe_of(shop, outputs)
    assert [one for workflow in shop.workflows.values() for one in probe.use(workflow)] == []
    # Of "serve" all twelve, of "ask" one, of "each" three.
    assert probe.used == 12 + 1 + 3
    assert [set(item) for item in client("dynamodb").scan(TableName="Stock")["Items"]] == [{"item", "day", "probe"}]
    message = client("sqs").receive_message(QueueUrl=outputs["queues"]["jobs"])["Messages"][0]
    assert json.loads(message["Body"]) == {"penstock": "probe"}
    keys = {info.key for info in S3ObjectStore(BUCKET).list()}
    assert {"raw/orders/results/penstock-probe/manifest.json", KEY} <= keys
    assert sum(key.startswith("quarantine/orders/") for key in keys) == 1
    assert [info.key for info in S3ObjectStore(RESULTS).list()] == ["athena/penstock-probe.csv"]


@pytest.mark.parametrize(
    ("workflow", "action", "resource", "grants"),
    [
        ("serve", "s3:GetObject", f"{BUCKET}/raw/orders/*", ["lake:orders.read"]),
        ("serve", "s3:PutObject", f"{BUCKET}/quarantine/orders/*", ["lake:orders.quarantine"]),
        ("ask", "s3:GetObject", f"{BUCKET}/raw/orders/*", ["lake:orders.query"]),
        ("ask", "s3:PutObject", f"{RESULTS}/athena/*", ["lake:orders.query"]),
        ("each", "s3:PutObject", f"{BUCKET}/raw/orders/results/*", ["lake:orders.append"]),
    ],
)
def test_a_refused_grant_is_told(
    workflow: str, action: str, resource: str, grants: list[str], aws: str, shop: Definition
) -> None:
    probe = probe_of(shop, deployed(shop))
    deny(action, resource)
    found = list(probe.use(shop.workflows[workflow]))
    assert [(one.task, one.grant) for one in found] == [(f"workflow {workflow}", grant) for grant in grants]
    assert all(one.reason for one in found)


def test_everything_not_granted_is_tried_and_told_where_all_is_allowed(aws: str, shop: Definition) -> None:
    probe = probe_of(shop, deployed(shop))
    every = {
        *(f"lake:orders.{action}" for action in ("append", "list", "quarantine", "query", "read")),
        *(f"hot_table:Stock.{action}" for action in ("delete", "get", "put", "update")),
        "topic:people.publish", "queue:jobs.send", "event_bus:told.put",
        *(f"workflow:{name}.start" for name in ("settle", "serve", "ask", "each")),
    }  # fmt: skip
    granted = {
        "settle": set(),
        "serve": every - {f"workflow:{name}.start" for name in ("serve", "ask", "each")} - {"lake:orders.query"},
        # Athena reads and lists in its name.
        "ask": {"lake:orders.query", "lake:orders.read", "lake:orders.list"},
        # It starts executions of its own for its items.
        "each": {"lake:orders.read", "lake:orders.list", "lake:orders.append", "workflow:each.start"},
    }
    for name, grants in granted.items():
        found = list(probe.overstep(shop.workflows[name]))
        assert sorted(found) == sorted(Refused(f"workflow {name}", one, NOT_GRANTED) for one in every - grants)
    assert probe.tried == sum(len(every - grants) for grants in granted.values())


def test_a_grant_that_no_state_uses_is_not_used_but_tried(aws: str, shop: Definition) -> None:
    probe = probe_of(shop, deployed(shop))
    settle = replace(shop.workflows["settle"], may=(shop.hot_tables["Stock"].put,))
    assert (list(probe.use(settle)), probe.used) == ([], 0)
    assert "hot_table:Stock.put" in {one.grant for one in probe.overstep(settle)}


def test_tasks_are_tried_with_what_only_workflows_have(aws: str, shop: Definition) -> None:
    probe = probe_of(shop, deployed(shop))
    assert {one.grant for one in probe.overstep_as_task("take")} == {
        "lake:orders.list", "lake:orders.query", "hot_table:Stock.update",
        *(f"workflow:{name}.start" for name in ("settle", "serve", "ask", "each")),
    }  # fmt: skip


def test_a_role_is_taken_and_trusts_whom_it_trusted(aws: str, shop: Definition) -> None:
    outputs = deployed(shop)
    session = role_session(outputs["role"])
    with settings(session):
        assert ":assumed-role/shop-workflow/" in client("sts").get_caller_identity()["Arn"]
    assert client("iam").get_role(RoleName="shop-workflow")["Role"]["AssumeRolePolicyDocument"] == TRUST


class TestEmulatedHome:
    """What a workflow asks of services, while its tasks are Lambda functions, happens where these look."""

    def test_an_item_is_replaced_once_a_token(self, aws: str, shop: Definition) -> None:
        table = shop.hot_tables["Stock"]
        exchange = DynamoDbExchange(furnish(shop).tables)
        key = {"item": {"S": "a"}, "day": {"N": "1"}}
        seen = []

        def count(old: dict[str, Any] | None) -> Replacement:
            seen.append(old)
            number = int(old["n"]["N"]) + 1 if old else 1
            return Replacement({**key, "n": {"N": str(number)}}, str(number).encode())

        assert [exchange.exchange(table, key, count, token=token) for token in ("x", "x", "y")] == [b"1", b"1", b"2"]
        assert seen == [None, {**key, "n": {"N": "1"}}]
        assert exchange.exchange(table, key, lambda old: Replacement(None, b"gone", writes=False), token="z") == b"gone"
        assert client("dynamodb").scan(TableName="Stock")["Count"] == 1
        assert exchange.exchange(table, key, lambda old: Replacement(None, b"gone"), token="z") == b"gone"
        assert client("dynamodb").scan(TableName="Stock")["Count"] == 0

    def test_objects_messages_and_queues_are_the_emulators(self, aws: str, shop: Definition, tmp_path: Any) -> None:
        names = furnish(shop)
        home = EmulatedHome(tmp_path / "home", names)
        home.objects.put("raw/orders/a", b"x")
        assert S3ObjectStore(BUCKET).get("raw/orders/a") == b"x"
        home.queues.send(shop.queues["jobs"], "hello")
        assert client("sqs").receive_message(QueueUrl=names.queues["jobs"])["Messages"][0]["Body"] == "hello"
        home.hot.put(shop.hot_tables["Stock"], {"item": "a", "day": 1})
        assert client("dynamodb").scan(TableName="Stock")["Count"] == 1
        home.close()
