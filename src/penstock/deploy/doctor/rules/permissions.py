"""Roles that may do more than a task needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.policies import Statement

# Policies that say what a role, a user or a group may do.
IDENTITY_POLICIES = ("aws_iam_role_policy", "aws_iam_policy", "aws_iam_user_policy", "aws_iam_group_policy")
ATTACHMENTS = (
    "aws_iam_role_policy_attachment", "aws_iam_policy_attachment", "aws_iam_user_policy_attachment",
    "aws_iam_group_policy_attachment",
)  # fmt: skip
# Actions for which AWS knows no narrower resource, or that a service asks for on every resource.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
WITHOUT_RESOURCE = frozenset({
    "cloudwatch:putmetricdata", "cloudwatch:listmetrics", "cloudwatch:getmetricdata",
    "ec2:createnetworkinterface", "ec2:describenetworkinterfaces", "ec2:deletenetworkinterface",
    "ec2:describesubnets", "ec2:describesecuritygroups", "ec2:describevpcs", "ec2:assignprivateipaddresses",
    "ec2:unassignprivateipaddresses",
    "lambda:listfunctions", "lambda:listeventsourcemappings",
    "logs:createlogdelivery", "logs:getlogdelivery", "logs:updatelogdelivery", "logs:deletelogdelivery",
    "logs:listlogdeliveries", "logs:putresourcepolicy", "logs:describeresourcepolicies", "logs:describeloggroups",
    "s3:listallmybuckets", "sqs:listqueues", "sns:listtopics", "dynamodb:listtables", "states:liststatemachines",
    "sts:getcalleridentity",
    "xray:puttracesegments", "xray:puttelemetryrecords", "xray:getsamplingrules", "xray:getsamplingtargets",
})  # fmt: skip
_WHOLE_SERVICE = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:\*|[\w-]+[:/]\*)")
_BROAD = re.compile(r"/(?:AdministratorAccess|PowerUserAccess|IAMFullAccess|\w+FullAccess|\w+_FullAccess)$")


def wildcard_actions(plan: Plan) -> Iterator[Fault]:
    """Yields statements that allow actions by a pattern."""
    for address, statement in _allowed(plan):
        patterns = [action for action in statement.actions if "*" in action or "?" in action]
        if patterns:
            yield Fault(address, f"{_name(statement)} allows {', '.join(patterns)}")


def wildcard_resources(plan: Plan) -> Iterator[Fault]:
    """Yields statements that allow actions on every resource, though AWS knows narrower ones."""
    for address, statement in _allowed(plan):
        wide = [one for one in statement.resources if one == "*" or _is_whole_service(one)]
        without_reason = [one for one in statement.actions if one.lower() not in WITHOUT_RESOURCE]
        if wide and without_reason:
            yield Fault(address, f"{_name(statement)} allows {', '.join(without_reason)} on {', '.join(wide)}")


def _is_whole_service(arn: str) -> bool:
    if arn.split(":")[2:3] == ["s3"]:
        return arn.rpartition(":")[2] in {"*", "*/*"}
    return _WHOLE_SERVICE.fullmatch(arn) is not None


def all_but(plan: Plan) -> Iterator[Fault]:
    """Yields statements that allow everything but something."""
    for address, statement in _allowed(plan):
        for element, found in (("NotAction", statement.not_actions), ("NotResource", statement.not_resources)):
            if found:
                yield Fault(address, f"{_name(statement)} allows everything but {', '.join(found)} ({element})")


def broad_managed_policy(plan: Plan) -> Iterator[Fault]:
    """Yields roles with one of AWS's own policies for administrators."""
    for one in plan.of(*ATTACHMENTS, "aws_iam_role"):
        arns = one.texts("policy_arn" if one.type != "aws_iam_role" else "managed_policy_arns")
        for arn in filter(_BROAD.search, arns):
            yield Fault(one.address, f"{arn.rpartition('/')[2]} allows far more than a task needs")


def _allowed(plan: Plan) -> Iterator[tuple[str, Statement]]:
    for one in plan.of(*IDENTITY_POLICIES):
        for statement in plan.policy(one) or ():
            if statement.is_allow:
                yield one.address, statement
    for role in plan.of("aws_iam_role"):
        for inline in role.blocks("inline_policy"):
            for statement in plan.policy(inline) or ():
                if statement.is_allow:
                    yield role.address, statement


def _name(statement: Statement) -> str:
    return f"statement {statement.sid}" if statement.sid else "a statement"


_LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"

RULES = (
    Rule(
        code="iam-action-wildcard",
        severity=Severity.ERROR,
        what="A role with actions such as s3:* or dynamodb:Put*",
        why="It may do what no task asked for, and what AWS adds to the service next year",
        mend="write what the task does in its may=, and let `penstock synth` write the actions",
        page=_LEAST,
        check=wildcard_actions,
    ),
    Rule(
        code="iam-resource-wildcard",
        severity=Severity.ERROR,
        what="A role with Resource * or a whole service, for actions that AWS can narrow",
        why="A task reaches tables, buckets and functions of others in the account",
        mend="write the resource's ARN; only actions without a resource level may have *",
        page=_LEAST,
        check=wildcard_resources,
    ),
    Rule(
        code="iam-all-but",
        severity=Severity.ERROR,
        what="An Allow with NotAction or NotResource",
        why="It allows everything that is not listed, services of next year included",
        mend="list what is allowed as Action and Resource",
        page="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
        check=all_but,
    ),
    Rule(
        code="iam-managed-policy-broad",
        severity=Severity.ERROR,
        what="A role with AdministratorAccess, PowerUserAccess or one of the FullAccess policies",
        why="Who gets hold of one task gets hold of the service, or of the account",
        mend="remove the attachment; write what the task does in its may=",
        page="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html",
        check=broad_managed_policy,
    ),
)
