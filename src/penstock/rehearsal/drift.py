"""What a second plan would change although nothing was: a defect of ours, or one of the emulator's, by name.

A difference counts as the emulator's only if the emulator itself, asked once more, shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.deploy.terraform_command import Change

# By the attribute in Terraform, the field of DescribeAlarms.
ALARM_FIELDS = {
    "actions_enabled": "ActionsEnabled",
    "alarm_actions": "AlarmActions",
    "alarm_description": "AlarmDescription",
    "ok_actions": "OKActions",
    "insufficient_data_actions": "InsufficientDataActions",
    "period": "Period",
    "statistic": "Statistic",
    "treat_missing_data": "TreatMissingData",
    "dimensions": "Dimensions",
}


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One resource that a second plan would change.

    Attributes:
        defect: what the emulator does otherwise than AWS; empty when that could not be shown.
    """

    address: str
    attributes: tuple[str, ...]
    defect: str = ""


def explain(changes: Sequence[Change]) -> list[Drift]:
    """Returns what would change, and which of it the emulator is shown to be the cause of. Asks the emulator."""
    return [
        Drift(
            address=change.address,
            attributes=tuple(change.differing),
            defect=next((text for kind, text, shows in DEFECTS if _could_be(change, kind) and shows(change)), ""),
        )
        for change in changes
    ]


def _could_be(change: Change, kind: str) -> bool:
    """What would be made anew, or removed, is no attribute that was not told."""
    return change.type == kind and change.actions == ("update",)


def _alarm_is_as_planned(change: Change) -> bool:
    """Asks in another protocol than the provider does: there the alarm is what was deployed."""
    wanted = change.after or {}
    with calling("describe an alarm once more"):
        found = client("cloudwatch").describe_alarms(AlarmNames=[wanted["alarm_name"]]).get("MetricAlarms", [])
    return len(found) == 1 and all(
        name in ALARM_FIELDS and _plain(found[0].get(ALARM_FIELDS[name])) == _plain(wanted.get(name))
        for name in change.differing
    )


def _trail_has_no_tags(change: Change) -> bool:
    """The tags were sent when the trail was made, and are not there when they are asked for."""
    if set(change.differing) - {"tags", "tags_all"}:
        return False
    with calling("list the tags of the trail"):
        found = client("cloudtrail").list_tags(ResourceIdList=[(change.after or {})["arn"]])["ResourceTagList"]
    return not any(one["TagsList"] for one in found)


def _job_has_no_tags(change: Change) -> bool:
    """The tags were sent when the job was made, and are not there when they are asked for."""
    if set(change.differing) - {"tags", "tags_all"}:
        return False
    with calling("list the tags of the job"):
        return not client("glue").get_tags(ResourceArn=(change.after or {})["arn"])["Tags"]


def _endpoint_knows_no_groups(change: Change) -> bool:
    """Its groups and its names were sent when the endpoint was made, and are not told to anybody."""
    if set(change.differing) - {"private_dns_enabled", "security_group_ids"}:
        return False
    with calling("describe the endpoint"):
        found = client("ec2").describe_vpc_endpoints(VpcEndpointIds=[(change.after or {})["id"]])["VpcEndpoints"]
    return len(found) == 1 and not (found[0].get("Groups") or found[0].get("PrivateDnsEnabled"))


def _plain(value: Any) -> Any:
    """Returns a value as both sides may write it: dimensions as a table, lists in any order, nothing as None."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {one["Name"]: one["Value"] for one in value}
    if isinstance(value, list):
        return sorted(value) or None
    return None if value in ("", {}) else value


DEFECTS: tuple[tuple[str, str, Callable[[Change], bool]], ...] = (
    (
        "aws_cloudwatch_metric_alarm",
        "MiniStack leaves fields out of DescribeAlarms in the Query protocol, which the provider uses; in the protocol"
        " of boto3 the same alarm has them as deployed",
        _alarm_is_as_planned,
    ),
    ("aws_cloudtrail", "MiniStack drops the tags that CreateTrail is given: ListTags has none", _trail_has_no_tags),
    ("aws_glue_job", "MiniStack drops the tags that CreateJob is given: GetTags has none", _job_has_no_tags),
    (
        "aws_vpc_endpoint",
        "MiniStack drops the security groups and the private names that CreateVpcEndpoint is given:"
        " DescribeVpcEndpoints has neither",
        _endpoint_knows_no_groups,
    ),
)
