"""What an instance's cron starts, as a process: tasks in processes of their own, lines and metrics in one file."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.deploy.bundle.archive import write_archive
from penstock.deploy.bundle.imports import find_instance_needs
from penstock.deploy.bundle.places import find_reference
from penstock.runtime.aws.manifest import FILE, Manifest

SHOP = """
import os, time
from penstock import Invoke, Pipeline, seconds

pipeline = Pipeline("shop", namespace="Shop")
sold = pipeline.metric("Sold", "Count")

@pipeline.task(may=[pipeline.publish], timeout=seconds(20))
def sell(event, context):
    print("selling")
    context.publish([(sold, 7)])
    return [os.environ["WHO"], os.environ.get("ONLY_TOLD")]

@pipeline.task(timeout=seconds(1))
def sleep(event, context):
    time.sleep(60)

@pipeline.task
def tell(event, context):
    print(event["Error"], os.environ.get("ONLY_TOLD"), os.environ.get("WHO"))

good = pipeline.workflow("good", Invoke(sell))
slow = pipeline.workflow("slow", Invoke(sleep).catch(tell, then_fail=False))
bad = pipeline.workflow("bad", Invoke(sleep))
for workflow in (good, slow, bad):
    pipeline.cron("0 6 * * ? *", workflow, name=f"{workflow.name}-daily")
"""
ENVIRONMENT = {
    "sell": {"WHO": "seller", "PENSTOCK_METRICS_PREFIX": "dev-"},
    "tell": {"ONLY_TOLD": "yes", "PENSTOCK_METRICS_PREFIX": "dev-"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the instance's script leaves: a release, and variables by task."""
    made = tmp_path_factory.mktemp("instance")
    source = made / "source" / "instance_shop.py"
    source.parent.mkdir()
    source.write_text(SHOP)
    spec = importlib.util.spec_from_file_location("instance_shop", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["instance_shop"] = module
    try:
        spec.loader.exec_module(module)
        needs = find_instance_needs(module.pipeline.build(), find_reference(f"{source}:pipeline", "shop"))
    finally:
        del sys.modules["instance_shop"]
    manifest = msgspec.json.encode(Manifest(pipeline="instance_shop:pipeline"))
    write_archive(made, "release.zip", {**needs.files, FILE: manifest})
    with zipfile.ZipFile(made / "release.zip") as archive:
        archive.extractall(made / "release")
    (made / "environment.json").write_text(json.dumps(ENVIRONMENT))
    return made


def run(folder: Path, schedule: str) -> tuple[int, list[dict[str, Any]], list[str]]:
    """Returns the exit status, the documents of the log, and its other lines."""
    log = folder / f"{schedule}.log"
    command = [
        sys.executable, "-m", "penstock.runtime.aws.instance_entry", schedule, "--release", str(folder / "release"),
        "--environment", str(folder / "environment.json"), "--log", str(log),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(folder / "release")}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert log.exists(), done.stderr
    lines = log.read_text().splitlines()
    documents = [json.loads(line) for line in lines if line.startswith("{")]
    return done.returncode, documents, [line for line in lines if not line.startswith("{")]


def test_a_task_runs_in_its_environment_and_its_metrics_are_lines(folder: Path) -> None:
    status, documents, printed = run(folder, "good-daily")
    assert (status, printed) == (0, ["selling"])
    (metric,) = [one for one in documents if "_aws" in one]
    assert (metric["Sold"], metric["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == (7, "dev-Shop")
    assert [one["message"] for one in documents if "message" in one] == ["sell succeeded", "workflow good succeeded"]


def test_what_hangs_is_killed_and_caught_by_a_task_with_variables_of_its_own(folder: Path) -> None:
    """A function that takes too long ends with Sandbox.Timedout: step-functions concepts-error-handling.html."""
    status, documents, printed = run(folder, "slow-daily")
    assert (status, printed) == (0, ["Sandbox.Timedout yes None"])
    assert [one["message"] for one in documents if "message" in one] == [
        "sleep failed", "tell succeeded", "workflow slow succeeded",
    ]  # fmt: skip


def test_a_workflow_that_fails_is_told_by_the_exit_status(folder: Path) -> None:
    status, documents, _ = run(folder, "bad-daily")
    assert status == 1
    assert (documents[-1]["level"], documents[-1]["error"]) == ("ERROR", "Sandbox.Timedout")
