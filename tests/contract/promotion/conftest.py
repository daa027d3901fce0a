"""A home in which the metrics pipeline ran, and an account where it is deployed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from promoted import (
    ACCOUNT,
    BUCKET,
    FLEET,
    OUTPUTS,
    REGION,
    RULE,
    SCHEDULE,
    create_table,
    penstock,
)

from penstock.adapters.aws.session import client
from penstock.deploy.destination import Destination, find_destination
from penstock.model.pipeline import Definition
from penstock.pipelines.metrics import pipeline
from penstock.runtime.machine.home import Home


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the pipeline ran once."""
    home = tmp_path_factory.mktemp("lived") / "home"
    done = penstock(home, "run", "metrics", "--input", FLEET)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def folder(lived: Path, tmp_path: Path) -> Path:
    shutil.copytree(lived, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def home(folder: Path) -> Any:
    home = Home(folder, create=False)
    yield home
    home.close()


@pytest.fixture
def definition() -> Definition:
    return pipeline.build()


@pytest.fixture
def account(aws: str, definition: Definition) -> Destination:
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    create_table(definition.hot_tables["InfraMetrics"])
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    machine = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    for name in OUTPUTS["state_machines"]:
        client("stepfunctions").create_state_machine(name=name, definition=machine, roleArn=role)
    client("events").put_rule(Name=RULE, EventPattern=json.dumps({"source": ["aws.s3"]}))
    client("scheduler").create_schedule(
        Name=SCHEDULE, ScheduleExpression="cron(0 0/3 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 7}, State="ENABLED",
        Target={
            "Arn": OUTPUTS["state_machines"]["metrics"], "RoleArn": role, "Input": '{"slot": "x"}',
            "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
        },
    )  # fmt: skip
    return find_destination(definition, OUTPUTS)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The folder of a release, beside a Terraform that knows its outputs."""
    folder = tmp_path / "deploy" / "metrics"
    (folder / ".terraform").mkdir(parents=True)
    (folder / ".penstock.json").write_text(json.dumps({"pipeline": "metrics", "files": {}}))
    outputs = json.dumps({name: {"value": value} for name, value in OUTPUTS.items()})
    command = folder.parent / "terraform"
    command.write_text(f"#!/bin/sh\ncat <<'END'\n{outputs}\nEND\n")
    command.chmod(0o755)
    return folder
