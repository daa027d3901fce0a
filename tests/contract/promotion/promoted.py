"""An account as Terraform would have made it, and what is looked at in it and in a home."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from penstock.adapters.aws.session import client
from penstock.deploy.destination import Destination
from penstock.deploy.promotion import Promoter
from penstock.model.datasets import HotTable
from penstock.model.pipeline import Definition
from penstock.rehearsal.furnish import table_arguments
from penstock.runtime.machine.home import Home

INSTANCES, TYPES = 3, 4
OBJECTS, ITEMS = TYPES, INSTANCES * TYPES
FLEET = json.dumps({"fleet": {"instances": INSTANCES, "seed": 1}})
REGION, ACCOUNT, BUCKET, TABLE = "eu-central-1", "123456789012", "promoted-lake", "dev-InfraMetrics"
RULE, SCHEDULE = "dev-metrics-log-processor", "dev-metrics-metrics"
OUTPUTS: dict[str, Any] = {
    "region": REGION, "lake_bucket": BUCKET, "hot_tables": {"InfraMetrics": TABLE}, "functions": {},
    "rules": {"log-processor": RULE}, "schedules": {"metrics": SCHEDULE}, "dead_letters": "",
    "state_machines": {
        name: f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}" for name in ("metrics", "log-processor")
    },
}  # fmt: skip


def penstock(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "penstock", "--home", str(home), *arguments], capture_output=True, text=True,
        check=False, timeout=60, env={**os.environ, "NO_COLOR": "1", **environment},
    )  # fmt: skip


def create_table(table: HotTable) -> None:
    client("dynamodb").create_table(**{**table_arguments(table), "TableName": TABLE})


def promoter(definition: Definition, home: Home, account: Destination, **more: Any) -> Promoter:
    return Promoter(definition, home, account, **{"pause": lambda seconds: None, **more})


def states() -> tuple[str, str]:
    """Of the rule and the schedule."""
    rule, schedule = client("events").describe_rule(Name=RULE), client("scheduler").get_schedule(Name=SCHEDULE)
    return rule["State"], schedule["State"]


ON, OFF = ("ENABLED", "ENABLED"), ("DISABLED", "DISABLED")


def bucket() -> dict[str, str]:
    """Its keys, each with the MD5 of the object."""
    s3 = client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {key: digest(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys}


def lake(folder: Path) -> dict[str, str]:
    root = folder / "lake"
    return {str(path.relative_to(root)): digest(path.read_bytes()) for path in root.rglob("*") if path.is_file()}


def digest(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def items() -> list[dict[str, Any]]:
    return list(client("dynamodb").scan(TableName=TABLE)["Items"])


def samples(name: str) -> float:
    """How many values of a metric CloudWatch counted in the last two days."""
    now = time.time()
    found = client("cloudwatch").get_metric_statistics(
        Namespace="InfraMonitoring", MetricName=name, StartTime=now - 2 * 86_400, EndTime=now + 3600, Period=86_400,
        Statistics=["SampleCount"],
    )  # fmt: skip
    return float(sum(one["SampleCount"] for one in found["Datapoints"]))


def datapoints(folder: Path) -> int:
    with sqlite3.connect(folder / "metrics.sqlite") as connection:
        return int(connection.execute("SELECT count(*) FROM datapoints").fetchone()[0])


def assert_all_is_there(folder: Path) -> None:
    assert len(bucket()) == OBJECTS
    assert bucket() == lake(folder)
    assert len(items()) == ITEMS
    assert states() == ON
