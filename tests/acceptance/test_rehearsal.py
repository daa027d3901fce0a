"""A rehearsal by the real command line, with the real Terraform and the real emulator: it passes, and it can fail."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.terraform_cli import CONFIG, PLUGINS, configuration, skip

from penstock.errors import UnavailableError
from penstock.rehearsal.database_server import programs

# Terraform makes some 70 resources, one after the other for most of a minute, and destroys them again.
TIMEOUT_SECONDS = 1200
LONG = "PENSTOCK_LONG_REHEARSALS"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_SECONDS + 60)]

CARELESS = '''
import os

from penstock import Invoke, Pipeline, TaskError, seconds

pipeline = Pipeline("careless")
stock = pipeline.hot_table("Stock", key="item")


@pipeline.task(timeout=seconds(10))
def add(event, context):
    """Adds."""
    if "numbers" not in event:
        raise TaskError("there are no numbers", hint="give some", error="NoNumbers")
    return {"sum": sum(event["numbers"]), "by": context.execution_id}


@pipeline.task(timeout=seconds(10))
def look(event, context):
    """Works wherever nobody asks for permission: no may= says that it reads the table."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        import boto3

        boto3.client("dynamodb").scan(TableName="Stock")
    return "looked"


pipeline.workflow("adding", Invoke(add))
pipeline.workflow("looking", Invoke(look))
pipeline.rehearse({"numbers": [1, 2, 3]}, {}, workflow="adding")
'''


def penstock(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("terraform") is None:
        skip("terraform is not on PATH")
    if os.environ.get(CONFIG) is None and os.environ.get(PLUGINS) is None:
        skip(f"neither {CONFIG} nor {PLUGINS} says where Terraform's AWS provider is")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    # Whose account it is, and which proxies there are, must not matter.
    hostile = {
        "AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "AKIAMINE", "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_SESSION_TOKEN": "mine", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9", "TF_WORKSPACE": "production",
    }  # fmt: skip
    environment = {
        **kept, **hostile, CONFIG: str(configuration()), "NO_COLOR": "1", "CHECKPOINT_DISABLE": "1",
        "PENSTOCK_HOME": str(folder / "home"), **variables,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "penstock", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def rehearse(*arguments: str, folder: Path, code: int = 0, **variables: str) -> dict[str, Any]:
    done = penstock(*arguments, "--json", folder=folder, **variables)
    found = json.loads(done.stdout or "{}")
    assert done.returncode == code, (found.get("failures"), done.stderr[-4000:])
    assert found["passed"] == (code == 0)
    return dict(found)


def counts(comparisons: list[dict[str, Any]]) -> dict[str, int]:
    return {one["what"].partition(":")[0]: one["compared"] for one in comparisons}


def differing(comparisons: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {one["what"].partition(":")[0]: one["differences"] for one in comparisons if one["differences"]}


def test_the_metrics_pipeline_is_ready(tmp_path: Path) -> None:
    found = rehearse("rehearse", "metrics", "--keep", "kept", folder=tmp_path)
    assert found["failures"] == []
    assert differing(found["comparisons"]) == {}
    assert differing(found["second_comparisons"]) == {}
    numbers = counts(found["comparisons"])
    # A fleet of 20, one of none, an execution for each of four objects, one for the file that arrives.
    assert numbers["executions"] == 2 + 4 + 1
    # One for each collector, the file, and the quarantine for its last line.
    assert numbers["objects in the lake"] == 4 + 1 + 1
    # The file holds what one of the collectors found: the same items.
    assert numbers["items of InfraMetrics"] == 4 * 20
    # That the collection succeeded, and that the one of no fleet failed.
    assert numbers["messages of tasks and workflows"] == 2
    assert numbers["messages of alarms"] >= 1
    # Four kinds of readings; errors of collectors and processor, duration; hearts of five tasks and two datasets.
    assert numbers["metrics"] == 4 + 3 + 5 + 2
    # Of six alarms three look at several periods, and one has no values, as nobody throttled.
    assert numbers["alarms"] == 6 - 3 - 1
    second = counts(found["second_comparisons"])
    assert {**second, "alarms": 2} == numbers
    assert second["alarms"] >= 6
    assert_proven(found)
    # One for each collector; the processor's lake, quarantine, table and four metrics; the two that tell.
    assert found["used"] == 4 + 7 + 2
    # Of three actions on the lake, four on the table and one on the topic, what each of seven tasks was not granted.
    of_tasks = 7 * (3 + 4 + 1) - (4 + 3 + 2)
    # To list and query the lake, to update an item, to start one of two workflows: only workflows can be granted that.
    beyond_tasks = 7 * (2 + 1 + 2)
    # Of five actions on the lake, four on the table, one on the topic and the two starts: these workflows have none.
    of_workflows = 2 * (5 + 4 + 1 + 2)
    assert found["tried"] == of_tasks + beyond_tasks + of_workflows
    assert found["schedule_fired"] is True
    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {
        "release", "home", "calls.jsonl", "emulator.log", "report.json",
    }  # fmt: skip
    assert json.loads((tmp_path / "kept/report.json").read_text())["failures"] == []


def assert_proven(found: dict[str, Any]) -> None:
    proof = found["proof"]
    assert (proof["denied"], proof["spare"], proof["broad"]) == ([], [], [])
    assert proof["granted"] > 0
    assert found["refused"] == []
    assert found["leftovers"] == []
    assert [one for one in found["drift"] if not one["defect"]] == []


@pytest.mark.skipif(LONG not in os.environ, reason=f"a network and a database take six minutes; {LONG}=1 runs it")
def test_a_pipeline_with_a_database_is_ready(tmp_path: Path) -> None:
    with_postgresql()
    found = rehearse("rehearse", "leads", folder=tmp_path)
    assert found["failures"] == []
    assert_proven(found)
    assert found["schedule_fired"] is True
    numbers = counts(found["comparisons"])
    # A day without a file, what is no file, and the file of the example.
    assert numbers["executions"] == 3
    assert numbers["rows of leads.pipeline_runs"] == 1
    # By the rules, once each.
    assert numbers["rows of leads.lead_scores"] == numbers["rows of leads.leads"] > 0
    assert numbers["rows of leads.lead_rejects"] > 0
    # Its file, its database as one user, its settings; the topic.
    assert found["used"] >= 4


@pytest.mark.skipif(LONG not in os.environ, reason=f"Spark starts four times; {LONG}=1 runs it")
def test_a_pipeline_with_a_job_on_spark_is_ready(tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    found = rehearse("rehearse", "orders", folder=tmp_path, PENSTOCK_ORDERS_ETL="glue")
    assert found["failures"] == []
    assert_proven(found)
    assert found["schedule_fired"] is True
    numbers = counts(found["comparisons"])
    # One batch with orders, one without, the totals; the job for the one object, and for the file that arrives.
    assert numbers["executions"] == 3 + 2
    assert numbers["items of Orders"] > 0


def with_postgresql() -> None:
    try:
        programs()
    except UnavailableError as error:
        skip(str(error))


@pytest.mark.skipif(LONG not in os.environ, reason=f"what it needs, the metrics pipeline needs too; {LONG}=1 runs it")
def test_a_pipeline_that_init_wrote_is_ready(tmp_path: Path) -> None:
    assert penstock("init", "weather", folder=tmp_path).returncode == 0
    found = rehearse("-f", "weather.py", "rehearse", "weather", folder=tmp_path)
    assert found["failures"] == []
    numbers = counts(found["comparisons"])
    # A measurement, the object that it made, and the file with a bad line: two rooms, measured and arrived.
    assert (numbers["executions"], numbers["objects in the lake"]) == (3, 3)
    assert numbers["items of weather-latest"] == 2 * 2
    assert_proven(found)


def test_what_works_on_a_laptop_only_is_found_before_it_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "careless.py").write_text(CARELESS)
    found = rehearse("-f", "careless.py", "rehearse", "careless", folder=tmp_path, code=1)
    # Here, and where nobody checks permissions, all is well.
    assert counts(found["second_comparisons"])["executions"] == 3
    assert differing(found["second_comparisons"]) == {}
    (here, there) = differing(found["comparisons"])["executions"]
    assert here == 'here only: looking SUCCEEDED, by look: "looked"'
    assert there.startswith("there only: looking FAILED, by look:")
    # The one that fails on purpose fails in both.
    assert list(differing(found["comparisons"])) == ["executions"]
    (denied,) = found["proof"]["denied"]
    assert (denied["call"]["role"], denied["call"]["action"]) == ("careless-look", "dynamodb:Scan")
    assert denied["call"]["resource"].endswith(":table/Stock")
    assert any("careless-look was denied dynamodb:Scan" in text for text in found["failures"])
    assert found["proof"]["spare"] == []
    assert found["leftovers"] == []
    assert found["schedule_fired"] is None
