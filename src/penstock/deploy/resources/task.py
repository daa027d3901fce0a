"""Tasks: a Lambda function each, its log group, its role, and the queue of what failed.

https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html
"""

from __future__ import annotations

import math
from typing import Any

from penstock.deploy.access import task_statements
from penstock.deploy.functions import SEALING_DISK_MB, functions, sealing_task, upgrading_task
from penstock.deploy.hcl import Block, Call, Expression, Template, identifier, json_of, nested, resource
from penstock.deploy.kit import (
    Artifact,
    Capability,
    Concern,
    Site,
    bus_address,
    hot_table_address,
    long_role_name,
    named,
    queue_address,
)
from penstock.deploy.policy import POLICY_VERSION, role
from penstock.deploy.resources import warehouse, warehouse_network
from penstock.errors import Finding
from penstock.model.access import Kind
from penstock.model.pipeline import Definition
from penstock.model.task import Task

HANDLER = "penstock.runtime.aws.entry.handler"
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MEMORY_MB = (128, 10_240)
TIMEOUT_SECONDS = 900
ASYNCHRONOUS_RETRIES = 2
ASYNCHRONOUS_AGE_SECONDS = 21_600
DEAD_LETTER_DAYS = 14
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns layers, functions, their logs and roles, and the dead-letter queue."""
    definition = site.definition
    compute = [_layer(site, name, path) for name, path in site.layers.items()]
    access: list[Block] = []
    for task in functions(definition).values():
        compute += _function(site, task)
        access += _role(definition, task)
    return {"compute": [*compute, *_dead_letters(definition)], "access": access}


def limits(definition: Definition) -> list[Finding]:
    """Returns what Lambda, IAM and CloudWatch would refuse."""
    found = long_role_name((task.place, f"{definition.name}-{task.name}") for task in functions(definition).values())
    kept = definition.deployment.log_retention_days
    if kept not in RETENTION_DAYS:
        message, hint = f"logs cannot be kept for {kept} days", f"choose one of {', '.join(map(str, RETENTION_DAYS))}"
        found.append(Finding(f"pipeline {definition.name}", "log-retention", message, hint))
    found += [
        Finding(
            metric.place,
            "metric-name",
            f"metric {metric.label!r} has a dimension that is called as itself, or `_aws`",
            "rename the dimension: in a function's log both are members of one object",
        )
        for metric in definition.metrics.values()
        if {metric.name, "_aws"} & {name for name, _ in metric.dimensions} or metric.name == "_aws"
    ]
    for task in definition.tasks.values():
        if not MEMORY_MB[0] <= task.memory_mb <= MEMORY_MB[1]:
            message = f"task {task.name!r} asks for {task.memory_mb} MB"
            found.append(Finding(task.place, "memory", message, f"Lambda has {MEMORY_MB[0]} to {MEMORY_MB[1]} MB"))
        if task.timeout_seconds > TIMEOUT_SECONDS:
            message = f"task {task.name!r} may take {task.timeout_seconds:g} s"
            found.append(Finding(task.place, "timeout", message, "Lambda stops a function after 15 minutes"))
    return found


def _layer(site: Site, name: str, path: str) -> Block:
    chosen = site.definition.deployment
    return resource(
        "aws_lambda_layer_version",
        identifier(name),
        {
            "layer_name": named(f"{site.definition.name}-{name}"),
            "filename": Template(f"${{path.module}}/{path}"),
            "source_code_hash": Expression(f'filebase64sha256("${{path.module}}/{path}")'),
            "compatible_runtimes": [chosen.runtime],
            "compatible_architectures": [Expression("var.architecture")],
        },
        comment="Libraries that several tasks share.",
    )


def _function(site: Site, task: Task) -> list[Block]:
    name = identifier(task.name)
    artifact = site.artifacts.get(task.name) or Artifact(path=f"artifacts/{task.name}.zip")
    path = f"${{path.module}}/{artifact.path}"
    layers = [Expression(f"aws_lambda_layer_version.{identifier(layer)}.arn") for layer in artifact.layers]
    chosen = site.definition.deployment
    function = resource(
        "aws_lambda_function",
        name,
        {
            "function_name": named(f"{site.definition.name}-{task.name}"),
            "description": task.description[:256] or None,
            "role": Expression(f"aws_iam_role.task_{name}.arn"),
            "runtime": chosen.runtime,
            "architectures": [Expression("var.architecture")],
            "handler": HANDLER,
            "filename": Template(path),
            "source_code_hash": Expression(f'filebase64sha256("{path}")'),
            "layers": layers or None,
            "memory_size": task.memory_mb,
            "timeout": math.ceil(task.timeout_seconds),
            # Lambda asks whether the role may reach the queue, and the network, as it makes the function.
            "depends_on": [Expression(f"aws_iam_role_policy.task_{name}")],
        },
        nested("environment", {"variables": environment(site.definition, task)}),
        nested("dead_letter_config", {"target_arn": Expression("aws_sqs_queue.dead_letters.arn")}),
        nested(
            "logging_config",
            {"log_format": "Text", "log_group": Expression(f"aws_cloudwatch_log_group.task_{name}.name")},
        ),
        *_disk(site.definition, task),
        *([nested("tracing_config", {"mode": "Active"})] if chosen.tracing else []),
        *_network(site.definition, task),
        comment=f"Task {task.name}: {task.description or 'no description'}",
    )
    invoked = {"function_name": Expression(f"aws_lambda_function.{name}.function_name")}
    return [
        function,
        resource(
            "aws_lambda_function_event_invoke_config",
            name,
            {
                **invoked,
                "maximum_retry_attempts": ASYNCHRONOUS_RETRIES,
                "maximum_event_age_in_seconds": ASYNCHRONOUS_AGE_SECONDS,
            },
        ),
        log_group(f"task_{name}", f"/aws/lambda/${{local.prefix}}{site.definition.name}-{task.name}"),
    ]


def _disk(definition: Definition, task: Task) -> list[Block]:
    is_sealing = task == sealing_task(definition)
    return [nested("ephemeral_storage", {"size": SEALING_DISK_MB})] if is_sealing else []


def log_group(address: str, name: str) -> Block:
    """Returns a log group that forgets."""
    return resource(
        "aws_cloudwatch_log_group",
        address,
        {"name": Template(name), "retention_in_days": Expression("var.log_retention_days")},
    )


def environment(definition: Definition, task: Task) -> Call:
    """Returns a task's variables: physical names of what it was granted, and nothing else; then what the user adds."""
    granted = {kind: sorted({g.resource for g in task.grants if g.kind == kind}) for kind in Kind}
    values: dict[str, Any] = {"PENSTOCK_TASK": task.name}
    if granted[Kind.LAKE] or granted[Kind.INBOX]:
        values["PENSTOCK_LAKE_BUCKET"] = Expression("aws_s3_bucket.lake.id")
    if granted[Kind.HOT_TABLE]:
        tables = {name: Expression(f"{hot_table_address(name)}.name") for name in granted[Kind.HOT_TABLE]}
        values["PENSTOCK_HOT_TABLES"] = json_of(tables)
    if granted[Kind.TOPIC]:
        topics = {name: Expression(f"aws_sns_topic.{identifier(name)}.arn") for name in granted[Kind.TOPIC]}
        values["PENSTOCK_TOPICS"] = json_of(topics)
    if granted[Kind.QUEUE]:
        queues = {name: Expression(f"{queue_address(name)}.url") for name in granted[Kind.QUEUE]}
        values["PENSTOCK_QUEUES"] = json_of(queues)
    if granted[Kind.EVENT_BUS]:
        buses = {name: Expression(f"{bus_address(name)}.name") for name in granted[Kind.EVENT_BUS]}
        values["PENSTOCK_EVENT_BUSES"] = json_of(buses)
    if warehouses := warehouse.places(definition, task):
        values["PENSTOCK_WAREHOUSES"] = json_of(warehouses)
    # Two deployments in one account publish into namespaces of their own.
    prefixed = Expression('var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }')
    return Call("merge", (values, prefixed, Expression(f'lookup(var.task_environment, "{task.name}", {{}})')))


def _network(definition: Definition, task: Task) -> list[Block]:
    if task == upgrading_task(definition):
        return [warehouse_network.configuration(warehouse_network.UPGRADE)]
    if warehouse_network.joins(task):
        return [warehouse_network.configuration(warehouse_network.TASKS)]
    if not definition.deployment.vpc:
        return []
    group = Expression("aws_security_group.tasks.id")
    return [nested("vpc_config", {"subnet_ids": Expression("var.subnet_ids"), "security_group_ids": [group]})]


def _role(definition: Definition, task: Task) -> list[Block]:
    name = identifier(task.name)
    return role(
        f"task_{name}",
        named(f"{definition.name}-{task.name}"),
        "lambda.amazonaws.com",
        task_statements(definition, task),
        comment=f"What task {task.name} may do: what its may= says, and write its log.",
        own_account=False,
    )


def _dead_letters(definition: Definition) -> list[Block]:
    key = Expression("aws_kms_key.messages.id") if definition.deployment.encryption_key else None
    rules = [*definition.triggers, *definition.event_triggers, *definition.inbox_triggers]
    sent = [Expression(f"aws_cloudwatch_event_rule.{identifier(name)}.arn") for name in rules]
    made = [
        resource(
            "aws_sqs_queue",
            "dead_letters",
            {
                "name": named(f"{definition.name}-dead-letters"),
                "message_retention_seconds": DEAD_LETTER_DAYS * 86_400,
                "sqs_managed_sse_enabled": True if key is None else None,
                "kms_master_key_id": key,
            },
            comment="What could not be delivered or done, for two weeks: `penstock status` counts it.",
        )
    ]
    if sent:
        allowed = {
            "Sid": "RulesSendWhatFailed",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": Expression("aws_sqs_queue.dead_letters.arn"),
            "Condition": {"ArnEquals": {"aws:SourceArn": sent}},
        }
        policy = json_of({"Version": POLICY_VERSION, "Statement": [allowed]})
        body = {"queue_url": Expression("aws_sqs_queue.dead_letters.id"), "policy": policy}
        made.append(resource("aws_sqs_queue_policy", "dead_letters", body))
    return made


CAPABILITY = Capability(
    name="task",
    purpose="A function each, with its own role and log; a queue for what failed for good",
    blocks=blocks,
    limits=limits,
)
