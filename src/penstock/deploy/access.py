"""From grants to IAM: what each role may do, each action on the exact resource."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.deploy.functions import sealing_task, upgrading_task
from penstock.deploy.hcl import Expression, Template, identifier
from penstock.deploy.policy import Statement
from penstock.deploy.resources import event_bus, hot_table, inbox, lake, queue, topic, warehouse
from penstock.deploy.resources.warehouse_network import joins
from penstock.model.access import Grant, Kind
from penstock.model.pipeline import Definition
from penstock.model.task import Task

# Metrics are written into the function's log, from which CloudWatch takes them: they need no permission of their own.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
STATEMENTS: dict[Kind, Callable[[Definition, Sequence[Grant]], list[Statement]]] = {
    Kind.LAKE: lake.statements,
    Kind.HOT_TABLE: hot_table.statements,
    Kind.TOPIC: topic.statements,
    Kind.QUEUE: queue.statements,
    Kind.EVENT_BUS: event_bus.statements,
    Kind.INBOX: inbox.statements,
    Kind.WAREHOUSE: warehouse.statements,
}
TRACES = Statement(
    sid="SendTraces",
    actions=("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    reason="X-Ray's write actions have no resource level",
)
# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
SAMPLED_TRACES = Statement(
    sid="SendTraces",
    actions=(*TRACES.actions, "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    reason="X-Ray's actions on traces and sampling have no resource level",
)
USE_KEY = Statement(
    sid="EncryptMessages",
    actions=topic.KEY_ACTIONS,
    resources=(Expression("aws_kms_key.messages.arn"),),
)
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
DELIVER_LOGS = Statement(
    sid="DeliverLogs",
    actions=(
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ),
    reason="Step Functions sets its log delivery up by actions that have no resource level",
)
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
JOIN_NETWORK = Statement(
    sid="JoinNetwork",
    actions=(
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ),
    reason="Lambda asks for these on every resource when it joins a network",
)


def joins_network(definition: Definition, task: Task) -> bool:
    """Tells whether a function is in the network of the pipeline's warehouses."""
    return joins(task) or task == upgrading_task(definition)


def grant_statements(definition: Definition, task: Task) -> list[Statement]:
    """Returns what a task's grants mean."""
    made = []
    for kind, statements in STATEMENTS.items():
        made += statements(definition, sorted(grant for grant in task.grants if grant.kind == kind))
    return made


def task_statements(definition: Definition, task: Task) -> list[Statement]:
    """Returns what a task's role may do."""
    made = grant_statements(definition, task)
    if task == sealing_task(definition):
        made += lake.sealing_statements(definition)
    if task == upgrading_task(definition):
        made += warehouse.upgrading_statements(definition)
    group = f"aws_cloudwatch_log_group.task_{identifier(task.name)}.arn"
    made.append(
        Statement(
            sid="WriteLog",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(Template(f"${{{group}}}:*"),),
        )
    )
    made.append(
        Statement(
            sid="KeepWhatFailed",
            actions=("sqs:SendMessage",),
            resources=(Expression("aws_sqs_queue.dead_letters.arn"),),
        )
    )
    if definition.deployment.encryption_key:
        made.append(USE_KEY)
    if definition.deployment.tracing:
        made.append(TRACES)
    if definition.deployment.vpc or joins_network(definition, task):
        made.append(JOIN_NETWORK)
    return made
