"""A Glue crawler, started by hand: it infers tables of its own from what lies in the lake. No query needs it.

https://docs.aws.amazon.com/glue/latest/dg/crawler-prereqs.html
"""

from __future__ import annotations

from penstock.deploy.hcl import Block, Expression, Template, json_of, nested, resource
from penstock.deploy.kit import named
from penstock.deploy.policy import Statement, role
from penstock.model.pipeline import Definition

# The tables with projected partitions are never touched.
TABLE_PREFIX = "crawled_"
DATABASE = "${aws_glue_catalog_database.lake.name}"
CATALOG = "arn:${local.partition}:glue:${local.region}:${local.account}:"
LOGS = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws-glue/crawlers"


def blocks(definition: Definition) -> list[Block]:
    """Returns the crawler."""
    grouping = {"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}
    targets = [
        nested("s3_target", {"path": Template(f"s3://${{aws_s3_bucket.lake.id}}/raw/{table}/")})
        for table in definition.lake_tables
    ]
    body = {
        "name": named(f"{definition.name}-crawler"),
        "role": Expression("aws_iam_role.crawler.arn"),
        "database_name": Expression("aws_glue_catalog_database.lake.name"),
        "table_prefix": TABLE_PREFIX,
        "configuration": json_of(grouping),
    }
    policy = nested("schema_change_policy", {"delete_behavior": "LOG", "update_behavior": "UPDATE_IN_DATABASE"})
    comment = f"Infers tables {TABLE_PREFIX}… from the raw objects when it is started; bills by the minute."
    return [resource("aws_glue_crawler", "lake", body, *targets, policy, comment=comment)]


def role_blocks(definition: Definition) -> list[Block]:
    """Returns the role under which it runs."""
    comment = "What the crawler may do: read raw objects, and keep tables of its own."
    name = named(f"{definition.name}-crawler")
    return role("crawler", name, "glue.amazonaws.com", statements(definition), comment=comment)


def statements(definition: Definition) -> list[Statement]:
    """Returns what the role allows: no more than the crawler's own tables and the raw objects."""
    objects = tuple(Template(f"${{aws_s3_bucket.lake.arn}}/raw/{table}/*") for table in definition.lake_tables)
    prefixes = [f"raw/{table}/*" for table in definition.lake_tables]
    own_tables = (
        Template(f"{CATALOG}catalog"),
        Template(f"{CATALOG}database/{DATABASE}"),
        Template(f"{CATALOG}table/{DATABASE}/{TABLE_PREFIX}*"),
    )
    return [
        Statement(sid="ReadRaw", actions=("s3:GetObject",), resources=objects),
        Statement(
            sid="ListRaw",
            actions=("s3:ListBucket",),
            resources=(Expression("aws_s3_bucket.lake.arn"),),
            condition={"StringLike": {"s3:prefix": prefixes}},
        ),
        Statement(
            sid="LocateLake", actions=("s3:GetBucketLocation",), resources=(Expression("aws_s3_bucket.lake.arn"),)
        ),
        Statement(
            sid="KeepOwnTables",
            actions=(
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:GetTables",
                "glue:CreateTable",
                "glue:UpdateTable",
                "glue:GetPartition",
                "glue:GetPartitions",
                "glue:BatchGetPartition",
                "glue:CreatePartition",
                "glue:BatchCreatePartition",
                "glue:UpdatePartition",
                "glue:BatchUpdatePartition",
            ),
            resources=own_tables,
        ),
        Statement(
            sid="WriteLog",
            actions=("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(Template(LOGS), Template(f"{LOGS}:*")),
        ),
    ]
