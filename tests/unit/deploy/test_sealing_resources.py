"""Sealing in the account: who starts it, what it may do, and who is told when it does not."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.deployments import everything, files, inner, named, resources, text

from penstock.deploy.access import task_statements
from penstock.deploy.bundle.imports import find_needs
from penstock.deploy.bundle.places import find_reference
from penstock.deploy.functions import SEALING_DISK_MB, functions, sealing_task
from penstock.deploy.resources.sealing import FILTERS, expression, limits
from penstock.deploy.terraform import REFUSED
from penstock.model.datasets import LakeTable
from penstock.model.deployment import SEALING_FUNCTION
from penstock.model.pipeline import Definition

LAKE = "aws_s3_bucket.lake.arn"


@pytest.fixture(scope="module")
def shop() -> Definition:
    return everything(sealing=True)


def with_tables(definition: Definition, **changes: Any) -> Definition:
    tables = {n: msgspec.structs.replace(one, **changes) for n, one in definition.lake_tables.items()}
    return msgspec.structs.replace(definition, lake_tables=tables)


def test_there_is_no_function_where_nothing_is_sealed(shop: Definition) -> None:
    plain = everything()
    assert sealing_task(plain) is None
    assert functions(plain) == plain.tasks
    assert sealing_task(msgspec.structs.replace(shop, lake_tables={})) is None
    assert functions(shop).keys() == plain.tasks.keys() | {SEALING_FUNCTION}
    assert not [block for block in resources(plain) if "sealing" in block.labels[1]]


def test_the_function_has_disk_for_a_partition_and_a_task_has_not(shop: Definition) -> None:
    made = named(shop, "aws_lambda_function")
    disks = {name: [one.body["size"] for one in inner(block, "ephemeral_storage")] for name, block in made.items()}
    assert disks.pop("sealing") == [SEALING_DISK_MB]
    assert set(map(tuple, disks.values())) == {()}
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
    assert 512 <= SEALING_DISK_MB <= 10_240
    variables = inner(made["sealing"], "environment")[0].body["variables"].arguments[0]
    assert variables.keys() == {"PENSTOCK_TASK", "PENSTOCK_LAKE_BUCKET"}


def test_it_may_do_what_sealing_needs_and_no_more(shop: Definition) -> None:
    """conditional-writes.html: whoever replaces an object on a condition has to be allowed to read it."""
    task = sealing_task(shop)
    assert task is not None
    statements = task_statements(shop, task)
    allowed = {(action, text(arn)) for one in statements for action in one.actions for arn in one.resources}
    assert {pair for pair in allowed if pair[0].startswith("s3:")} == {
        ("s3:GetObject", f"${{{LAKE}}}/raw/orders/*"),
        ("s3:GetObject", f"${{{LAKE}}}/sealed/orders/*"),
        ("s3:PutObject", f"${{{LAKE}}}/sealed/orders/*"),
        ("s3:GetObject", f"${{{LAKE}}}/quarantine/orders/*"),
        ("s3:PutObject", f"${{{LAKE}}}/quarantine/orders/*"),
        ("s3:DeleteObject", f"${{{LAKE}}}/quarantine/orders/*"),
        ("s3:ListBucket", LAKE),
    }
    (listing,) = (one for one in statements if "s3:ListBucket" in one.actions)
    assert listing.condition == {
        "StringLike": {"s3:prefix": ["raw/orders/*", "sealed/orders/*", "quarantine/orders/*"]}
    }
    for other in shop.tasks.values():
        assert not [one for one in task_statements(shop, other) if "sealed" in str(one.resources)]


def test_the_schedule_starts_the_function_and_nothing_else(shop: Definition) -> None:
    schedule = named(shop, "aws_scheduler_schedule")["sealing"]
    (target,) = inner(schedule, "target")
    assert text(target.body["arn"]) == "aws_lambda_function.sealing.arn"
    assert json.loads(target.body["input"]) == {}
    assert text(schedule.body["state"]) == 'var.sealing_enabled ? "ENABLED" : "DISABLED"'
    policy = named(shop, "aws_iam_role_policy")["schedule_sealing"].body["policy"].arguments[0]
    started = [one for one in policy["Statement"] if one["Action"] == ["lambda:InvokeFunction"]]
    assert [text(arn) for one in started for arn in one["Resource"]] == ["aws_lambda_function.sealing.arn"]
    assert b'variable "sealing_enabled"' in files(shop)["variables.tf"]
    assert b"sealing_enabled" not in files(everything())["variables.tf"]


@pytest.mark.parametrize(
    ("partition", "seal_after_minutes", "expected"),
    [
        # Closed at 8:10, sealed at 8:11.
        ("hour", 10, "cron(11 * * * ? *)"),
        ("hour", 0, "cron(1 * * * ? *)"),
        ("hour", 59, "cron(0 * * * ? *)"),
        ("hour", 90, "cron(31 * * * ? *)"),
        ("day", 10, "cron(11 0 * * ? *)"),
        ("day", 150, "cron(31 2 * * ? *)"),
    ],
)
def test_a_partition_is_sealed_soon_after_it_is_closed(
    partition: str, seal_after_minutes: int, expected: str, shop: Definition
) -> None:
    changed = with_tables(shop, partition=partition, seal_after_seconds=seal_after_minutes * 60)
    assert expression(changed) == expected


def test_the_slowest_table_counts_and_an_hourly_one_makes_it_hourly(shop: Definition) -> None:
    (orders,) = shop.lake_tables.values()
    daily = LakeTable(name="days", record=orders.record, partition="day", seal_after_seconds=1200)
    both = msgspec.structs.replace(shop, lake_tables={"orders": orders, "days": daily})
    assert expression(both) == "cron(21 * * * ? *)"


def test_the_filters_find_the_lines_that_the_function_writes(shop: Definition) -> None:
    """FilterAndPatternSyntaxForMetricFilters.html: `$.` and the path of a field."""
    made = named(shop, "aws_cloudwatch_log_metric_filter")
    found = {name: made[name.replace("-", "_")] for name in FILTERS}
    for name, block in found.items():
        assert text(block.body["log_group_name"]) == "aws_cloudwatch_log_group.task_sealing.name"
        (counted,) = inner(block, "metric_transformation")
        assert text(counted.body["name"]) == f"${{local.prefix}}shop-{name}"
    assert made["killed_sealing"].body["pattern"] == made["killed_take"].body["pattern"]
    alarms = named(shop, "aws_cloudwatch_metric_alarm")
    assert text(alarms["not_sealed"].body["metric_name"]) == "${local.prefix}shop-not-sealed"
    for alarm in (alarms["not_sealed"], alarms["no_sealing"]):
        assert [text(one) for one in alarm.body["alarm_actions"]] == ["aws_sns_topic.people.arn"]
    assert alarms["no_sealing"].body["treat_missing_data"] == "breaching"


def test_a_task_of_that_name_is_refused(shop: Definition) -> None:
    first = next(iter(shop.tasks.values()))
    tasks = {**shop.tasks, "sealing": msgspec.structs.replace(first, name="sealing")}
    assert [one.code for one in limits(msgspec.structs.replace(shop, tasks=tasks))] == ["task-name"]
    assert "task-name" in REFUSED
    plain = everything()
    assert limits(msgspec.structs.replace(plain, tasks=tasks)) == []


def test_only_its_zip_holds_the_engine() -> None:
    from penstock.pipelines.metrics import pipeline

    definition = pipeline.build()
    chosen = msgspec.structs.replace(definition.deployment, sealing=True)
    sealed = msgspec.structs.replace(definition, deployment=chosen)
    needs = find_needs(sealed, find_reference("penstock.pipelines.metrics:pipeline", "metrics"))
    assert {name for name, need in needs.items() if "duckdb" in need.distributions} == {"sealing"}
    assert {"zstandard", "obstore", "msgspec"} <= needs["sealing"].distributions
    assert [name for name, need in needs.items() if any("runtime/aws/sealing" in path for path in need.files)] == [
        "sealing"
    ]
