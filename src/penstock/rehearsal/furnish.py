"""What functions need around them in an emulator: the lake's bucket, hot tables, topics, queues, event buses.

The environment says where the emulator is.
"""

from __future__ import annotations

from typing import Any

from penstock.adapters.aws.session import client
from penstock.model.datasets import HotTable, Index
from penstock.model.pipeline import Definition
from penstock.model.queues import Queue
from penstock.rehearsal.lambda_deployment import Names


def furnish(definition: Definition) -> Names:
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
    for bus in definition.event_buses:
        client("events").create_event_bus(Name=bus)
    return Names(
        bucket=bucket,
        tables={name: name for name in definition.hot_tables},
        topics=topics,
        queues={name: _make_queue(queue) for name, queue in definition.queues.items()},
        event_buses={name: name for name in definition.event_buses},
    )


def _make_queue(queue: Queue) -> str:
    kept = {"VisibilityTimeout": queue.visibility_seconds, "MessageRetentionPeriod": queue.retain_seconds}
    attributes = {name: str(value) for name, value in kept.items()}
    return str(client("sqs").create_queue(QueueName=queue.name, Attributes=attributes)["QueueUrl"])


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
