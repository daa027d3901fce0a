"""The catalog: the lake's tables in Glue, and the workgroup in which Athena answers.

Partitions are projected from the keys, so that nothing has to crawl.
https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
"""

from __future__ import annotations

from penstock.deploy.hcl import Block, Expression, Template, identifier, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, named
from penstock.deploy.projection import INPUT_FORMAT, OUTPUT_FORMAT, SERDE, CatalogTable, catalog_tables
from penstock.deploy.queries import Example, examples
from penstock.deploy.resources import backfill, crawler
from penstock.errors import Finding
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.pipeline import Definition
from penstock.model.schema import Column, columns

MB = 1024 * 1024


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns database, tables, workgroup and examples; crawler and job where they were chosen."""
    definition = site.definition
    if not definition.lake_tables:
        return {}
    tables = catalog_tables(list(definition.lake_tables.values()))
    made = [_database(definition), *(_table(table) for table in tables), _workgroup(definition)]
    made += [_example(definition, example) for table in tables for example in examples(table)]
    access: list[Block] = []
    if definition.deployment.crawler:
        made += crawler.blocks(definition)
        access += crawler.role_blocks(definition)
    if definition.deployment.backfill_job and definition.triggers:
        made += backfill.blocks(definition)
        access += backfill.role_blocks(definition)
    return {"catalog": made, "access": access}


def assets(definition: Definition) -> dict[str, bytes]:
    """Returns the files that the blocks refer to, by path beside the Terraform files: queries, the job's script."""
    tables = catalog_tables(list(definition.lake_tables.values()))
    made = {_sql_path(one): one.sql.encode() for table in tables for one in examples(table)}
    return {**made, **backfill.assets(definition)}


def limits(definition: Definition) -> list[Finding]:
    """Returns the columns that Athena cannot tell apart, or cannot name."""
    return [finding for table in definition.lake_tables.values() for finding in _findings(table)]


def _findings(table: LakeTable) -> list[Finding]:
    found = []
    taken = set(PARTITION_COLUMNS[table.partition])
    for column in columns(table.record):
        name = column.name.lower()
        if name in taken:
            message = f"lake table {table.name!r}: column {column.name!r} is there twice, with its partitions"
            found.append(
                Finding(table.place, "column-twice", message, "rename the field; letter case is no difference")
            )
        elif not name.replace("_", "").isalnum():
            message = f"lake table {table.name!r}: Athena cannot name column {column.name!r}"
            found.append(Finding(table.place, "column-name", message, "use letters, digits and underscores"))
        taken.add(name)
    return found


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


def _table(table: CatalogTable) -> Block:
    is_record = table.zone == "raw"
    comment = f"Table {table.name}: " + ("raw records as they arrived." if is_record else "what did not fit, and why.")
    return resource(
        "aws_glue_catalog_table",
        identifier(table.name),
        {
            "name": table.name,
            "database_name": Expression("aws_glue_catalog_database.lake.name"),
            "table_type": "EXTERNAL_TABLE",
            "parameters": {name: _parameter(name, value) for name, value in table.parameters.items()},
        },
        *(nested("partition_keys", _column(column)) for column in table.partition_keys),
        nested(
            "storage_descriptor",
            {
                "location": _in_lake(table.path),
                "input_format": INPUT_FORMAT,
                "output_format": OUTPUT_FORMAT,
            },
            *(nested("columns", _column(column)) for column in table.columns),
            nested("ser_de_info", {"serialization_library": SERDE, "parameters": table.serde_parameters}),
        ),
        comment=comment,
    )


def _column(column: Column) -> dict[str, str]:
    return {"name": column.name, "type": column.type}


def _parameter(name: str, value: str) -> str | Expression | Template:
    match name:
        case "storage.location.template":
            return _in_lake(value)
        case "projection.year.range":
            return Expression("var.partition_years")
    return value


def _in_lake(path: str) -> Template:
    """Returns a place in the lake; what Athena is to fill in stays as it is."""
    return Template("s3://${aws_s3_bucket.lake.id}/" + path.replace("${", "$${"))


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


def _example(definition: Definition, example: Example) -> Block:
    return resource(
        "aws_athena_named_query",
        identifier(example.name),
        {
            "name": named(f"{definition.name}-{example.name}"),
            "description": example.description,
            "workgroup": Expression("aws_athena_workgroup.queries.id"),
            "database": Expression("aws_glue_catalog_database.lake.name"),
            "query": Expression(f'file("${{path.module}}/{_sql_path(example)}")'),
        },
    )


def _sql_path(example: Example) -> str:
    return f"queries/{example.name}.sql"


CAPABILITY = Capability(
    name="catalog",
    purpose="Tables over the lake for SQL, without a crawler; queries with a limit, and some to begin with",
    blocks=blocks,
    limits=limits,
)
