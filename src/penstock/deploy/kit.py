"""The capability kit: what each capability brings to a deployment, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from penstock.deploy.hcl import Block, Expression, Template, identifier, resource
from penstock.deploy.policy import Statement
from penstock.errors import Finding
from penstock.model.access import Grant
from penstock.model.pipeline import Definition
from penstock.model.schedule import Schedule

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_NAME_LIMIT = 64
# Where the code of an instance is, beside the Terraform files.
INSTANCE_PATH = "artifacts/instance.zip"
Concern = Literal["storage", "compute", "workflow", "watch", "catalog", "access", "network"]


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task's zip is, relative to the Terraform files.

    Attributes:
        layers: those that it needs, by name.
        modules: what a job has installed, such as ``msgspec==0.19.0``.
    """

    path: str
    layers: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What is deployed.

    Attributes:
        artifacts: by task.
        layers: path of each layer's zip, by name.
        jobs: the zips of tasks as jobs, by task.
        clock: the schedules of an instance, which are none of EventBridge's.
    """

    definition: Definition
    artifacts: dict[str, Artifact]
    layers: dict[str, str] = {}
    jobs: dict[str, Artifact] = {}
    clock: dict[str, Schedule] = {}


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a pipeline can have.

    Attributes:
        blocks: its Terraform, by concern.
        statements: what a grant on it means in IAM: exactly those actions, on exactly that resource.
        limits: what AWS would refuse, found before anything is deployed.
        purpose: what its resources are for, a line for the documents.
    """

    name: str
    purpose: str
    blocks: Callable[[Site], dict[Concern, list[Block]]]
    statements: Callable[[Definition, Sequence[Grant]], list[Statement]] | None = None
    limits: Callable[[Definition], list[Finding]] | None = None


def has_bucket(definition: Definition) -> bool:
    """Tells whether a pipeline has the lake's bucket, in which files of inboxes arrive as well."""
    return bool(definition.lake_tables or definition.inboxes)


def on_instance(definition: Definition) -> bool:
    """Tells whether what runs by the clock runs on an instance."""
    return definition.deployment.compute == "ec2"


def started_by_aws(definition: Definition) -> Definition:
    """Returns a definition with those schedules and triggers that are AWS's: an instance has a clock of its own."""
    if not on_instance(definition):
        return definition
    return msgspec.structs.replace(definition, schedules={}, inbox_triggers={})


def code_object(address: str, path: str, key: str, comment: str) -> Block:
    """Returns a file of the release that is kept in the lake's bucket, for what runs from there."""
    source = f"${{path.module}}/{path}"
    body = {
        "bucket": Expression("aws_s3_bucket.lake.id"),
        "key": key,
        "source": Template(source),
        "source_hash": Expression(f'filemd5("{source}")'),
    }
    return resource("aws_s3_object", address, body, comment=comment)


def named(name: str) -> Template:
    """Returns a physical name: the deployment's prefix and a definition's name."""
    return Template("${local.prefix}" + name)


def long_role_name(names: Iterable[tuple[str, str]]) -> list[Finding]:
    """Returns what IAM would refuse of (place, name) pairs; functions and schedules have the same limit."""
    return [
        Finding(
            place,
            "name-too-long",
            f"{name!r} has {len(name)} characters, the most that a role's name can have are {ROLE_NAME_LIMIT}",
            "choose a shorter name; `name_prefix` needs room as well",
        )
        for place, name in names
        if len(name) > ROLE_NAME_LIMIT
    ]


def function_address(task: str) -> str:
    """Returns the Terraform address of a task's function."""
    return f"aws_lambda_function.{identifier(task)}"


def machine_address(workflow: str) -> str:
    """Returns the Terraform address of a workflow's state machine."""
    return f"aws_sfn_state_machine.{identifier(workflow)}"


def machine_name(definition: Definition, workflow: str) -> str:
    """Returns a state machine's name, without the deployment's prefix."""
    return workflow if workflow == definition.name else f"{definition.name}-{workflow}"


def machine_arn(definition: Definition, workflow: str, kind: str = "stateMachine") -> Template:
    """Returns a state machine's ARN, made of its name: roles and documents speak of machines that need them.

    Args:
        kind: the type of resource that stands before the name; also ``execution`` and ``mapRun``.
    """
    name = machine_name(definition, workflow)
    return Template(
        f"arn:${{local.partition}}:states:${{local.region}}:${{local.account}}:{kind}:${{local.prefix}}{name}"
    )


def hot_table_address(table: str) -> str:
    """Returns the Terraform address of a hot table."""
    return f"aws_dynamodb_table.{identifier(table)}"


def queue_address(queue: str) -> str:
    """Returns the Terraform address of a queue."""
    return f"aws_sqs_queue.{identifier(queue)}"


def bus_address(bus: str) -> str:
    """Returns the Terraform address of an event bus."""
    return f"aws_cloudwatch_event_bus.{identifier(bus)}"


def topic_address(topic: str) -> str:
    """Returns the Terraform address of a topic."""
    return f"aws_sns_topic.{identifier(topic)}"


def sid(*words: str) -> str:
    """Returns words as a statement's id: letters and digits."""
    return "".join(part[:1].upper() + part[1:] for word in words for part in identifier(word).split("_"))
