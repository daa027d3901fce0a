"""Grants are used, and what was not granted is tried, on moto. Moto refuses what a bucket's policy denies, no more."""

import json
import os
from typing import Any

import msgspec
import pytest

from penstock import Pipeline, index, number, relation
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.adapters.local.clock import SystemClock
from penstock.errors import UnavailableError
from penstock.model.pipeline import Definition
from penstock.rehearsal.database_server import programs
from penstock.rehearsal.databases import unjudged
from penstock.rehearsal.furnish import furnish
from penstock.rehearsal.probes import NOT_GRANTED, Probe, Refused

BUCKET = "shop-lake"


class Order(msgspec.Struct):
    """An order."""

    id: str


def shop() -> Definition:
    pipeline = Pipeline("shop")
    orders, returns = pipeline.lake("orders", Order), pipeline.lake("returns", Order)
    stock = pipeline.hot_table("Stock", key=("item", number("day")), indexes=[index("BySeller", "seller")])
    people = pipeline.topic("people")
    late = pipeline.metric("Late")
    jobs, bus = pipeline.queue("jobs"), pipeline.event_bus("shop-events")

    @pipeline.task(may=[orders.append, orders.read, orders.quarantine, stock.put, stock.get, stock.query, stock.delete])
    def take(event: Any, context: Any) -> None: ...

    @pipeline.task(may=[people.publish, late.publish, returns.read])
    def tell(event: Any, context: Any) -> None: ...

    @pipeline.task(may=[jobs.send, jobs.receive, bus.put])
    def hand_on(event: Any, context: Any) -> None: ...

    return pipeline.build()


def probe_of(definition: Definition) -> Probe:
    names = furnish(definition)
    outputs: dict[str, Any] = {
        "hot_tables": names.tables, "topics": names.topics, "queues": names.queues, "event_buses": names.event_buses,
    }  # fmt: skip
    if definition.lake_tables:
        outputs["lake_bucket"] = names.bucket
    return Probe(definition, outputs, SystemClock())


def deny(action: str, prefix: str) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{BUCKET}/{prefix}*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("s3").put_bucket_policy(Bucket=BUCKET, Policy=policy)


def test_every_grant_is_used_and_none_refused_where_all_is_allowed(aws: str) -> None:
    definition = shop()
    probe = probe_of(definition)
    probe.lay_out()
    assert [refused for task in definition.tasks.values() for refused in probe.use(task)] == []
    assert probe.used == 13
    keys = [info.key for info in S3ObjectStore(BUCKET).list()]
    assert sum(key.startswith("raw/orders/") for key in keys) == 2
    assert sum(key.startswith("raw/returns/") for key in keys) == 1
    assert sum(key.startswith("quarantine/orders/") for key in keys) == 1


def test_a_refused_grant_is_told(aws: str) -> None:
    definition = shop()
    probe = probe_of(definition)
    probe.lay_out()
    deny("s3:PutObject", "quarantine/orders/")
    (refused,) = probe.use(definition.tasks["take"])
    assert (refused.task, refused.grant) == ("take", "lake:orders.quarantine")
    assert refused.reason


def test_everything_not_granted_is_tried_and_told_where_all_is_allowed(aws: str) -> None:
    definition = shop()
    probe = probe_of(definition)
    probe.lay_out()
    messaging = ["event_bus:shop-events.put", "queue:jobs.receive", "queue:jobs.send"]
    grants = {
        "take": [
            *messaging,
            "lake:returns.append", "lake:returns.quarantine", "lake:returns.read", "topic:people.publish",
        ],
        "tell": [
            *messaging,
            "hot_table:Stock.delete", "hot_table:Stock.get", "hot_table:Stock.put", "hot_table:Stock.query",
            "lake:orders.append", "lake:orders.quarantine", "lake:orders.read", "lake:returns.append",
            "lake:returns.quarantine",
        ],
    }  # fmt: skip
    for task, expected in grants.items():
        found = list(probe.overstep(definition.tasks[task]))
        assert sorted(found) == sorted(Refused(task, grant, NOT_GRANTED) for grant in expected)
    assert (probe.used, probe.tried) == (0, 19)


def test_what_is_denied_is_not_told_of(aws: str) -> None:
    definition = shop()
    probe = probe_of(definition)
    probe.lay_out()
    deny("s3:*", "raw/returns/")
    found = [one.grant for one in probe.overstep(definition.tasks["take"])]
    assert [one for one in found if one.startswith("lake:")] == ["lake:returns.quarantine"]


def test_the_object_that_is_there_is_read_and_not_replaced(aws: str) -> None:
    definition = shop()
    probe = probe_of(definition)
    key = "raw/orders/year=2020/month=01/day=01/hour=00/a.json"
    S3ObjectStore(BUCKET).put(key, b"kept")
    probe.lay_out()
    assert [info.key for info in S3ObjectStore(BUCKET).list("raw/orders/")] == [key]
    deny("s3:GetObject", key)
    assert [one.grant for one in probe.use(definition.tasks["take"])] == ["lake:orders.read"]
    client("s3").delete_bucket_policy(Bucket=BUCKET)
    assert S3ObjectStore(BUCKET).get(key) == b"kept"


@pytest.mark.parametrize("with_topic", [True, False])
def test_a_pipeline_without_lake_or_tables_is_probed(aws: str, with_topic: bool) -> None:
    pipeline = Pipeline("bare")
    grants = [pipeline.topic("people").publish] if with_topic else []

    @pipeline.task(may=grants)
    def work(event: Any, context: Any) -> None: ...

    @pipeline.task
    def rest(event: Any, context: Any) -> None: ...

    definition = pipeline.build()
    probe = probe_of(definition)
    probe.lay_out()
    assert list(probe.use(definition.tasks["work"])) == []
    expected = [Refused("rest", "topic:people.publish", NOT_GRANTED)] if with_topic else []
    assert list(probe.overstep(definition.tasks["rest"])) == expected


def test_the_scratch_of_a_job_is_used(aws: str) -> None:
    definition = shop()
    probe = probe_of(definition)
    probe.lay_out()
    take = definition.tasks["take"]
    assert list(probe.use_as_job(take)) == []
    assert [one.key for one in S3ObjectStore(BUCKET).list("scratch")] == []
    deny("s3:PutObject", "scratch/take")
    found = list(probe.use_as_job(take))
    assert {one.task for one in found} == {"job take"}
    assert {one.grant for one in found} == {
        "its scratch, scratch/take/penstock-probe", "its scratch, scratch/take_$folder$",
    }  # fmt: skip


def test_logins_to_a_warehouse_are_used_and_tried(aws: str) -> None:
    """Here everybody may log in as anybody: what was not granted is told of as allowed."""
    try:
        programs()
    except UnavailableError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))
    pipeline = Pipeline("shop")
    crm = pipeline.warehouse("crm", tables=[relation("orders", Order, key="id")])

    @pipeline.task(may=[crm.write])
    def write(event: Any, context: Any) -> None: ...

    @pipeline.task(may=[crm.read])
    def read(event: Any, context: Any) -> None: ...

    @pipeline.task
    def rest(event: Any, context: Any) -> None: ...

    definition = pipeline.build()
    with unjudged(definition) as databases:
        probe = Probe(definition, {}, SystemClock(), databases)
        assert [one for task in definition.tasks.values() for one in probe.use(task)] == []
        tried = {name: [one.grant for one in probe.overstep(task)] for name, task in definition.tasks.items()}
    # Who writes can read as well, by the same user.
    assert tried == {
        "write": [],
        "read": ["warehouse:crm.write"],
        "rest": ["warehouse:crm.read", "warehouse:crm.write"],
    }
