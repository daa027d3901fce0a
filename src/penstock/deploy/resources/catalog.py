"""The catalog: the lake's tables in Glue, and the workgroup in which Athena answers.

Partitions are projected from the keys, so that nothing has to crawl.
https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
"""

from __future__ import annotations

from penstock.deploy.hcl import Block, Expression, Template, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, named
from penstock.model.pipeline import Definition

MB = 1024 * 1024


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns database, tables and workgroup."""
    definition = site.definition
    if not definition.lake_tables:
        return {}
    made = [_database(definition), _workgroup(definition)]
    return {"catalog": made}


def _database(definition: Definition) -> Block:
    # Athena wants no hyphens in names.
    name = Template(f'${{replace("${{local.prefix}}{definition.name}", "-", "_")}}')
    return resource(
        "aws_glue_catalog_database",
        "lake",
        {
            "name": Expression(name.text.removeprefix("${").removesuffix("}")),
            "description": definition.description or None,
        },
        comment="The tables of the lake.",
    )


def _workgroup(definition: Definition) -> Block:
    return resource(
        "aws_athena_workgroup",
        "queries",
        {"name": named(definition.name), "force_destroy": Expression("var.delete_data_on_destroy")},
        nested(
            "configuration",
            {
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": Expression(f"var.scan_limit_mb * {MB}"),
            },
            nested("engine_version", {"selected_engine_version": "Athena engine version 3"}),
            nested(
                "result_configuration",
                {"output_location": Template("s3://${aws_s3_bucket.results.id}/athena/")},
                nested("encryption_configuration", {"encryption_option": "SSE_S3"}),
            ),
        ),
        comment="Queries in it are limited in what they read, and their results are encrypted.",
    )


CAPABILITY = Capability(
    name="catalog",
    purpose="Tables over the lake for SQL, without a crawler; queries with a limit",
    blocks=blocks,
)
