"""Every rule catches what it is for, in a good plan that was spoilt in one place, and nothing else in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from penstock.deploy.doctor import RULES, examine

if TYPE_CHECKING:
    from conftest import Deployment

Spoil = Callable[["Deployment"], str]

LAKE = "aws_s3_bucket.lake"
TABLE = "aws_dynamodb_table.InfraMetrics"
FUNCTION = "aws_lambda_function.collect_cpu"
TOPIC = "aws_sns_topic.infra_monitoring_alerts"
SUBSCRIPTION = 'aws_sns_topic_subscription.infra_monitoring_alerts["ops@example.com"]'
CPU = "aws_cloudwatch_metric_alarm.HighCPUUtilization"
ERRORS = "aws_cloudwatch_metric_alarm.DataCollectorErrors"
DEAD_MAN = "aws_cloudwatch_metric_alarm.dead_man_task_collect_cpu"
SCHEDULE = "aws_scheduler_schedule.metrics"
GROUP = "aws_cloudwatch_log_group.task_collect_cpu"
ROLE_POLICY = "aws_iam_role_policy.task_collect_cpu"
WORKGROUP = "aws_athena_workgroup.queries"
QUEUE = "aws_sqs_queue.dead_letters"
KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"  # the one of AWS's documentation


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Mine", "Effect": "Allow", **statement}]})


def may(**statement: Any) -> Spoil:
    return lambda plan: plan.edit(ROLE_POLICY, policy=policy(**statement))


def edit(address: str, **attributes: Any) -> Spoil:
    return lambda plan: plan.edit(address, **attributes)


def add(address: str, **attributes: Any) -> Spoil:
    return lambda plan: plan.add(address, **attributes)


def without(address: str, at: str) -> Spoil:
    def spoil(plan: Deployment) -> str:
        plan.remove(address)
        return at

    return spoil


def deleted(address: str, *actions: str) -> Spoil:
    def spoil(plan: Deployment) -> str:
        plan[address]["change"]["actions"] = list(actions)
        return address

    return spoil


def variable(name: str, value: Any) -> Spoil:
    def spoil(plan: Deployment) -> str:
        plan.document["variables"][name] = {"value": value}
        return f"var.{name}"

    return spoil


def provider(**keys: str) -> Spoil:
    def spoil(plan: Deployment) -> str:
        expressions = {name: {"constant_value": value} for name, value in keys.items()}
        plan.document["configuration"]["provider_config"] = {"aws": {"name": "aws", "expressions": expressions}}
        return "provider.aws"

    return spoil


def workgroup(**attributes: Any) -> Spoil:
    def spoil(plan: Deployment) -> str:
        plan[WORKGROUP]["change"]["after"]["configuration"][0] |= attributes
        return WORKGROUP

    return spoil


def suspended(plan: Deployment) -> str:
    plan.edit("aws_s3_bucket_versioning.lake", versioning_configuration=[{"status": "Suspended"}])
    return LAKE


def fleet(plan: Deployment) -> str:
    body = {"namespace": "InfraMonitoring", "metric_name": "HostCPU", "statistic": "Maximum", "period": 10_800,
            "evaluation_periods": 1, "threshold": 80, "comparison_operator": "GreaterThanThreshold"}  # fmt: skip
    for number in range(5):
        plan.add(
            f"aws_cloudwatch_metric_alarm.host_{number}",
            {"alarm_actions": [f"{TOPIC}.arn", TOPIC]},
            **body,
            alarm_name=f"host-{number}",
            dimensions={"InstanceId": f"i-{number}"},
        )
    return "aws_cloudwatch_metric_alarm.host_0"


def dashboard_of_hosts(plan: Deployment) -> str:
    rows = [
        ["InfraMonitoring", "HostCPU", "InstanceId", "i-0"],
        *([".", ".", ".", f"i-{n}"] for n in range(1, 4)),
        ["...", "i-4"],
    ]
    body = json.dumps({"widgets": [{"type": "metric", "properties": {"metrics": rows}}]})
    return plan.edit("aws_cloudwatch_dashboard.infra_monitoring", dashboard_body=body)


def queue_open(**condition: Any) -> Spoil:
    statement = {"Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", "Condition": condition}
    return edit("aws_sqs_queue_policy.dead_letters", policy=policy(**statement))


def dynamo(plan: Deployment) -> str:
    plan.edit(TABLE, point_in_time_recovery=[{"enabled": False}])
    return TABLE


MUTATIONS: dict[str, list[Spoil]] = {
    "data-deleted": [deleted(LAKE, "delete"), deleted(TABLE, "delete", "create"), deleted(TABLE, "create", "delete")],
    "bucket-force-destroy": [edit(LAKE, force_destroy=True)],
    "table-unprotected": [
        edit(TABLE, deletion_protection_enabled=False),
        edit(TABLE, deletion_protection_enabled=None),
    ],
    "database-unprotected": [
        add("aws_db_instance.orders", storage_encrypted=True, deletion_protection=False),
        add("aws_db_instance.orders", storage_encrypted=True, deletion_protection=True, skip_final_snapshot=True),
        add("aws_rds_cluster.orders", storage_encrypted=True, deletion_protection=True, backup_retention_period=0),
    ],
    "table-without-recovery": [dynamo, edit(TABLE, point_in_time_recovery=[])],
    "bucket-unversioned": [
        suspended,
        without("aws_s3_bucket_versioning.lake", LAKE),
    ],
    "secret-shown": [
        edit(FUNCTION, environment=[{"variables": {"DB_PASSWORD": "correct horse"}}]),
        edit(FUNCTION, environment=[{"variables": {"dbApiKey": "correct horse"}}]),
        edit(FUNCTION, environment=[{"variables": {"WHERE": "postgres://penstock:battery@db.internal/orders"}}]),
        edit(FUNCTION, environment=[{"variables": {"SETTINGS": json.dumps({"chat": {"token": "correct horse"}})}}]),
        edit(SUBSCRIPTION, protocol="https", endpoint="https://ops:battery@example.com/alerts"),
        edit("aws_sfn_state_machine.metrics", definition=json.dumps({"Comment": f"with {KEY_ID}"})),
    ],
    "secret-in-variable": [
        variable("task_environment", {"collect_cpu": {"API_TOKEN": "correct horse"}}),
        variable("deploy_key", "-----BEGIN RSA PRIVATE KEY-----\nMIIB"),
    ],
    "secret-in-state": [
        add("aws_secretsmanager_secret_version.chat", secret_string="correct horse"),
        add("aws_ssm_parameter.chat", type="SecureString", value="correct horse"),
        add("aws_iam_access_key.robot", user="robot"),
        add("random_password.database", length=20),
        lambda plan: plan.add(
            "aws_rds_cluster.orders",
            {"master_password": ["random_password.database.result"]},
            storage_encrypted=True,
            deletion_protection=True,
        ),
    ],
    "credentials-in-configuration": [provider(access_key=KEY_ID)],
    "bucket-open": [
        edit("aws_s3_bucket_public_access_block.lake", restrict_public_buckets=False),
        edit("aws_s3_bucket_public_access_block.lake", block_public_policy=None),
        without("aws_s3_bucket_public_access_block.lake", LAKE),
    ],
    "acl-public": [add("aws_s3_bucket_acl.lake", bucket="metrics-lake-000000000000-us-east-1", acl="public-read")],
    "policy-for-anyone": [
        queue_open(),
        queue_open(StringNotEquals={"aws:SourceAccount": "111122223333"}),
        queue_open(StringEqualsIfExists={"aws:SourceAccount": "000000000000"}),
        queue_open(IpAddress={"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}),
        queue_open(StringEquals={"aws:RequestedRegion": "us-east-1"}),
        edit(
            "aws_iam_role.task_collect_cpu", assume_role_policy=policy(Principal={"AWS": "*"}, Action="sts:AssumeRole")
        ),
        add("aws_lambda_permission.world", function_name="metrics-collect_cpu", principal="*"),
    ],
    "service-of-any-account": [
        edit(
            "aws_sqs_queue_policy.dead_letters",
            policy=policy(Principal={"Service": "events.amazonaws.com"}, Action="sqs:SendMessage", Resource="*"),
        ),
        add("aws_lambda_permission.s3", function_name="metrics-collect_cpu", principal="s3.amazonaws.com"),
    ],
    "function-url-open": [add("aws_lambda_function_url.cpu", function_name="x", authorization_type="NONE")],
    "database-public": [
        add("aws_db_instance.orders", storage_encrypted=True, deletion_protection=True, publicly_accessible=True)
    ],
    "port-open": [
        add("aws_security_group.tasks", ingress=[{"from_port": 443, "cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]),
        add("aws_security_group_rule.in", type="ingress", ipv6_cidr_blocks=["::/0"]),
        add("aws_vpc_security_group_ingress_rule.in", cidr_ipv4="0.0.0.0/0"),
    ],
    "iam-action-wildcard": [
        may(Action="*", Resource="arn:aws:s3:::one/key"),
        may(Action=["s3:GetObject", "dynamodb:Put*"], Resource="arn:aws:s3:::one/key"),
    ],
    "iam-resource-wildcard": [
        may(Action="s3:GetObject", Resource="*"),
        may(Action=["xray:PutTraceSegments", "sns:Publish"], Resource="*"),
        may(Action="s3:GetObject", Resource="arn:aws:s3:::*"),
        may(Action="dynamodb:PutItem", Resource="arn:aws:dynamodb:us-east-1:000000000000:table/*"),
        may(Action="lambda:InvokeFunction", Resource=["arn:aws:lambda:us-east-1:000000000000:function:*"]),
    ],
    "iam-all-but": [
        may(NotAction="iam:CreateUser", Resource="arn:aws:s3:::one/key"),
        may(Action="s3:GetObject", NotResource="arn:aws:s3:::one/key"),
    ],
    "iam-managed-policy-broad": [
        add("aws_iam_role_policy_attachment.it", role="r", policy_arn="arn:aws:iam::aws:policy/AdministratorAccess"),
        add("aws_iam_role_policy_attachment.it", role="r", policy_arn="arn:aws:iam::aws:policy/AmazonS3FullAccess"),
    ],
    "unencrypted": [
        edit(QUEUE, sqs_managed_sse_enabled=False),
        add("aws_db_instance.orders", storage_encrypted=False, deletion_protection=True),
        add("aws_kinesis_stream.orders", name="orders"),
        add("aws_kinesis_firehose_delivery_stream.orders", server_side_encryption=[]),
        add("aws_ebs_volume.scratch", size=8),
        add("aws_instance.web", root_block_device=[{"encrypted": False}]),
    ],
    "results-unencrypted": [
        workgroup(result_configuration=[{"output_location": "s3://metrics-results-000000000000-us-east-1/athena/"}]),
        workgroup(enforce_workgroup_configuration=False),
    ],
    "bucket-without-tls": [without("aws_s3_bucket_policy.lake[0]", LAKE)],
    "topic-unsubscribed": [without(SUBSCRIPTION, TOPIC)],
    "subscription-not-confirmed": [edit(SUBSCRIPTION, pending_confirmation=True)],
    "subscription-plain-http": [edit(SUBSCRIPTION, protocol="http", endpoint="http://example.com/alerts")],
    "topic-key-refuses-alarms": [edit(TOPIC, kms_master_key_id="alias/aws/sns")],
    "alarm-window-impossible": [
        edit(CPU, period=5_400 + 7),
        edit(CPU, period=86_400, evaluation_periods=8, datapoints_to_alarm=2),
    ],
    "alarm-datapoints": [edit(ERRORS, datapoints_to_alarm=2)],
    "alarm-without-action": [
        edit(CPU, alarm_actions=[]),
        edit(CPU, alarm_actions=None),
        edit(CPU, actions_enabled=False),
    ],
    "alarm-topic-unknown": [
        edit(CPU, alarm_actions=["arn:aws:sns:us-east-1:000000000000:old-alerts"]),
        edit(CPU, ok_actions=["infra-monitoring-alerts"]),
    ],
    "composite-dangling": [
        lambda plan: plan.add(
            "aws_cloudwatch_composite_alarm.both",
            {"alarm_actions": [f"{TOPIC}.arn", TOPIC]},
            alarm_name="both",
            alarm_rule='ALARM("HighCPUUtilization") AND ALARM("HighDiskUtilization")',
        )
    ],
    "dead-man-silent": [
        edit(DEAD_MAN, treat_missing_data="notBreaching"),
        edit(DEAD_MAN, treat_missing_data="missing"),
    ],
    "dead-man-hasty": [
        edit(DEAD_MAN, evaluation_periods=11, datapoints_to_alarm=11),  # 2 h 45 min of a cadence of 3 h
        edit(DEAD_MAN, period=60, evaluation_periods=24, datapoints_to_alarm=24),
    ],
    "alarm-faster-than-data": [
        edit(CPU, period=300, evaluation_periods=2, datapoints_to_alarm=2),
        edit(CPU, period=3600, evaluation_periods=5, datapoints_to_alarm=5),
    ],
    "alarm-misaligned": [edit(ERRORS, period=14_400)],
    "function-outlives-schedule": [
        lambda plan: plan.edit(SCHEDULE, schedule_expression="rate(5 minutes)") and plan.edit(FUNCTION, timeout=600)
    ],
    "schedule-unreadable": [
        edit(SCHEDULE, schedule_expression="cron(0 0/3 * * *)"),
        edit(SCHEDULE, schedule_expression="cron(0 0 30 2 ? *)"),
    ],
    "schedule-disabled": [edit(SCHEDULE, state="DISABLED")],
    "log-never-expires": [edit(GROUP, retention_in_days=0), edit(GROUP, retention_in_days=None)],
    "function-without-log-group": [without(GROUP, FUNCTION)],
    "nat-gateway": [add("aws_nat_gateway.out", subnet_id="subnet-1")],
    "metric-per-dimension": [
        edit(
            "aws_cloudwatch_log_metric_filter.killed_collect_cpu",
            metric_transformation=[
                {"namespace": "Penstock", "name": "x", "value": "1", "dimensions": {"Host": "$.host"}}
            ],
        )
    ],
    "metric-fan-out": [fleet, dashboard_of_hosts],
    "scan-without-limit": [workgroup(bytes_scanned_cutoff_per_query=None)],
    "paid-while-idle": [
        edit(TABLE, billing_mode="PROVISIONED"),
        add("aws_lambda_provisioned_concurrency_config.cpu", provisioned_concurrent_executions=1),
    ],
}
CASES = [
    pytest.param(code, spoil, id=f"{code}-{n}") for code, many in MUTATIONS.items() for n, spoil in enumerate(many)
]


def test_every_rule_has_a_mutation() -> None:
    assert MUTATIONS.keys() == RULES.keys()


def test_good_plans_have_no_finding(plan: Deployment, replan: Deployment) -> None:
    assert plan.findings() == []
    assert replan.findings() == []
    assert examine(replan.as_state()) == []


@pytest.mark.parametrize(("code", "spoil"), CASES)
def test_a_first_plan_that_was_spoilt(plan: Deployment, code: str, spoil: Spoil) -> None:
    address = spoil(plan)
    assert plan.found() == {(code, address)}


@pytest.mark.parametrize(("code", "spoil"), CASES)
def test_a_second_plan_that_was_spoilt(replan: Deployment, code: str, spoil: Spoil) -> None:
    address = spoil(replan)
    assert replan.found() == {(code, address)}
