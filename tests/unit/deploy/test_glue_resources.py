"""Tasks that are Glue jobs too: their Terraform, what they may do, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock import Pipeline, string
from penstock.deploy.bundle.imports import find_job_needs, find_needs
from penstock.deploy.bundle.places import find_reference
from penstock.deploy.kit import Artifact
from penstock.deploy.terraform import limits, synthesize
from penstock.errors import DefinitionError
from penstock.model.deployment import Deployment
from penstock.model.pipeline import Definition
from penstock.pipelines.orders import pipeline as orders

STATE = (
    '{"StartAt": "add", "States": {"add": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",'
    ' "Parameters": {"JobName": "add", "Arguments": {"--key.$": "$.key"}}, "End": true}}}'
)


class Visit(msgspec.Struct):
    page: str


def shop(tmp_path: Any, *, jobs: tuple[str, ...] = ("add",), topic: bool = False, lake: bool = True) -> Definition:
    pipeline = Pipeline("shop")
    may = []
    if lake:
        may.append(pipeline.lake("visits", Visit).read)
    may.append(pipeline.hot_table("Pages", key=string("page")).put)
    if topic:
        may.append(pipeline.topic("alerts", "console:").publish)

    @pipeline.task(may=may)
    def add(event: Any, context: Any) -> None: ...

    path = tmp_path / "add.asl.json"
    path.write_text(STATE)
    pipeline.workflow("adding", path)
    pipeline.aws(jobs=jobs)
    return pipeline.build()


def files(definition: Definition) -> dict[str, str]:
    artifacts = {task: Artifact(path=f"artifacts/{task}.zip") for task in definition.tasks}
    jobs = {"add": Artifact(path="artifacts/add-job.zip", modules=("msgspec==0.19.0", "obstore==0.8.0"))}
    return {path: data.decode() for path, data in synthesize(definition, artifacts, jobs=jobs).items()}


def test_a_job_is_written_with_its_code_its_role_and_its_name(tmp_path: Any) -> None:
    made = files(shop(tmp_path))
    compute, access = made["compute.tf"], made["access.tf"]
    assert 'resource "aws_glue_job" "add"' in compute
    assert '"--additional-python-modules" = "msgspec==0.19.0,obstore==0.8.0"' in compute
    assert 'source      = "${path.module}/artifacts/add-job.zip"' in compute
    assert "from penstock.runtime.aws.glue_entry import main" in made["jobs/glue_job.py"]
    assert '"JobName": "${prefix}shop-add"' in made["workflows/adding.asl.json"]
    role = access.partition('resource "aws_iam_role" "job_add"')[2].partition('resource "aws_iam_role" ')[0]
    assert '"glue.amazonaws.com"' in role
    # Its grants, its code, its scratch, its log: nothing with a wildcard for an action or a resource.
    assert role.count("Sid ") == 6
    assert 'Resource = "*"' not in role
    assert ':*"]' not in role.replace(":*:*", "")
    starting = access.partition("RunJobs")[2].partition("}")[0]
    assert '"glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"' in starting
    assert "aws_glue_job.add.arn" in starting


def test_a_pipeline_without_jobs_has_none_of_it(tmp_path: Any) -> None:
    definition = msgspec.structs.replace(shop(tmp_path), workflows={}, deployment=Deployment())
    made = files(definition)
    assert not [path for path in made if path.startswith("jobs/")]
    assert "glue_job" not in "".join(made.values())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"jobs": ()}, "no-glue-job"),
        ({"jobs": ("add", "subtract")}, "unknown-job"),
        ({"topic": True}, "job-grant"),
        ({"lake": False}, "job-without-lake"),
    ],
)
def test_what_could_not_run_is_refused(tmp_path: Any, options: dict[str, Any], code: str) -> None:
    definition = shop(tmp_path, **options)
    assert code in {finding.code for finding in limits(definition)}
    with pytest.raises(DefinitionError):
        files(definition)


def test_a_jobs_code_has_spark_and_a_functions_has_duckdb() -> None:
    definition = msgspec.structs.replace(orders.build(), deployment=Deployment(jobs=("order-etl",)))
    reference = find_reference("penstock.pipelines.orders", "orders")
    job = find_job_needs(definition, reference)["order-etl"]
    assert {"msgspec", "obstore", "pyspark", "sqlglot"} <= job.distributions
    assert "duckdb" not in job.distributions
    assert "penstock/pipelines/orders/sql/judged.sql" in job.files
    functions = find_needs(definition, reference)
    assert {name for name, needs in functions.items() if "duckdb" in needs.distributions} == {
        "order-etl", "order-totals"
    }  # fmt: skip
    assert not any("pyspark" in needs.distributions for needs in functions.values())
