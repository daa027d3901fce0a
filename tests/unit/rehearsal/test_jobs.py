"""Glue jobs in a rehearsal: what the emulator is told, and which task a job runs."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
import pytest
from tests.deployments import metrics, orders

from penstock import Pipeline
from penstock.model.pipeline import Definition
from penstock.rehearsal.grants import jobs_of
from penstock.rehearsal.jobs import job_task, told

PLACE = "arn:aws:glue:us-east-1:000000000000:job"


def test_the_emulator_is_told_where_pyspark_is() -> None:
    pytest.importorskip("pyspark")
    assert {name: json.loads(text) for name, text in told(orders()).items()} == {
        "PENSTOCK_JOBS": {"python": sys.executable}
    }
    assert told(metrics()) == {}


def shop() -> Definition:
    pipeline = Pipeline("shop")

    @pipeline.task(name="etl")
    def first(event: Any, context: Any) -> None: ...

    @pipeline.task(name="shop-etl")
    def second(event: Any, context: Any) -> None: ...

    definition = pipeline.build()
    chosen = msgspec.structs.replace(definition.deployment, jobs=("etl", "shop-etl"))
    return msgspec.structs.replace(definition, deployment=chosen)


@pytest.mark.parametrize(
    ("name", "task"),
    [("shop-etl", "etl"), ("test-shop-etl", "etl"), ("shop-shop-etl", "shop-etl"), ("x-shop-shop-etl", "shop-etl")],
)
def test_a_job_is_known_by_its_name(name: str, task: str) -> None:
    """Names may begin with a prefix of the deployment's."""
    assert job_task(shop(), f"{PLACE}/{name}").name == task


def test_jobs_have_roles_in_a_state() -> None:
    job = {
        "address": "aws_glue_job.etl", "mode": "managed", "type": "aws_glue_job",
        "values": {"arn": f"{PLACE}/shop-etl", "role_arn": "arn:aws:iam::000000000000:role/shop-etl-job"},
    }  # fmt: skip
    state = {"values": {"root_module": {"resources": [job]}}}
    assert jobs_of(state) == {f"{PLACE}/shop-etl": "arn:aws:iam::000000000000:role/shop-etl-job"}
