"""What functions need around them in an emulator: the lake's bucket, hot tables, topics. The environment names it."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.adapters.aws.session import client
from penstock.model.access import Kind
from penstock.model.datasets import HotTable, Index
from penstock.model.pipeline import Definition
from penstock.model.task import Task


class Furnished(msgspec.Struct, frozen=True, kw_only=True):
    """Physical names.

    Attributes:
        hot_tables: by the name in the definition.
        topics: ARNs, by the name in the definition.
    """

    bucket: str
    hot_tables: dict[str, str]
    topics: dict[str, str]

    def variables(self, task: Task) -> dict[str, str]:
        """Returns the variables of a task's function, as its deployment writes them."""
        granted = {kind: sorted({one.resource for one in task.grants if one.kind == kind}) for kind in Kind}
        values = {"PENSTOCK_TASK": task.name}
        if granted[Kind.LAKE]:
            values["PENSTOCK_LAKE_BUCKET"] = self.bucket
        if granted[Kind.HOT_TABLE]:
            values["PENSTOCK_HOT_TABLES"] = _json({name: self.hot_tables[name] for name in granted[Kind.HOT_TABLE]})
        if granted[Kind.TOPIC]:
            values["PENSTOCK_TOPICS"] = _json({name: self.topics[name] for name in granted[Kind.TOPIC]})
        return values


def furnish(definition: Definition) -> Furnished:
    """Makes everything that tasks can be granted, and returns its names."""
    bucket = f"{definition.name}-lake"
    s3 = client("s3")
    if s3.meta.region_name == "us-east-1":
        s3.create_bucket(Bucket=bucket)
    else:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    for table in definition.hot_tables.values():
        client("dynamodb").create_table(**table_arguments(table))
    sns = client("sns")
    topics = {name: sns.create_topic(Name=name)["TopicArn"] for name in definition.topics}
    return Furnished(bucket=bucket, hot_tables={name: name for name in definition.hot_tables}, topics=topics)


def table_arguments(table: HotTable) -> dict[str, Any]:
    """Returns a hot table as CreateTable takes it."""
    keyed: list[HotTable | Index] = [table, *table.indexes]
    keys = {key for one in keyed for key in (one.partition, one.sort) if key is not None}
    arguments: dict[str, Any] = {
        "TableName": table.name,
        "KeySchema": _schema(table),
        "AttributeDefinitions": [
            {"AttributeName": key.name, "AttributeType": key.type} for key in sorted(keys, key=str)
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if table.indexes:
        arguments["GlobalSecondaryIndexes"] = [
            {"IndexName": index.name, "KeySchema": _schema(index), "Projection": {"ProjectionType": "ALL"}}
            for index in table.indexes
        ]
    return arguments


def _schema(keyed: HotTable | Index) -> list[dict[str, str]]:
    kinds = ((keyed.partition, "HASH"), (keyed.sort, "RANGE"))
    return [{"AttributeName": key.name, "KeyType": kind} for key, kind in kinds if key is not None]


def _json(value: dict[str, str]) -> str:
    return msgspec.json.encode(value).decode()
