"""The catalog's Terraform: tables, examples, crawler and job, and what Terraform itself makes of them."""

import json
import os
import re
import shutil
import subprocess
import time
import types
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline
from penstock.deploy.assets import backfill as job
from penstock.deploy.resources import backfill, crawler
from penstock.deploy.resources.catalog import assets, limits
from penstock.deploy.resources.lake import limits as lake_limits
from penstock.deploy.resources.lake import table_rules
from penstock.deploy.terraform import REFUSED, synthesize
from penstock.lake.records import Bad
from penstock.model.datasets import LakeTable
from penstock.model.deployment import Deployment
from penstock.model.pipeline import Definition
from penstock.model.queries import NamedQuery
from penstock.model.workflow import ObjectTrigger, Workflow
from penstock.testing import Sandbox


class Order(msgspec.Struct):
    id: str
    total: float


def machine(name: str) -> Workflow:
    document = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    return Workflow(name=name, definition=json.dumps(document).encode())


def definition(**chosen: Any) -> Definition:
    return Definition(
        name="shop",
        namespace="Shop",
        lake_tables={"orders": LakeTable(name="orders", record=Order)},
        workflows={"check": machine("check")},
        triggers={"check": ObjectTrigger(name="check", table="orders", workflow="check")},
        deployment=Deployment(**chosen),
    )


def catalog(**chosen: Any) -> str:
    return synthesize(definition(**chosen), {})["catalog.tf"].decode()


def block(text: str, head: str) -> str:
    """Returns a block of a file, up to the brace that closes it."""
    start = text.index(head)
    return text[start : text.index("\n}\n", start)]


def test_a_table_and_its_quarantine() -> None:
    text = catalog()
    orders = block(text, 'resource "aws_glue_catalog_table" "orders" {')
    assert (
        '"storage.location.template" = '
        '"s3://${aws_s3_bucket.lake.id}/raw/orders/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"'
    ) in orders
    assert 'location      = "s3://${aws_s3_bucket.lake.id}/raw/orders/"' in orders
    assert '"projection.year.range"     = var.partition_years' in orders
    assert orders.count("partition_keys {") == 4
    assert 'name = "total"\n      type = "double"' in orders
    assert '"org.openx.data.jsonserde.JsonSerDe"' in orders
    quarantine = block(text, 'resource "aws_glue_catalog_table" "orders_quarantine" {')
    assert "${aws_s3_bucket.lake.id}/quarantine/orders/" in quarantine
    assert 'name = "reason"' in quarantine


def test_sealed_tables_are_parquet_and_their_name_is_a_view() -> None:
    files = synthesize(definition(sealing=True), {})
    text = files["catalog.tf"].decode()
    sealed = block(text, 'resource "aws_glue_catalog_table" "sealed_orders" {')
    assert (
        '"storage.location.template" = '
        '"s3://${aws_s3_bucket.lake.id}/sealed/orders/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"'
    ) in sealed
    assert re.search(r'classification"? += "parquet"', sealed)
    # https://docs.aws.amazon.com/athena/latest/ug/parquet-serde.html
    assert '"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"' in sealed
    assert "JsonSerDe" not in sealed
    raw = block(text, 'resource "aws_glue_catalog_table" "raw_orders" {')
    assert "/raw/orders/year=" in raw
    view = block(text, 'resource "aws_glue_catalog_table" "orders" {')
    assert 'table_type    = "VIRTUAL_VIEW"' in view
    assert 'format("/* Presto View: %s */", base64encode(jsonencode({' in view
    assert 'originalSql = file("${path.module}/views/orders.sql")' in view
    assert "partition_keys" not in view
    assert view.count("    columns {") == 6
    assert files["views/orders.sql"].startswith(b'SELECT "id", "total", "year"')
    assert "VIRTUAL_VIEW" not in catalog()
    assert not [path for path in synthesize(definition(), {}) if path.startswith("views/")]


def test_what_is_sealed_stays_at_hand_while_raw_objects_grow_cold() -> None:
    """As `penstock lake retain` does it on a machine: only raw objects are archived; all of a partition expires."""
    day = 86_400
    table = LakeTable(
        name="orders",
        record=Order,
        infrequent_after_seconds=30 * day,
        archive_after_seconds=60 * day,
        retain_seconds=365 * day,
    )
    shop = msgspec.structs.replace(definition(sealing=True), lake_tables={"orders": table})
    rules = {
        rule.body["id"]: [
            inner.body.get("storage_class", inner.type) for inner in rule.blocks if inner.type != "filter"
        ]
        for rule in table_rules(shop)
    }
    assert rules == {
        "raw-orders": ["STANDARD_IA", "GLACIER", "expiration"],
        "sealed-orders": ["STANDARD_IA", "expiration"],
        "quarantine-orders": ["expiration"],
        # What a machine had archived and a promotion carried.
        "archive-orders": ["GLACIER", "expiration"],
    }


def test_each_zone_expires_in_its_own_time() -> None:
    day = 86_400
    table = LakeTable(
        name="orders",
        record=Order,
        retain_seconds=365 * day,
        retain_zones=(("raw", 30 * day), ("quarantine", 90 * day)),
        infrequent_zones=(("sealed", 60 * day),),
    )
    shop = msgspec.structs.replace(definition(sealing=True), lake_tables={"orders": table})
    expired, moved = {}, {}
    for rule in table_rules(shop):
        for inner in rule.blocks:
            if inner.type == "expiration":
                expired[rule.body["id"]] = inner.body["days"]
            elif inner.type == "transition":
                moved[rule.body["id"]] = (inner.body["days"], inner.body["storage_class"])
    assert expired == {"raw-orders": 30, "sealed-orders": 365, "quarantine-orders": 90}
    assert moved == {"sealed-orders": (60, "STANDARD_IA")}


@pytest.mark.parametrize(
    ("raw", "archive", "sealing", "told"),
    [
        (30, None, True, []),
        (4, None, True, []),
        (3, None, True, ["has raw objects that expire after 3 days"]),
        (30, 1, True, ["has raw objects that are archived after 1 days"]),
        (30, None, False, ["keeps raw records for a shorter time than sealed ones, and nothing seals them"]),
    ],
)
def test_raw_objects_that_may_go_before_they_are_sealed_are_told_of(
    raw: int, archive: int | None, sealing: bool, told: list[str]
) -> None:
    """A partition of an hour, sealed by the next, ten minutes later; three days in which a view reads raw objects."""
    day = 86_400
    table = LakeTable(
        name="orders",
        record=Order,
        retain_zones=(("raw", raw * day),),
        archive_after_seconds=None if archive is None else archive * day,
    )
    shop = msgspec.structs.replace(definition(sealing=sealing), lake_tables={"orders": table})
    found = [one.message for one in lake_limits(shop) if one.code == "raw-expiry"]
    assert len(found) == len(told)
    assert all(text in message for text, message in zip(told, found, strict=True))


@pytest.mark.parametrize("name", ["raw_orders", "SEALED_Orders"])
def test_names_that_sealing_needs_are_not_declared(name: str) -> None:
    tables = {one: LakeTable(name=one, record=Order) for one in ("orders", name)}
    shop = msgspec.structs.replace(definition(sealing=True), lake_tables=tables)
    assert [finding.code for finding in limits(shop)] == ["table-name"]
    assert "table-name" in REFUSED
    assert limits(msgspec.structs.replace(shop, deployment=Deployment())) == []


def test_the_range_of_years_is_a_variable() -> None:
    text = synthesize(definition(), {})["variables.tf"].decode()
    assert 'default     = "2025,2034"' in block(text, 'variable "partition_years" {')


def test_a_pipeline_without_a_lake_has_no_catalog() -> None:
    plain = Definition(name="plain", namespace="Plain")
    assert "catalog.tf" not in synthesize(plain, {})
    assert assets(plain) == {}


def test_crawler_and_job_are_there_only_when_chosen() -> None:
    assert "aws_glue_crawler" not in catalog()
    assert "aws_glue_job" not in catalog()
    assert "aws_glue_crawler" in catalog(crawler=True)
    files = synthesize(definition(backfill_job=True), {})
    assert "aws_glue_job" in files["catalog.tf"].decode()
    assert files["jobs/backfill.py"] == Path(job.__file__ or "").read_bytes()
    assert "jobs/backfill.py" not in synthesize(definition(), {})


def test_a_job_without_a_trigger_would_have_nothing_to_do() -> None:
    idle = msgspec.structs.replace(definition(backfill_job=True), triggers={})
    assert "aws_glue_job" not in synthesize(idle, {})["catalog.tf"].decode()
    assert assets(idle).keys() == assets(definition()).keys()


def test_crawler_and_job_may_do_no_more_than_they_need() -> None:
    shop = definition(crawler=True, backfill_job=True)
    for statement in [*crawler.statements(shop), *backfill.statements(shop)]:
        assert statement.resources
        assert not any("*" in action for action in statement.actions)
    written = {a for s in backfill.statements(shop) for a in s.actions if a.startswith(("s3:", "states:"))}
    assert written == {"s3:GetObject", "s3:ListBucket", "states:StartExecution"}
    tables = next(s for s in crawler.statements(shop) if s.sid == "KeepOwnTables")
    assert tables.resources[-1].text.endswith("/crawled_*")


@pytest.mark.parametrize(
    ("fields", "code"),
    [([("hour", int)], "column-twice"), ([("a-b", int)], "column-name"), ([("a", int), ("A", int)], "column-twice")],
)
def test_columns_that_athena_cannot_have_are_found(fields: list[tuple[str, type]], code: str) -> None:
    names = {f"field_{number}": name for number, (name, _) in enumerate(fields)}
    record = msgspec.defstruct("Odd", [(field, int) for field in names], rename=names)
    shop = msgspec.structs.replace(definition(), lake_tables={"odd": LakeTable(name="odd", record=record)})
    assert [finding.code for finding in limits(shop)] == [code]
    assert limits(definition()) == []


def test_the_examples_run_on_the_machine_too(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")
    orders = pipeline.lake("orders", Order)

    @pipeline.task(may=[orders.append, orders.read, orders.quarantine])
    def order(event: Any, context: Any) -> None:
        written = context[orders].append([Order("a", 1.0), Order("b", 2.0)], source="till")
        context[orders].quarantine([Bad(3, "no total", b"{}")], written.key)

    pipeline.workflow("order", order)
    texts = {path: text.decode() for path, text in assets(pipeline.build()).items()}
    with Sandbox(pipeline, tmp_path, now=time.time()) as sandbox:
        assert sandbox.run().status == "SUCCEEDED"
        run = sandbox.home.query.run
        answers = {path: run(text, tables=[orders], timeout_seconds=20).rows for path, text in texts.items()}
    assert {path: len(rows) for path, rows in answers.items()} == {
        "queries/orders-newest.sql": 2,
        "queries/orders-per-day.sql": 1,
        "queries/orders_quarantine-newest.sql": 1,
        "queries/orders_quarantine-reasons.sql": 1,
    }
    assert answers["queries/orders-per-day.sql"][0][-1] == 2


def test_the_pipelines_own_queries_are_there_in_athenas_words() -> None:
    asked = {
        "peak": NamedQuery(name="peak", sql="SELECT max(total) FROM raw_orders", description="The largest"),
        "above": NamedQuery(
            name="above",
            sql="SELECT id, ':no' AS t FROM orders -- :no\nWHERE total > :least AND id <> :id",
            description="Large ones",
        ),
        "halves": NamedQuery(name="halves", sql="SELECT id::VARCHAR AS id FROM orders", dialect="duckdb"),
    }
    shop = msgspec.structs.replace(definition(), queries=asked)
    found = assets(shop)
    assert found["queries/peak.sql"] == b"SELECT max(total) FROM raw_orders\n"
    assert found["queries/above.sql"] == b"SELECT id, ':no' AS t FROM orders -- :no\nWHERE total > ? AND id <> ?\n"
    assert b"CAST(id AS VARCHAR)" in found["queries/halves.sql"]
    text = synthesize(shop, {})["catalog.tf"].decode()
    above = block(text, 'resource "aws_athena_named_query" "above" {')
    assert '"Large ones (give least, id)"' in above
    assert "description" not in block(text, 'resource "aws_athena_named_query" "halves" {')


class Pages:
    """What S3 answers to a listing, in two pages."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.asked: list[dict[str, str]] = []

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        self.asked.append(asked)
        contents = [{"Key": key, "Size": len(key)} for key in self.keys]
        return [{"Contents": contents[:1]}, {"Contents": contents[1:]}, {}]


class Workflows:
    """Starts executions as Step Functions does: a name can be used once for each state machine."""

    class exceptions(types.SimpleNamespace):  # noqa: N801 - the client's own name
        class ExecutionAlreadyExists(Exception):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.started: dict[tuple[str, str], str] = {}

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803 - AWS's names
        if (stateMachineArn, name) in self.started:
            raise self.exceptions.ExecutionAlreadyExists
        self.started[stateMachineArn, name] = input


def key(day: str) -> str:
    return f"raw/orders/year=2026/month=02/day={day}/hour=07/a.json"


def test_the_job_takes_the_objects_of_its_days() -> None:
    pages = Pages(key("01"), key("02"), key("03"), "raw/orders/README")
    assert [k for k, _ in job.stored(pages, "lake", "orders", "2026/02/02", "2026/02/03")] == [key("02"), key("03")]
    assert pages.asked == [{"Bucket": "lake", "Prefix": "raw/orders/"}]


def test_the_job_starts_each_object_once_for_a_label() -> None:
    workflows = Workflows()
    pauses: list[float] = []
    trigger = {"table": "orders", "machine": "arn:check"}
    objects = [(key("01"), 12), (key("02"), 13)]
    assert job.start_all(workflows, trigger, objects[:1], "first", 0.1, pauses.append) == (1, 0)
    assert job.start_all(workflows, trigger, objects, "first", 0.1, pauses.append) == (1, 1)
    assert job.start_all(workflows, trigger, objects, "again", 0.1, pauses.append) == (2, 0)
    assert pauses == [0.1] * 5
    (machine_arn, name), event = next(iter(workflows.started.items()))
    assert machine_arn == "arn:check"
    assert len(name) <= 80
    assert json.loads(event) == {"table": "orders", "key": key("01"), "size": 12}


def test_the_job_leaves_glues_own_arguments_alone() -> None:
    options = job.parse(["--job-language", "python", "--bucket", "b", "--triggers", "{}", "--from", "2026/02/01"])
    assert (options.bucket, options.triggers, options.first, options.trigger) == ("b", {}, "2026/02/01", None)


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [{}, {"sealing": True}], ids=["plain", "sealing"])
def test_terraform_finds_it_valid(chosen: dict[str, bool], tmp_path: Path) -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not on the PATH")
    if not Path(os.environ.get("TF_CLI_CONFIG_FILE", "")).is_file():
        pytest.skip("TF_CLI_CONFIG_FILE names no file that says where the provider is")
    for path, content in synthesize(definition(crawler=True, backfill_job=True, **chosen), {}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    if "sealing" in chosen:
        (tmp_path / "artifacts").mkdir()
        (tmp_path / "artifacts" / "sealing.zip").write_bytes(b"")
    for arguments in (["fmt", "-check", "-diff"], ["init", "-backend=false", "-input=false"], ["validate"]):
        done = subprocess.run(
            [terraform, *arguments, "-no-color"] if arguments[0] != "fmt" else [terraform, *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
