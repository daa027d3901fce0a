"""A Glue job's script, as a process with Spark here, over moto: it leaves what the function leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.lambda_context import LambdaContext

import penstock
from penstock.adapters.aws.session import client
from penstock.deploy.bundle.archive import write_archive
from penstock.deploy.bundle.imports import find_job_needs
from penstock.deploy.bundle.places import find_reference
from penstock.errors import LoadError
from penstock.model.deployment import Deployment
from penstock.pipelines.orders import pipeline
from penstock.pipelines.orders.generator import Batch, make
from penstock.rehearsal.furnish import table_arguments
from penstock.runtime.aws.entry import Function
from penstock.runtime.aws.glue_entry import Job, read_arguments
from penstock.runtime.aws.manifest import FILE, Manifest

SCRIPT = Path(penstock.__file__).parent / "deploy/assets/glue_job.py"
KEY = "raw/raw_orders/year=2026/month=02/day=20/hour=07/shop-1.json"
TABLES = ("Orders", "OrderBatches")


def test_a_jobs_arguments_are_told_from_glues_own() -> None:
    given = [
        "--JOB_NAME", "orders-order-etl", "--JOB_RUN_ID", "jr_1", "--TempDir", "s3://x/", "--key", "raw/a.json",
        "--enable-metrics", "true", "--extra-py-files", "s3://x/a.zip", "--additional-python-modules", "msgspec==0.19",
        "--penstock-pipeline", "shop:pipeline", "--penstock-task", "etl", "--penstock-environment", '{"A": "b"}',
    ]  # fmt: skip
    assert read_arguments(given) == Job(
        pipeline="shop:pipeline", task="etl", environment={"A": "b"}, event={"--key": "raw/a.json"}, run="jr_1"
    )
    with pytest.raises(LoadError, match="no argument '--penstock-task'"):
        read_arguments(["--penstock-pipeline", "shop:pipeline"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_job_leaves_what_the_function_leaves(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    made = make(Batch(0, 60, 7, 1_771_567_200))
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client("s3").put_object(Bucket="lake", Key=KEY, Body="\n".join(map(json.dumps, made.records)).encode())
    found = [_by_lambda(monkeypatch), _by_glue(tmp_path)]
    assert len(found[0][0]["Orders"]) == 60 - sum(made.rejected.values())
    assert len(found[0][1]) >= 1
    assert found[0] == found[1]


def _environment(home: str) -> dict[str, str]:
    """Makes tables, and returns the names of a deployment's things."""
    definition = pipeline.build()
    for name in TABLES:
        arguments = table_arguments(definition.hot_tables[name])
        client("dynamodb").create_table(**{**arguments, "TableName": f"{home}-{name}"})
    names = json.dumps({name: f"{home}-{name}" for name in TABLES})
    return {"PENSTOCK_LAKE_BUCKET": "lake", "PENSTOCK_HOT_TABLES": names}


def _by_lambda(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in _environment("lambda").items():
        monkeypatch.setenv(name, value)
    manifest = Manifest(pipeline="penstock.pipelines.orders:pipeline")
    function = Function(pipeline.declared(), "order-etl", manifest)
    assert function({"key": KEY}, LambdaContext())["unreconciled"] == 0
    return _left("lambda")


def _by_glue(folder: Path) -> Any:
    definition = msgspec.structs.replace(pipeline.build(), deployment=Deployment(jobs=("order-etl",)))
    needs = find_job_needs(definition, find_reference("penstock.pipelines.orders", "orders"))["order-etl"]
    manifest = msgspec.json.encode(Manifest(pipeline="penstock.pipelines.orders:pipeline"))
    write_archive(folder, "order-etl.zip", {**needs.files, FILE: manifest})
    arguments = {
        "--JOB_RUN_ID": "jr_1", "--key": KEY, "--penstock-archive": "order-etl.zip", "--penstock-task": "order-etl",
        "--penstock-environment": json.dumps(_environment("glue")),
    }  # fmt: skip
    command = [sys.executable, str(SCRIPT)]
    for name, value in arguments.items():
        command += [name, value]
    submit = "--master local[1] --conf spark.sql.shuffle.partitions=1 --conf spark.ui.enabled=false pyspark-shell"
    environment = {**os.environ, "PYSPARK_SUBMIT_ARGS": submit, "SPARK_LOCAL_IP": "127.0.0.1", "TMPDIR": str(folder)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return _left("glue")


def _left(home: str) -> Any:
    """Returns the items of each table, and the quarantine."""
    items = {}
    for name in TABLES:
        pages = client("dynamodb").get_paginator("scan").paginate(TableName=f"{home}-{name}")
        items[name] = sorted((item for page in pages for item in page["Items"]), key=lambda item: str(sorted(item)))
        for item in items[name]:
            # When it expires is counted from when it was written.
            item.pop("expires_at", None)
        items[name].sort(key=lambda item: json.dumps(item, sort_keys=True))
    quarantined = {}
    for found in client("s3").list_objects_v2(Bucket="lake", Prefix="quarantine/").get("Contents", []):
        quarantined[found["Key"]] = client("s3").get_object(Bucket="lake", Key=found["Key"])["Body"].read()
        client("s3").delete_object(Bucket="lake", Key=found["Key"])
    return items, quarantined
