"""What is left in an account is found, of every kind and on every page, on moto."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.adapters.aws.session import client
from penstock.rehearsal.leftovers import leftovers

REGION = "eu-central-1"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
READ = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
ECHO = json.dumps({"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}})
ROLE = "arn:aws:iam::123456789012:role/states"


@pytest.fixture(autouse=True)
def _empty(aws: str) -> None:
    assert leftovers() == []


def bucket() -> None:
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})


def alarm() -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName="Hot", Namespace="n", MetricName="m", Period=60, Statistic="Sum", Threshold=1.0, EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip


def table() -> None:
    client("dynamodb").create_table(
        TableName="Stock", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip


def schedule() -> None:
    client("scheduler").create_schedule(
        Name="hourly", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": ROLE, "RoleArn": ROLE},
    )  # fmt: skip


KINDS: list[tuple[str, Callable[[], Any]]] = [
    ("s3: lake", bucket),
    ("cloudwatch: Hot", alarm),
    ("dynamodb: Stock", table),
    ("scheduler: hourly", schedule),
    ("scheduler: own", lambda: client("scheduler").create_schedule_group(Name="own")),
    ("stepfunctions: m", lambda: client("stepfunctions").create_state_machine(name="m", definition=ECHO, roleArn=ROLE)),
    ("events: r", lambda: client("events").put_rule(Name="r", ScheduleExpression="rate(1 hour)")),
    ("logs: /aws/lambda/x", lambda: client("logs").create_log_group(logGroupName="/aws/lambda/x")),
    ("iam: r", lambda: client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)),
    ("iam: p", lambda: client("iam").create_policy(PolicyName="p", PolicyDocument=READ)),
    ("glue: d", lambda: client("glue").create_database(DatabaseInput={"Name": "d"})),
    ("athena: w", lambda: client("athena").create_work_group(Name="w")),
    ("cloudwatch: d", lambda: client("cloudwatch").put_dashboard(DashboardName="d", DashboardBody="{}")),
]


@pytest.mark.parametrize(("name", "make"), KINDS, ids=[name for name, _ in KINDS])
def test_one_of_each_kind_is_found_by_name(name: str, make: Callable[[], Any]) -> None:
    make()
    assert leftovers() == [name]


def test_queues_and_topics_are_found() -> None:
    client("sqs").create_queue(QueueName="q")
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    found = leftovers()
    assert f"sns: {topic}" in found
    assert [one for one in found if one.startswith("sqs: ") and one.endswith("/q")]
    assert len(found) == 2


def test_every_page_is_read() -> None:
    # A page of log groups has at most 50.
    for number in range(120):
        client("logs").create_log_group(logGroupName=f"/aws/lambda/{number:03}")
    assert leftovers() == [f"logs: /aws/lambda/{number:03}" for number in range(120)]
