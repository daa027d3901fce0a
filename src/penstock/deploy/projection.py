"""Tables of the lake as Glue and Athena know them: columns, projected partitions, the way to read a line.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.schema import Column, columns

SERDE = "org.openx.data.jsonserde.JsonSerDe"
INPUT_FORMAT = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
# Both ends belong to the range. A query cannot see what lies outside of it.
YEARS = "2025,2034"
RANGES = {"year": YEARS, "month": "1,12", "day": "1,31", "hour": "0,23"}
DIGITS = {"year": "4", "month": "2", "day": "2", "hour": "2"}
# A line of the quarantine, as penstock.lake.records.encode_quarantine writes it.
QUARANTINE_COLUMNS = (
    Column("reason", "string"),
    Column("source", "string", nullable=True),
    Column("line", "bigint", nullable=True),
    Column("raw", "string", nullable=True),
    Column("encoding", "string", nullable=True),
)
_BINARY = re.compile(r"(?<![a-z0-9_])binary(?![a-z0-9_:])")


class CatalogTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the catalog.

    Attributes:
        path: where its objects are in the bucket, such as ``raw/orders/``.
        path_template: where those of one partition are; ``${year}`` stands for the value of the column.
        partition_keys: text, as the keys of objects have them: ``month = '02'``.
        parameters: the partition projection, and what the files are.
        serde_parameters: how a line is read.
    """

    name: str
    zone: str
    path: str
    path_template: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    parameters: dict[str, str]
    serde_parameters: dict[str, str]


def catalog_tables(tables: Sequence[LakeTable]) -> list[CatalogTable]:
    """Returns all tables that a query can name: each of the lake, and its quarantine.

    A declared table wins over a quarantine of that name, as on the machine.
    """
    declared = {table.name for table in tables}
    made = []
    for table in tables:
        made.append(_table(table, table.name, "raw", columns(table.record)))
        name = f"{table.name}_quarantine"
        if name not in declared:
            made.append(_table(table, name, "quarantine", QUARANTINE_COLUMNS))
    return made


def glue_type(name: str) -> str:
    """Returns a column's type in the catalog: JSON holds bytes as base64 text; Athena knows lower-case names only."""
    return _BINARY.sub("string", name.lower())


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
    return CatalogTable(
        name=name,
        zone=zone,
        path=path,
        path_template=template,
        columns=tuple(Column(c.name.lower(), glue_type(c.type), c.nullable) for c in described),
        partition_keys=tuple(Column(column, "string") for column in partition),
        parameters={"EXTERNAL": "TRUE", "classification": "json", **projection(partition, template)},
        serde_parameters=_serde_parameters(described),
    )


def _serde_parameters(described: Sequence[Column]) -> dict[str, str]:
    """A line that is no JSON is not the end of a query.

    While letter case makes no difference to the SerDe it turns the keys of maps into lower case too, so it makes one
    wherever no name needs it.
    """
    is_lower = all(f"{column.name}{column.type}".islower() for column in described)
    return {"ignore.malformed.json": "TRUE", "case.insensitive": "FALSE" if is_lower else "TRUE"}
