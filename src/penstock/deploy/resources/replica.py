"""A copy of the lake in a second region. Hot tables have their replica in their own block.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
"""

from __future__ import annotations

from penstock.deploy.hcl import Block, Expression, Template, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, has_bucket, named
from penstock.deploy.policy import Statement, role
from penstock.deploy.resources import bucket, inbox
from penstock.deploy.resources.lake import table_rules
from penstock.errors import Finding
from penstock.model.pipeline import Definition

PROVIDER = Expression("aws.replica")


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the second bucket, the rule that copies, and the role that it is done under."""
    definition = site.definition
    if definition.deployment.replica_region is None or not has_bucket(definition):
        return {}
    return {"storage": [*_bucket(definition), _rule()], "access": _role(definition.name)}


def limits(definition: Definition) -> list[Finding]:
    """Returns what S3 and DynamoDB would refuse."""
    if definition.deployment.replica_region != definition.region:
        return []
    message = f"the copy would be in {definition.region}, where the pipeline is"
    return [Finding(f"pipeline {definition.name}", "replica-region", message, "choose another replica_region=")]


def _bucket(definition: Definition) -> list[Block]:
    # Lifecycle rules are not copied with the objects; access logs cannot be sent to another region.
    return bucket.blocks(
        "replica",
        Template("${local.bucket_prefix}-lake-${local.account}-${var.replica_region}"),
        comment="The lake again, in another region.",
        rules=[*table_rules(definition), *inbox.expiry(definition)],
        provider=PROVIDER,
        logged=False,
    )


def _rule() -> Block:
    return resource(
        "aws_s3_bucket_replication_configuration",
        "lake",
        {
            "bucket": Expression("aws_s3_bucket.lake.id"),
            "role": Expression("aws_iam_role.replication.arn"),
            "depends_on": [Expression("aws_s3_bucket_versioning.lake"), Expression("aws_s3_bucket_versioning.replica")],
        },
        nested(
            "rule",
            {"id": "everything", "status": "Enabled"},
            nested("filter", {"prefix": ""}),
            nested("delete_marker_replication", {"status": "Disabled"}),
            nested("destination", {"bucket": Expression("aws_s3_bucket.replica.arn"), "storage_class": "STANDARD_IA"}),
        ),
    )


def _role(pipeline: str) -> list[Block]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html"""
    lake, replica = "${aws_s3_bucket.lake.arn}/*", "${aws_s3_bucket.replica.arn}/*"
    statements = [
        Statement(
            sid="ReadRule",
            actions=("s3:GetReplicationConfiguration", "s3:ListBucket"),
            resources=(Expression("aws_s3_bucket.lake.arn"),),
        ),
        Statement(
            sid="ReadObjects",
            actions=("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"),
            resources=(Template(lake),),
        ),
        Statement(
            sid="CopyObjects", actions=("s3:ReplicateObject", "s3:ReplicateTags"), resources=(Template(replica),)
        ),
    ]
    comment = "What replication may do: read the lake, and write its copy."
    return role(
        "replication",
        named(f"{pipeline}-replication"),
        "s3.amazonaws.com",
        statements,
        comment=comment,
        own_account=False,
    )


CAPABILITY = Capability(
    name="replica",
    purpose="The lake and the hot tables in a second region",
    blocks=blocks,
    limits=limits,
)
