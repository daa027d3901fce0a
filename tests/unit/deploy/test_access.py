"""What each grant means in IAM: exactly these actions, on exactly these resources.

Actions are those that the operations' API pages name; see also
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from moto.iam.policy_validation import IAMPolicyDocumentValidator, IAMTrustPolicyDocumentValidator
from tests.deployments import everything, metrics, resources

from penstock.deploy.access import task_statements
from penstock.deploy.hcl import Block, Expression, Template
from penstock.model.access import (
    WORKFLOW_ONLY,
    BusAction,
    Grant,
    HotAction,
    Kind,
    LakeAction,
    MetricAction,
    QueueAction,
    TopicAction,
)
from penstock.model.pipeline import Definition

LAKE = "${aws_s3_bucket.lake.arn}"
STOCK = "aws_dynamodb_table.Stock.arn"
LOG = ("${aws_cloudwatch_log_group.task_take.arn}:*",)
DEAD_LETTERS = ("aws_sqs_queue.dead_letters.arn",)
KEY = ("aws_kms_key.messages.arn",)
Allowed = dict[str, tuple[str, ...]]

EXPECTED: list[tuple[Grant, Allowed]] = [
    (Grant(Kind.LAKE, "orders", LakeAction.APPEND), {"s3:PutObject": (f"{LAKE}/raw/orders/*",)}),
    (Grant(Kind.LAKE, "orders", LakeAction.READ), {"s3:GetObject": (f"{LAKE}/raw/orders/*",)}),
    (Grant(Kind.LAKE, "orders", LakeAction.QUARANTINE), {"s3:PutObject": (f"{LAKE}/quarantine/orders/*",)}),
    (
        Grant(Kind.HOT_TABLE, "Stock", HotAction.PUT),
        {"dynamodb:PutItem": (STOCK,), "dynamodb:BatchWriteItem": (STOCK,)},
    ),
    (Grant(Kind.HOT_TABLE, "Stock", HotAction.GET), {"dynamodb:GetItem": (STOCK,)}),
    (Grant(Kind.HOT_TABLE, "Stock", HotAction.QUERY), {"dynamodb:Query": (STOCK, f"${{{STOCK}}}/index/BySeller")}),
    (Grant(Kind.HOT_TABLE, "Stock", HotAction.DELETE), {"dynamodb:DeleteItem": (STOCK,)}),
    (Grant(Kind.TOPIC, "people", TopicAction.PUBLISH), {"sns:Publish": ("aws_sns_topic.people.arn",)}),
    (
        Grant(Kind.QUEUE, "jobs", QueueAction.SEND),
        {"sqs:SendMessage": ("aws_sqs_queue.jobs.arn", "aws_sqs_queue.dead_letters.arn")},
    ),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    (
        Grant(Kind.QUEUE, "jobs", QueueAction.RECEIVE),
        dict.fromkeys(
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"),
            ("aws_sqs_queue.jobs.arn",),
        ),
    ),
    (
        Grant(Kind.EVENT_BUS, "shop-events", BusAction.PUT),
        {"events:PutEvents": ("aws_cloudwatch_event_bus.shop_events.arn",)},
    ),
    # Metrics go by the log, which is written with a permission of its own.
    (Grant(Kind.METRIC, "Late{Shop=north}", MetricAction.PUBLISH), {}),
    (Grant(Kind.NAMESPACE, "shop", MetricAction.PUBLISH), {}),
]
ALWAYS: Allowed = {"logs:CreateLogStream": LOG, "logs:PutLogEvents": LOG, "sqs:SendMessage": DEAD_LETTERS}
# Actions for which AWS has no resource level, or which Lambda asks for on every resource.
ANYWHERE = {
    "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
}  # fmt: skip


def text(value: Any) -> str:
    assert isinstance(value, Expression | Template)
    return value.text


def allowed(definition: Definition, *grants: Grant) -> Allowed:
    """Returns the resources of each action that a task with these grants may perform."""
    task = msgspec.structs.replace(definition.tasks["take"], grants=grants)
    made: Allowed = {}
    for statement in task_statements(definition, task):
        for action in statement.actions:
            resources_of = tuple(map(text, statement.resources))
            assert not set(resources_of) & set(made.get(action, ()))
            made[action] = made.get(action, ()) + resources_of
    return made


def statements(definition: Definition) -> list[tuple[Block, dict[str, Any]]]:
    """Returns every statement of every role's policy, as it is written."""
    policies = resources(definition, "aws_iam_role_policy")
    return [(one, s) for one in policies for s in one.body["policy"].arguments[0]["Statement"]]


@pytest.fixture(scope="module")
def plain() -> Definition:
    return everything(tracing=False, vpc=False, encryption_key=False, replica_region=None)


@pytest.fixture(scope="module")
def whole() -> Definition:
    return everything()


class TestTasks:
    @pytest.mark.parametrize(("grant", "expected"), EXPECTED, ids=[str(grant) for grant, _ in EXPECTED])
    def test_a_grant_is_these_actions_on_these_resources(
        self, grant: Grant, expected: Allowed, plain: Definition
    ) -> None:
        assert allowed(plain, grant) == {**ALWAYS, **expected}

    def test_every_grant_there_is_has_been_tried(self) -> None:
        tried = {(grant.kind, grant.action) for grant, _ in EXPECTED}
        kinds = {
            Kind.LAKE: LakeAction, Kind.HOT_TABLE: HotAction, Kind.TOPIC: TopicAction, Kind.METRIC: MetricAction,
            Kind.NAMESPACE: MetricAction, Kind.QUEUE: QueueAction, Kind.EVENT_BUS: BusAction,
        }  # fmt: skip
        assert tried == {
            (kind, one)
            for kind, actions in kinds.items()
            for one in set(actions) - WORKFLOW_ONLY.get(kind, frozenset())
        }
        # Those of inboxes and warehouses are tried beside their resources.
        assert set(Kind) == {*kinds, Kind.WORKFLOW, Kind.INBOX, Kind.WAREHOUSE}

    def test_nothing_is_granted_without_a_grant(self, plain: Definition) -> None:
        assert allowed(plain) == ALWAYS

    def test_a_key_is_used_by_whoever_sends(self, plain: Definition) -> None:
        chosen = msgspec.structs.replace(plain.deployment, encryption_key=True)
        definition = msgspec.structs.replace(plain, deployment=chosen)
        assert allowed(definition) == {**ALWAYS, "kms:Decrypt": KEY, "kms:GenerateDataKey": KEY}

    def test_tracing_adds_what_the_daemon_of_lambda_does(self, plain: Definition) -> None:
        chosen = msgspec.structs.replace(plain.deployment, tracing=True)
        made = allowed(msgspec.structs.replace(plain, deployment=chosen))
        assert made == {**ALWAYS, "xray:PutTraceSegments": (), "xray:PutTelemetryRecords": ()}

    def test_a_network_adds_what_lambda_does_to_join_it(self, plain: Definition) -> None:
        # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html
        chosen = msgspec.structs.replace(plain.deployment, vpc=True)
        made = allowed(msgspec.structs.replace(plain, deployment=chosen))
        assert {action for action in made if action not in ALWAYS} == {
            one for one in ANYWHERE if one.startswith("ec2:")
        }


class TestOtherRoles:
    def test_a_workflow_calls_its_own_tasks_and_no_other(self, plain: Definition) -> None:
        called = {
            policy.labels[1]: [text(arn) for arn in statement["Resource"]]
            for policy, statement in statements(plain)
            if "lambda:InvokeFunction" in statement["Action"]
        }
        take, tell = "aws_lambda_function.take.arn", "aws_lambda_function.tell.arn"
        assert called == {
            "workflow_mornings": [take, tell],
            "workflow_hourly": [take],
            "workflow_tell": [tell],
            "workflow_hand_on": ["aws_lambda_function.hand_on.arn"],
        }

    def test_a_traced_workflow_may_sample(self, whole: Definition) -> None:
        # https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
        traced = [
            s["Action"] for p, s in statements(whole) if p.labels[1] == "workflow_hourly" and s["Sid"] == "SendTraces"
        ]
        assert traced == [
            ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"]
        ]

    def test_a_schedule_starts_its_workflow_and_keeps_what_failed(self, whole: Definition) -> None:
        made = {a: s["Resource"] for p, s in statements(whole) if p.labels[1] == "schedule_hourly" for a in s["Action"]}
        assert {action: tuple(map(text, found)) for action, found in made.items()} == {
            "states:StartExecution": ("aws_sfn_state_machine.hourly.arn",),
            "sqs:SendMessage": DEAD_LETTERS,
            "kms:Decrypt": KEY,
            "kms:GenerateDataKey": KEY,
        }

    def test_a_trigger_starts_its_workflow(self, whole: Definition) -> None:
        made = [s for p, s in statements(whole) if p.labels[1] == "trigger_tell"]
        assert [(s["Action"], [text(arn) for arn in s["Resource"]]) for s in made] == [
            (["states:StartExecution"], ["aws_sfn_state_machine.tell.arn"])
        ]

    def test_replication_reads_the_lake_and_writes_the_copy(self, whole: Definition) -> None:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
        made = {
            action: [text(arn) for arn in s["Resource"]]
            for p, s in statements(whole)
            if p.labels[1] == "replication"
            for action in s["Action"]
        }
        lake, objects = ["aws_s3_bucket.lake.arn"], ["${aws_s3_bucket.lake.arn}/*"]
        copies = ["${aws_s3_bucket.replica.arn}/*"]
        assert made == {
            "s3:GetReplicationConfiguration": lake,
            "s3:ListBucket": lake,
            "s3:GetObjectVersionForReplication": objects,
            "s3:GetObjectVersionAcl": objects,
            "s3:GetObjectVersionTagging": objects,
            "s3:ReplicateObject": copies,
            "s3:ReplicateTags": copies,
        }
        [role] = [r for r in resources(whole, "aws_iam_role") if r.labels[1] == "replication"]
        [trust] = role.body["assume_role_policy"].arguments[0]["Statement"]
        assert trust == {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "s3.amazonaws.com"}}


@pytest.mark.parametrize("make", [metrics, everything])
class TestEverywhere:
    def test_a_star_stands_only_where_aws_has_no_resources(self, make: Any) -> None:
        for policy, statement in statements(make()):
            if statement["Resource"] == "*":
                assert set(statement["Action"]) <= ANYWHERE, policy.address
                assert ", ".join(statement["Action"]) in policy.comment
            else:
                assert all(isinstance(arn, Expression | Template) for arn in statement["Resource"]), policy.address

    def test_no_action_is_a_pattern(self, make: Any) -> None:
        assert not [s["Action"] for _, s in statements(make()) if any("*" in action for action in s["Action"])]

    def test_every_function_workflow_schedule_and_trigger_has_a_role_of_its_own(self, make: Any) -> None:
        definition = make()
        roles = [one.labels[1] for one in resources(definition, "aws_iam_role")]
        kinds = {"task": "tasks", "workflow": "workflows", "schedule": "schedules", "trigger": "triggers"}
        wanted = {
            f"{kind}_{name.replace('-', '_')}" for kind, many in kinds.items() for name in getattr(definition, many)
        }
        assert wanted <= set(roles)
        assert len(roles) == len(set(roles))

    def test_statement_ids_are_letters_and_digits_and_unique(self, make: Any) -> None:
        seen: set[tuple[str, str]] = set()
        for policy, statement in statements(make()):
            assert statement["Sid"].isalnum()
            assert (policy.address, statement["Sid"]) not in seen
            seen.add((policy.address, statement["Sid"]))

    def test_every_policy_is_one_that_iam_takes(self, make: Any) -> None:
        definition = make()
        written = [one.body["policy"] for one in resources(definition, "aws_iam_role_policy")]
        for policy in written:
            IAMPolicyDocumentValidator(
                json.dumps(policy.arguments[0], default=lambda _: "arn:aws:s3:::mock")
            ).validate()
        for role in resources(definition, "aws_iam_role"):
            trust = json.dumps(role.body["assume_role_policy"].arguments[0], default=lambda _: "123456789012")
            IAMTrustPolicyDocumentValidator(trust).validate()
