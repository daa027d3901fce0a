"""Tables of the lake as Glue and Athena know them: columns, projected partitions, the way to read a file.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
https://docs.aws.amazon.com/athena/latest/ug/parquet-serde.html
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.model.column_types import glue_type
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.schema import Column, columns
from penstock.model.table_names import QUARANTINE_SUFFIX, RAW_PREFIX, Quarantined

RAW, SEALED = RAW_PREFIX, "sealed_"
# Both ends belong to the range. A query cannot see what lies outside of it.
YEARS = "2025,2034"
RANGES = {"year": YEARS, "month": "1,12", "day": "1,31", "hour": "0,23"}
DIGITS = {"year": "4", "month": "2", "day": "2", "hour": "2"}
# Columns are found by their names, so that a file from before a column was added has NULL in it.
# https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html#index-access
PARQUET_PARAMETERS = {"serialization.format": "1"}


class FileFormat(msgspec.Struct, frozen=True):
    """What a table's files are, in Hive's words.

    Attributes:
        classification: Glue's name of it.
        serde: the library that makes rows of them.
    """

    classification: str
    input_format: str
    output_format: str
    serde: str


JSON_LINES = FileFormat(
    "json",
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "org.openx.data.jsonserde.JsonSerDe",
)
PARQUET = FileFormat(
    "parquet",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
)


class CatalogTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the catalog.

    Attributes:
        lake_table: the table of the lake that it belongs to.
        zone: where in the lake its objects are: ``raw``, ``sealed`` or ``quarantine``.
        path: where its objects are in the bucket, such as ``raw/orders/``.
        path_template: where those of one partition are; ``${year}`` stands for the value of the column.
        partition_keys: text, as the keys of objects have them: ``month = '02'``.
        parameters: the partition projection, and what the files are.
        serde_parameters: how a line is read.
    """

    name: str
    lake_table: str
    zone: str
    format: FileFormat
    path: str
    path_template: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    parameters: dict[str, str]
    serde_parameters: dict[str, str]


def catalog_tables(tables: Sequence[LakeTable], *, sealing: bool = False) -> list[CatalogTable]:
    """Returns the tables over files of the lake: of each its raw objects and its quarantine, and what is sealed.

    A declared table wins over any other of its name, as on the machine.

    Args:
        sealing: closed partitions are sealed. The name of a table is then that of a view over two of these.
    """
    declared = {table.name.lower() for table in tables}
    made = []
    for table in tables:
        described = columns(table.record)
        if not sealing:
            made.append(_table(table, table.name, "raw", described))
        others = [(f"{table.name}{QUARANTINE_SUFFIX}", "quarantine"), (f"{RAW}{table.name}", "raw")]
        for name, zone in [*others, (f"{SEALED}{table.name}", "sealed")] if sealing else others:
            if name.lower() not in declared:
                made.append(_table(table, name, zone, columns(Quarantined) if zone == "quarantine" else described))
    return made


def projection(partition: Sequence[str], path_template: str) -> dict[str, str]:
    """Returns the parameters that let Athena compute the partitions instead of looking them up.

    Args:
        partition: the partition columns.
        path_template: see CatalogTable.
    """
    made = {"projection.enabled": "true"}
    for name in partition:
        made |= {
            f"projection.{name}.type": "integer",
            f"projection.{name}.range": RANGES[name],
            f"projection.{name}.digits": DIGITS[name],
        }
    return {**made, "storage.location.template": path_template}


def _table(table: LakeTable, name: str, zone: str, described: Sequence[Column]) -> CatalogTable:
    partition = PARTITION_COLUMNS[table.partition]
    path = f"{zone}/{table.name}/"
    template = path + "".join(f"{column}=${{{column}}}/" for column in partition)
    kind = PARQUET if zone == "sealed" else JSON_LINES
    return CatalogTable(
        name=name,
        lake_table=table.name,
        zone=zone,
        format=kind,
        path=path,
        path_template=template,
        columns=tuple(Column(c.name.lower(), glue_type(c.type), c.nullable) for c in described),
        partition_keys=tuple(Column(column, "string") for column in partition),
        parameters={"EXTERNAL": "TRUE", "classification": kind.classification, **projection(partition, template)},
        serde_parameters=_serde_parameters(described) if kind is JSON_LINES else PARQUET_PARAMETERS,
    )


def _serde_parameters(described: Sequence[Column]) -> dict[str, str]:
    """A line that is no JSON is not the end of a query.

    While letter case makes no difference to the SerDe it turns the keys of maps into lower case too, so it makes one
    wherever no name needs it.
    """
    is_lower = all(f"{column.name}{column.type}".islower() for column in described)
    return {"ignore.malformed.json": "TRUE", "case.insensitive": "FALSE" if is_lower else "TRUE"}
