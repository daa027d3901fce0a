"""The catalog: the lake's tables in Glue, and the workgroup in which Athena answers.

Partitions are projected from the keys, so that nothing has to crawl.
https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
"""

from __future__ import annotations

from penstock.deploy.hcl import Block, Call, Expression, Template, identifier, json_of, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, named
from penstock.deploy.projection import RAW, SEALED, CatalogTable, catalog_tables
from penstock.deploy.queries import Example, examples
from penstock.deploy.queries import named as named_queries
from penstock.deploy.resources import backfill, crawler
from penstock.deploy.views import View, query_type, view
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
    made = [_database(definition), *(_table(table) for table in _tables(definition))]
    made += [_view(one) for one in _views(definition)]
    made += [_workgroup(definition), *(_example(definition, one) for one in _queries(definition))]
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
    made = {_sql_path(one): one.sql.encode() for one in _queries(definition)}
    made |= {_view_path(one): one.sql.encode() for one in _views(definition)}
    return {**made, **backfill.assets(definition)}


def _tables(definition: Definition) -> list[CatalogTable]:
    return catalog_tables(list(definition.lake_tables.values()), sealing=definition.deployment.sealing)


def _views(definition: Definition) -> list[View]:
    return [view(table) for table in definition.lake_tables.values()] if definition.deployment.sealing else []


def _queries(definition: Definition) -> list[Example]:
    return [*named_queries(definition), *examples(list(definition.lake_tables.values()))]


def limits(definition: Definition) -> list[Finding]:
    """Returns the columns that Athena cannot tell apart, or cannot name, and the tables whose names it needs itself."""
    found = [finding for table in definition.lake_tables.values() for finding in _findings(table)]
    if not definition.deployment.sealing:
        return found
    taken = {f"{prefix}{name}".lower(): name for name in definition.lake_tables for prefix in (RAW, SEALED)}
    return found + [
        Finding(
            table.place,
            "table-name",
            f"lake table {table.name!r} has the name of files of {taken[table.name.lower()]!r} in Athena",
            "rename it; or do without sealing=True",
        )
        for table in definition.lake_tables.values()
        if table.name.lower() in taken
    ]


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


PURPOSES = {
    "raw": "raw records as they arrived.",
    "sealed": "closed partitions, one Parquet file each.",
    "quarantine": "what did not fit, and why.",
}


def _table(table: CatalogTable) -> Block:
    return resource(
        "aws_glue_catalog_table",
        identifier(table.name),
        {
            "name": table.name.lower(),
            "database_name": Expression("aws_glue_catalog_database.lake.name"),
            "table_type": "EXTERNAL_TABLE",
            "parameters": {name: _parameter(name, value) for name, value in table.parameters.items()},
        },
        *(nested("partition_keys", _column(column)) for column in table.partition_keys),
        nested(
            "storage_descriptor",
            {
                "location": _in_lake(table.path),
                "input_format": table.format.input_format,
                "output_format": table.format.output_format,
            },
            *(nested("columns", _column(column)) for column in table.columns),
            nested("ser_de_info", {"serialization_library": table.format.serde, "parameters": table.serde_parameters}),
        ),
        comment=f"Table {table.name}: {PURPOSES[table.zone]}",
    )


def _view(one: View) -> Block:
    written = {
        "originalSql": Expression(f'file("${{path.module}}/{_view_path(one)}")'),
        "catalog": "awsdatacatalog",
        "schema": Expression("aws_glue_catalog_database.lake.name"),
        "columns": [{"name": column.name, "type": query_type(column.type)} for column in one.columns],
    }
    text = Call("format", ("/* Presto View: %s */", Call("base64encode", (json_of(written),))))
    return resource(
        "aws_glue_catalog_table",
        identifier(one.name),
        {
            "name": one.name.lower(),
            "database_name": Expression("aws_glue_catalog_database.lake.name"),
            "table_type": "VIRTUAL_VIEW",
            "parameters": {"presto_view": "true", "comment": "Presto View"},
            "view_original_text": text,
            "view_expanded_text": "/* Presto View */",
        },
        nested(
            "storage_descriptor",
            {},
            *(nested("columns", _column(column)) for column in one.columns),
            nested("ser_de_info", {"name": "-", "serialization_library": "-"}),
        ),
        comment=f"Table {one.name}: what is sealed, and what is not yet.",
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
            "description": example.description or None,
            "workgroup": Expression("aws_athena_workgroup.queries.id"),
            "database": Expression("aws_glue_catalog_database.lake.name"),
            "query": Expression(f'file("${{path.module}}/{_sql_path(example)}")'),
        },
    )


def _view_path(one: View) -> str:
    return f"views/{one.name}.sql"


def _sql_path(example: Example) -> str:
    return f"queries/{example.name}.sql"


CAPABILITY = Capability(
    name="catalog",
    purpose="Tables over the lake for SQL, without a crawler; queries with a limit, and some to begin with",
    blocks=blocks,
    limits=limits,
)
