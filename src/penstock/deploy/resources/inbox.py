"""Inboxes: files below a prefix of the lake's bucket. What starts workflows for them is beside the other triggers."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.deploy.hcl import Block, Expression, Template, nested
from penstock.deploy.kit import Capability, sid
from penstock.deploy.policy import Statement
from penstock.deploy.resources import bucket
from penstock.lake.inbox_keys import inbox_prefix
from penstock.model.access import Grant, InboxAction
from penstock.model.pipeline import Definition

DAY_SECONDS = 86_400


def expiry(definition: Definition) -> list[Block]:
    """Returns the lifecycle rules of inboxes whose files expire."""
    return [
        bucket.rule(
            f"inbox-{inbox.name}",
            inbox_prefix(inbox.name),
            nested("expiration", {"days": max(1, inbox.retain_seconds // DAY_SECONDS)}),
        )
        for inbox in definition.inboxes.values()
        if inbox.retain_seconds is not None
    ]


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on inboxes mean: the files below the inbox's own prefix, and nothing else.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    """
    return [_statement(grant) for grant in grants]


def _statement(grant: Grant) -> Statement:
    prefix = inbox_prefix(grant.resource)
    match InboxAction(grant.action):
        case InboxAction.READ:
            return Statement(
                sid=sid(grant.action, grant.kind, grant.resource),
                actions=("s3:GetObject",),
                resources=(Template(f"${{aws_s3_bucket.lake.arn}}/{prefix}*"),),
            )
        case InboxAction.LIST:
            return Statement(
                sid=sid(grant.action, grant.kind, grant.resource),
                actions=("s3:ListBucket",),
                resources=(Expression("aws_s3_bucket.lake.arn"),),
                condition={"StringLike": {"s3:prefix": [f"{prefix}*"]}},
            )


CAPABILITY = Capability(
    name="inbox",
    purpose="Files of any kind, which start a workflow as they arrive",
    blocks=lambda site: {},
    statements=statements,
)
