"""The lake: one bucket for all tables of a pipeline, beside one for results of queries and one for logs."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.deploy.hcl import Block, Expression, Template, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, sid
from penstock.deploy.policy import Statement
from penstock.deploy.resources import bucket
from penstock.model.access import Grant, LakeAction
from penstock.model.datasets import LakeTable
from penstock.model.findings import Finding
from penstock.model.pipeline import Definition

DAY_SECONDS = 86_400
RESULTS_DAYS = 30
LOGS_DAYS = 90
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
FIRST_TRANSITION_DAYS = 30
RULES_LIMIT = 1000
ZONE_OF_ACTION = {
    LakeAction.APPEND: ("s3:PutObject", "raw"),
    LakeAction.READ: ("s3:GetObject", "raw"),
    LakeAction.QUARANTINE: ("s3:PutObject", "quarantine"),
}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the buckets."""
    definition = site.definition
    if not definition.lake_tables:
        return {"storage": _logs(definition)}
    made = bucket.blocks(
        "lake",
        Expression("local.lake_bucket"),
        comment="The lake: raw objects as they arrived, and what did not fit.",
        rules=[one for table in definition.lake_tables.values() for one in _rules(table)],
    )
    notify = resource(
        "aws_s3_bucket_notification",
        "lake",
        {"bucket": Expression("aws_s3_bucket.lake.id"), "eventbridge": True},
        comment="Every new object is an event, which starts the workflows that wait for it.",
    )
    results = bucket.blocks(
        "results",
        Template("${local.bucket_prefix}-results-${local.bucket_suffix}"),
        comment="What queries in Athena answered.",
        rules=[bucket.rule("expire", "", nested("expiration", {"days": RESULTS_DAYS}))],
        versioned=False,
    )
    return {"storage": [*made, notify, *results, *_logs(definition)]}


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on the lake mean: objects below the table's own prefixes, and nothing else."""
    return [
        Statement(
            sid=sid(grant.action, grant.resource),
            actions=(ZONE_OF_ACTION[LakeAction(grant.action)][0],),
            resources=(
                Template(
                    f"${{aws_s3_bucket.lake.arn}}/{ZONE_OF_ACTION[LakeAction(grant.action)][1]}/{grant.resource}/*"
                ),
            ),
        )
        for grant in grants
    ]


def limits(definition: Definition) -> list[Finding]:
    """Returns what S3 would refuse."""
    found = []
    for table in definition.lake_tables.values():
        tiers = [seconds // DAY_SECONDS for seconds in _tiers(table) if seconds is not None]
        if any(days < FIRST_TRANSITION_DAYS for days in tiers):
            found.append(
                Finding(
                    table.place,
                    "lifecycle-too-early",
                    f"lake table {table.name!r} moves to a colder tier before {FIRST_TRANSITION_DAYS} days",
                    f"S3 allows it from {FIRST_TRANSITION_DAYS} days on",
                )
            )
        if table.retain_seconds is not None and any(table.retain_seconds // DAY_SECONDS <= days for days in tiers):
            found.append(
                Finding(
                    table.place,
                    "lifecycle-order",
                    f"lake table {table.name!r} expires before it moves to a colder tier",
                    "let retain= be later than infrequent_after= and archive_after=",
                )
            )
    return found


def _tiers(table: LakeTable) -> tuple[int | None, int | None]:
    return table.infrequent_after_seconds, table.archive_after_seconds


def _rules(table: LakeTable) -> list[Block]:
    return [one for zone in ("raw", "quarantine") if (one := _rule(table, zone)) is not None]


def _rule(table: LakeTable, zone: str) -> Block | None:
    actions = []
    if table.infrequent_after_seconds is not None:
        actions.append(_transition(table.infrequent_after_seconds, "STANDARD_IA"))
    if table.archive_after_seconds is not None:
        actions.append(_transition(table.archive_after_seconds, "GLACIER"))
    if table.retain_seconds is not None:
        actions.append(nested("expiration", {"days": max(1, table.retain_seconds // DAY_SECONDS)}))
    return bucket.rule(f"{zone}-{table.name}", f"{zone}/{table.name}/", *actions) if actions else None


def _transition(seconds: int, tier: str) -> Block:
    return nested("transition", {"days": seconds // DAY_SECONDS, "storage_class": tier})


def _logs(definition: Definition) -> list[Block]:
    sources = [Expression(f"aws_s3_bucket.{name}.arn") for name in ("lake", "results")]
    allowed = []
    if definition.lake_tables:
        allowed.append(bucket.allowance("AccessLogs", "logging.s3.amazonaws.com", "s3:PutObject", "/s3/*", sources))
    if definition.deployment.audit_trail:
        allowed += _trail_allowances()
    return bucket.blocks(
        "logs",
        Template("${local.bucket_prefix}-logs-${local.bucket_suffix}"),
        comment="Who asked for what: access logs of the buckets, and the audit trail.",
        rules=[bucket.rule("expire", "", nested("expiration", {"days": LOGS_DAYS}))],
        versioned=False,
        logged=False,
        statements=allowed,
    )


def _trail_allowances() -> list[Block]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
    trail = [Expression("local.trail_arn")]
    return [
        bucket.allowance("TrailLooks", "cloudtrail.amazonaws.com", "s3:GetBucketAcl", "", trail),
        bucket.allowance("TrailWrites", "cloudtrail.amazonaws.com", "s3:PutObject", "/AWSLogs/*", trail),
    ]


CAPABILITY = Capability(
    name="lake",
    purpose="Raw objects, closed to the public, encrypted, versioned; results of queries; access logs",
    blocks=blocks,
    statements=statements,
    limits=limits,
)
