"""A Glue job, started by hand: it puts objects that the lake already holds through the workflows of their triggers.

https://docs.aws.amazon.com/glue/latest/dg/add-job-python.html
"""

from __future__ import annotations

from importlib.resources import files

from penstock.deploy.hcl import Block, Expression, Template, json_of, nested, resource
from penstock.deploy.kit import code_object, machine_address, named
from penstock.deploy.policy import Statement, role
from penstock.model.pipeline import Definition

SCRIPT_PATH = "jobs/backfill.py"
# The smallest job that Glue offers: a sixteenth of a data processing unit.
CAPACITY_DPU = 0.0625
TIMEOUT_MINUTES = 480
LOGS = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws-glue/python-jobs"


def assets(definition: Definition) -> dict[str, bytes]:
    """Returns the job's script, by its path beside the Terraform files; nothing when there is no job."""
    if not (definition.deployment.backfill_job and definition.triggers):
        return {}
    return {SCRIPT_PATH: files("penstock.deploy").joinpath("assets/backfill.py").read_bytes()}


def blocks(definition: Definition) -> list[Block]:
    """Returns the job and its script."""
    machines = {
        trigger.name: {"table": trigger.table, "machine": Expression(f"{machine_address(trigger.workflow)}.arn")}
        for trigger in definition.triggers.values()
    }
    job = {
        "name": named(f"{definition.name}-backfill"),
        "description": "Starts the workflows of stored objects: --from 2026/02/01 --to 2026/02/20",
        "role_arn": Expression("aws_iam_role.backfill.arn"),
        "glue_version": "3.0",
        "max_capacity": CAPACITY_DPU,
        "max_retries": 0,
        "timeout": TIMEOUT_MINUTES,
        "default_arguments": {
            "--bucket": Expression("aws_s3_bucket.lake.id"),
            "--triggers": json_of(machines),
        },
    }
    command = {
        "name": "pythonshell",
        "python_version": "3.9",
        "script_location": Template("s3://${aws_s3_object.backfill.bucket}/${aws_s3_object.backfill.key}"),
    }
    return [
        code_object("backfill", SCRIPT_PATH, SCRIPT_PATH, "What the job runs."),
        resource(
            "aws_glue_job",
            "backfill",
            job,
            nested("command", command),
            nested("execution_property", {"max_concurrent_runs": 1}),
            comment="Puts stored objects through their workflows again when it is started; bills by the second.",
        ),
    ]


def role_blocks(definition: Definition) -> list[Block]:
    """Returns the role under which it runs."""
    comment = "What the job may do: see which objects there are, and start the workflows of their triggers."
    name = named(f"{definition.name}-backfill")
    return role("backfill", name, "glue.amazonaws.com", statements(definition), comment=comment)


def statements(definition: Definition) -> list[Statement]:
    """Returns what the role allows; the objects themselves are read by the workflows, under their own roles."""
    triggers = definition.triggers.values()
    prefixes = [f"raw/{table}/*" for table in dict.fromkeys(trigger.table for trigger in triggers)]
    machines = dict.fromkeys(machine_address(trigger.workflow) for trigger in triggers)
    return [
        Statement(
            sid="ReadScript",
            actions=("s3:GetObject",),
            resources=(Template(f"${{aws_s3_bucket.lake.arn}}/{SCRIPT_PATH}"),),
        ),
        Statement(
            sid="ListRaw",
            actions=("s3:ListBucket",),
            resources=(Expression("aws_s3_bucket.lake.arn"),),
            condition={"StringLike": {"s3:prefix": prefixes}},
        ),
        Statement(
            sid="StartWorkflows",
            actions=("states:StartExecution",),
            resources=tuple(Expression(f"{machine}.arn") for machine in machines),
        ),
        Statement(
            sid="WriteLog",
            actions=("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(Template(f"{LOGS}/*"), Template(f"{LOGS}/*:*")),
        ),
    ]
