"""Glue jobs: tasks whose transformations outgrow one machine run on Spark, started by ``glue:startJobRun``.

The same task has its function as well: a workflow's state says which of the two runs.
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

from __future__ import annotations

import math
from importlib.resources import files
from typing import Any

from penstock.deploy.access import grant_statements
from penstock.deploy.hcl import Block, Expression, Template, identifier, json_of, nested, resource
from penstock.deploy.kit import (
    Artifact,
    Capability,
    Concern,
    Site,
    code_object,
    hot_table_address,
    long_role_name,
    named,
)
from penstock.deploy.policy import Statement, role
from penstock.errors import Finding
from penstock.model.access import Kind
from penstock.model.pipeline import Definition
from penstock.model.task import Task

# Begins the keys of what jobs run.
CODE = "jobs/"
SCRIPT_PATH = f"{CODE}glue_job.py"
# Spark 3.5 and Python 3.11: https://docs.aws.amazon.com/glue/latest/dg/release-notes.html
GLUE_VERSION = "5.0"
WORKER = "G.1X"
# The least that Glue takes; one of them is the driver.
WORKERS = 2
LOGS = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws-glue/jobs"
# What a job can be granted: the others' physical names are not handed to it.
KINDS = frozenset({Kind.LAKE, Kind.HOT_TABLE, Kind.METRIC, Kind.NAMESPACE})


def assets(definition: Definition) -> dict[str, bytes]:
    """Returns the jobs' script, by its path beside the Terraform files; nothing when there is no job."""
    if not definition.deployment.jobs:
        return {}
    return {SCRIPT_PATH: files("penstock.deploy").joinpath("assets/glue_job.py").read_bytes()}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns jobs, their code and their roles."""
    definition = site.definition
    tasks = [definition.tasks[name] for name in definition.deployment.jobs if name in definition.tasks]
    if not tasks:
        return {}
    compute = [code_object("job_script", SCRIPT_PATH, SCRIPT_PATH, "What the jobs run.")]
    access: list[Block] = []
    for task in tasks:
        artifact = site.jobs.get(task.name) or Artifact(path=f"artifacts/{task.name}-job.zip")
        compute += [code_object(_name(task), artifact.path, _archive(task), f"Task {task.name} as a job."),
                    _job(definition, task, artifact)]  # fmt: skip
        comment = f"What task {task.name} may do as a job: what its may= says, read its code, and use its scratch."
        access += role(
            _name(task), named(f"{definition.name}-{task.name}-job"), "glue.amazonaws.com",
            [*grant_statements(definition, task), *_own(task)], comment=comment,
        )  # fmt: skip
    return {"compute": compute, "access": access}


def limits(definition: Definition) -> list[Finding]:
    """Returns what Glue would refuse, or could not do."""
    place, jobs = f"pipeline {definition.name}", definition.deployment.jobs
    known = ", ".join(definition.tasks) or "none"
    found = [
        Finding(place, "unknown-job", f"jobs= names {name!r}, which is no task", f"tasks are: {known}")
        for name in jobs
        if name not in definition.tasks
    ]
    tasks = [definition.tasks[name] for name in jobs if name in definition.tasks]
    if tasks and not definition.lake_tables:
        message = "a job's code and its scratch are in the lake's bucket, and there is no lake table"
        found.append(Finding(place, "job-without-lake", message, "declare one"))
    for task in tasks:
        others = ", ".join(sorted({grant.kind for grant in task.grants} - KINDS))
        if others:
            message = f"task {task.name!r} is a job, and may use {others}"
            hint = "let another task do that: a job has lake tables, hot tables and metrics"
            found.append(Finding(task.place, "job-grant", message, hint))
    return found + long_role_name((task.place, f"{definition.name}-{task.name}-job") for task in tasks)


def _name(task: Task) -> str:
    return f"job_{identifier(task.name)}"


def _archive(task: Task) -> str:
    return f"{CODE}{task.name}.zip"


def scratch(task: Task) -> str:
    """Returns what the keys of a job's scratch begin with."""
    return f"scratch/{task.name}"


def _job(definition: Definition, task: Task, artifact: Artifact) -> Block:
    address = Template("s3://${aws_s3_bucket.lake.id}")
    arguments: dict[str, Any] = {
        "--additional-python-modules": ",".join(artifact.modules) or None,
        "--extra-files": Template(f"{address.text}/{_archive(task)}"),
        "--penstock-archive": f"{task.name}.zip",
        "--penstock-task": task.name,
        "--penstock-environment": json_of(_environment(definition, task, address)),
        "--enable-metrics": "true",
        "--enable-continuous-cloudwatch-log": "true",
    }
    command = {
        "name": "glueetl",
        "python_version": "3",
        "script_location": Template(f"{address.text}/${{aws_s3_object.job_script.key}}"),
    }
    body = {
        "name": named(f"{definition.name}-{task.name}"),
        "description": task.description[:256] or None,
        "role_arn": Expression(f"aws_iam_role.{_name(task)}.arn"),
        "glue_version": GLUE_VERSION,
        "worker_type": WORKER,
        "number_of_workers": WORKERS,
        "max_retries": 0,
        "timeout": max(1, math.ceil(task.timeout_seconds / 60)),
        "default_arguments": {name: value for name, value in arguments.items() if value is not None},
        "depends_on": [Expression(f"aws_s3_object.{_name(task)}")],
    }
    return resource(
        "aws_glue_job", identifier(task.name), body, nested("command", command),
        comment=f"Task {task.name} on Spark; bills by the second of {WORKERS} workers.",
    )  # fmt: skip


def _environment(definition: Definition, task: Task, address: Template) -> dict[str, Any]:
    tables = sorted({grant.resource for grant in task.grants if grant.kind == Kind.HOT_TABLE})
    values: dict[str, Any] = {
        "PENSTOCK_LAKE_BUCKET": Expression("aws_s3_bucket.lake.id"),
        "PENSTOCK_SPARK_ADDRESS": address,
        "PENSTOCK_SPARK_PREFIX": scratch(task),
        "AWS_REGION": Expression("var.region"),
    }
    if tables:
        names = {name: Expression(f"{hot_table_address(name)}.name") for name in tables}
        values["PENSTOCK_HOT_TABLES"] = json_of(names)
    return values


def _own(task: Task) -> list[Statement]:
    """Returns what every job needs: its code, its scratch, its log."""
    lake = "${aws_s3_bucket.lake.arn}"
    return [
        Statement(
            sid="ReadCode",
            actions=("s3:GetObject",),
            resources=(Template(f"{lake}/{SCRIPT_PATH}"), Template(f"{lake}/{_archive(task)}")),
        ),
        Statement(
            sid="UseScratch",
            actions=("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
            resources=(Template(f"{lake}/{scratch(task)}/*"), Template(f"{lake}/{scratch(task)}_$folder$")),
        ),
        Statement(
            sid="ListScratch",
            actions=("s3:ListBucket",),
            resources=(Expression("aws_s3_bucket.lake.arn"),),
            condition={"StringLike": {"s3:prefix": [scratch(task), f"{scratch(task)}/*"]}},
        ),
        Statement(
            sid="WriteLog",
            actions=("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(Template(f"{LOGS}/*"), Template(f"{LOGS}/*:*")),
        ),
    ]


CAPABILITY = Capability(
    name="glue_job",
    purpose="Tasks on Spark, for data that outgrow one machine",
    blocks=blocks,
    limits=limits,
)
