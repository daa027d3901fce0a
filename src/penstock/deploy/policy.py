"""IAM policies as data. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from penstock.deploy.hcl import Block, Expression, Template, json_of, resource

Arn = Expression | Template
POLICY_VERSION = "2012-10-17"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a role may do.

    Attributes:
        sid: letters and digits; unique within its policy.
        resources: what it is allowed on; empty means every resource, which needs a ``reason``.
        condition: narrows it further.
        reason: why AWS offers no narrower resource.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[Arn, ...] = ()
    condition: dict[str, dict[str, Any]] = {}
    reason: str = ""


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Returns a policy document.

    Raises:
        ValueError: a statement names no resource and gives no reason.
    """
    return {"Version": POLICY_VERSION, "Statement": [_statement(one) for one in statements]}


def _statement(one: Statement) -> dict[str, Any]:
    if not one.resources and not one.reason:
        raise ValueError(f"statement {one.sid} allows {one.actions} on everything, without a reason")
    return {
        "Sid": one.sid,
        "Effect": "Allow",
        "Action": list(one.actions),
        "Resource": list(one.resources) if one.resources else "*",
        **({"Condition": one.condition} if one.condition else {}),
    }


def each_once(statements: Iterable[Statement]) -> list[Statement]:
    """Returns statements without the resources for which earlier ones allow the same already."""
    allowed: set[tuple[str, Arn, str]] = set()
    made = []
    for one in statements:
        condition = repr(one.condition)
        left = tuple(
            arn for arn in one.resources if any((action, arn, condition) not in allowed for action in one.actions)
        )
        allowed |= {(action, arn, condition) for action in one.actions for arn in one.resources}
        if left or not one.resources:
            made.append(msgspec.structs.replace(one, resources=left))
    return made


def role(
    address: str, name: Arn, service: str, statements: Sequence[Statement], *, comment: str, own_account: bool = True
) -> list[Block]:
    """Returns a role that one AWS service may take, and its policy.

    Args:
        own_account: only on behalf of this account; Lambda and S3 name no account when they take a role.
            https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    trust: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    if own_account:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": Expression("local.account")}}
    made = [
        resource(
            "aws_iam_role",
            address,
            {
                "name": name,
                "permissions_boundary": Expression("var.permissions_boundary"),
                "assume_role_policy": json_of({"Version": POLICY_VERSION, "Statement": [trust]}),
            },
            comment=comment,
        )
    ]
    if statements:
        reasons = "\n".join(f"{', '.join(s.actions)}: {s.reason}" for s in statements if s.reason)
        made.append(
            resource(
                "aws_iam_role_policy",
                address,
                {
                    "name": "task" if service.startswith("lambda") else "service",
                    "role": Expression(f"aws_iam_role.{address}.id"),
                    "policy": json_of(document(statements)),
                },
                comment=reasons,
            )
        )
    return made
