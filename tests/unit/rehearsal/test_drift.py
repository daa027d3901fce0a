"""A change of a second plan is the emulator's only when the emulator itself shows it."""

from typing import Any

import msgspec
import pytest

from penstock.adapters.aws.session import client
from penstock.deploy.terraform_command import Change
from penstock.rehearsal.drift import explain

PLANNED: dict[str, Any] = {
    "alarm_name": "Hot", "period": 3600, "statistic": "Maximum", "dimensions": {"Room": "a"}, "actions_enabled": True,
    "alarm_actions": ["arn:aws:sns:eu-central-1:123456789012:people"], "treat_missing_data": "missing",
    "alarm_description": None, "threshold": 30,
}  # fmt: skip
# What the provider reads of MiniStack: fields are missing.
READ = {"alarm_name": "Hot", "threshold": 30, "period": 60, "statistic": "", "dimensions": {}, "actions_enabled": False}


@pytest.fixture(autouse=True)
def _aws(aws: str) -> None:
    """Every test has an empty AWS."""


def deploy_alarm(**differently: Any) -> None:
    alarm = {
        "AlarmName": "Hot", "Namespace": "weather", "MetricName": "Temperature", "Period": 3600,
        "Statistic": "Maximum", "Dimensions": [{"Name": "Room", "Value": "a"}], "ActionsEnabled": True,
        "AlarmActions": PLANNED["alarm_actions"], "TreatMissingData": "missing", "Threshold": 30.0,
        "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip
    client("cloudwatch").put_metric_alarm(**{**alarm, **differently})


def change(**options: Any) -> Change:
    defaults: dict[str, Any] = {
        "address": "aws_cloudwatch_metric_alarm.Hot", "type": "aws_cloudwatch_metric_alarm", "actions": ("update",),
        "before": READ, "after": PLANNED,
    }  # fmt: skip
    return Change(**{**defaults, **options})


def test_an_alarm_that_is_as_deployed_is_the_emulators_defect() -> None:
    deploy_alarm()
    (found,) = explain([change()])
    assert found.defect.startswith("MiniStack leaves fields out of DescribeAlarms")
    assert found.attributes == (
        "actions_enabled", "alarm_actions", "dimensions", "period", "statistic", "treat_missing_data",
    )  # fmt: skip


@pytest.mark.parametrize(
    "differently",
    [
        {"Period": 60},
        {"Statistic": "Average"},
        {"ActionsEnabled": False},
        {"AlarmActions": []},
        {"Dimensions": [{"Name": "Room", "Value": "b"}]},
        {"AlarmDescription": "by hand"},
    ],
)
def test_an_alarm_that_somebody_changed_is_not(differently: dict[str, Any]) -> None:
    deploy_alarm(**differently)
    (found,) = explain([change(before={**READ, "alarm_description": differently.get("AlarmDescription")})])
    assert found.defect == ""


def test_what_is_switched_off_is_not_what_was_never_said() -> None:
    deploy_alarm(ActionsEnabled=False)
    assert explain([change(after={**PLANNED, "actions_enabled": None})])[0].defect == ""


def test_an_alarm_that_is_gone_or_made_anew_is_not() -> None:
    assert explain([change()])[0].defect == ""
    deploy_alarm()
    assert explain([change(actions=("create",), before=None)])[0].defect == ""
    assert explain([change(actions=("delete", "create"))])[0].defect == ""
    assert explain([change(actions=("delete",), after=None)])[0].defect == ""


def test_an_attribute_that_cannot_be_asked_for_once_more_is_not_explained() -> None:
    deploy_alarm()
    assert explain([change(before={**READ, "threshold": 20})])[0].defect == ""


def trail(**tags: str) -> Change:
    s3 = client("s3")
    s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    arn = client("cloudtrail").create_trail(Name="audit", S3BucketName="trail")["TrailARN"]
    if tags:
        wanted = [{"Key": name, "Value": value} for name, value in tags.items()]
        client("cloudtrail").add_tags(ResourceId=arn, TagsList=wanted)
    after = {"arn": arn, "tags": None, "tags_all": {"pipeline": "metrics"}, "name": "audit"}
    return change(address="aws_cloudtrail.audit", type="aws_cloudtrail", before={**after, "tags_all": {}}, after=after)


def test_a_trail_whose_tags_are_not_there_is_the_emulators_defect() -> None:
    assert explain([trail()])[0].defect.startswith("MiniStack drops the tags")


def test_a_trail_that_has_tags_or_differs_in_more_is_not() -> None:
    tagged = trail(pipeline="other")
    assert explain([tagged])[0].defect == ""
    client("cloudtrail").remove_tags(
        ResourceId=str((tagged.after or {})["arn"]), TagsList=[{"Key": "pipeline", "Value": "other"}]
    )
    assert explain([tagged])[0].defect
    renamed = Change(
        address=tagged.address, type=tagged.type, actions=tagged.actions, before=tagged.before,
        after={**(tagged.after or {}), "name": "other"},
    )  # fmt: skip
    assert explain([renamed])[0].defect == ""


def test_every_other_resource_is_a_defect_of_ours_until_shown_otherwise() -> None:
    found = explain([change(address="aws_sqs_queue.q", type="aws_sqs_queue", before={"a": 1}, after={"a": 2})])
    assert [(one.address, one.attributes, one.defect) for one in found] == [("aws_sqs_queue.q", ("a",), "")]


def endpoint(**given: Any) -> Change:
    network = client("ec2").create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    made = client("ec2").create_vpc_endpoint(
        VpcId=network, ServiceName="com.amazonaws.eu-central-1.secretsmanager", VpcEndpointType="Interface", **given
    )["VpcEndpoint"]
    after = {"id": made["VpcEndpointId"], "private_dns_enabled": True, "security_group_ids": ["sg-1"], "policy": "{}"}
    before = {**after, "private_dns_enabled": False, "security_group_ids": []}
    return change(address="aws_vpc_endpoint.secrets", type="aws_vpc_endpoint", before=before, after=after)


def test_an_endpoint_that_tells_neither_groups_nor_names_is_the_emulators_defect() -> None:
    (found,) = explain([endpoint(PrivateDnsEnabled=False)])
    assert found.attributes == ("private_dns_enabled", "security_group_ids")
    assert found.defect.startswith("MiniStack drops the security groups")


def test_an_endpoint_that_differs_in_something_else_or_tells_is_not() -> None:
    dropped = endpoint(PrivateDnsEnabled=False)
    other = msgspec.structs.replace(dropped, after={**(dropped.after or {}), "policy": "{1}"})
    assert explain([other])[0].defect == ""
    assert explain([endpoint(PrivateDnsEnabled=True)])[0].defect == ""


def job(**given: Any) -> Change:
    client("glue").create_job(Name="etl", Role="role", Command={"Name": "glueetl"}, **given)
    arn = "arn:aws:glue:eu-central-1:123456789012:job/etl"
    after = {"arn": arn, "tags_all": {"pipeline": "shop"}, "timeout": 15}
    return change(address="aws_glue_job.etl", type="aws_glue_job", before={**after, "tags_all": {}}, after=after)


def test_a_job_without_the_tags_that_it_was_given_is_the_emulators_defect() -> None:
    changed = job()
    assert explain([changed])[0].defect.startswith("MiniStack drops the tags that CreateJob")
    other = msgspec.structs.replace(changed, after={**(changed.after or {}), "timeout": 1})
    assert explain([other])[0].defect == ""


def test_a_job_with_tags_is_not() -> None:
    assert explain([job(Tags={"pipeline": "shop"})])[0].defect == ""
