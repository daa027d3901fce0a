"""Hot tables: DynamoDB, paid by request. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.deploy.hcl import Block, Expression, Template, identifier, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, hot_table_address, named, sid
from penstock.deploy.policy import Statement
from penstock.errors import Finding
from penstock.model.access import Grant, HotAction
from penstock.model.datasets import HotTable, Key
from penstock.model.pipeline import Definition

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
INDEXES_LIMIT = 20
ACTIONS = {
    HotAction.PUT: ("dynamodb:PutItem", "dynamodb:BatchWriteItem"),
    HotAction.GET: ("dynamodb:GetItem",),
    HotAction.QUERY: ("dynamodb:Query",),
    HotAction.DELETE: ("dynamodb:DeleteItem",),
}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the tables."""
    return {"storage": [_table(site, table) for table in site.definition.hot_tables.values()]}


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on hot tables mean; a query reaches the table's indexes as well."""
    return [
        Statement(
            sid=sid(grant.action, grant.resource),
            actions=ACTIONS[HotAction(grant.action)],
            resources=tuple(_resources(definition.hot_tables[grant.resource], HotAction(grant.action))),
        )
        for grant in grants
    ]


def limits(definition: Definition) -> list[Finding]:
    """Returns what DynamoDB would refuse."""
    return [
        Finding(
            table.place,
            "too-many-indexes",
            f"hot table {table.name!r} has {len(table.indexes)} indexes",
            f"DynamoDB allows {INDEXES_LIMIT}",
        )
        for table in definition.hot_tables.values()
        if len(table.indexes) > INDEXES_LIMIT
    ]


def _resources(table: HotTable, action: HotAction) -> list[Expression | Template]:
    arn = f"{hot_table_address(table.name)}.arn"
    indexes = table.indexes if action is HotAction.QUERY else ()
    return [Expression(arn), *(Template(f"${{{arn}}}/index/{index.name}") for index in indexes)]


def _table(site: Site, table: HotTable) -> Block:
    chosen = site.definition.deployment
    keys = [table.partition, table.sort]
    for index in table.indexes:
        keys += [index.partition, index.sort]
    attributes = {key.name: key for key in keys if key is not None}
    streams = chosen.streams or chosen.replica_region is not None
    return resource(
        "aws_dynamodb_table",
        identifier(table.name),
        {
            "name": named(table.name),
            "billing_mode": "PAY_PER_REQUEST",
            "hash_key": table.partition.name,
            "range_key": None if table.sort is None else table.sort.name,
            "stream_enabled": True if streams else None,
            "stream_view_type": "NEW_AND_OLD_IMAGES" if streams else None,
            "deletion_protection_enabled": Expression("!var.delete_data_on_destroy"),
        },
        *(_attribute(key) for key in attributes.values()),
        *(_index(index.name, index.partition, index.sort) for index in table.indexes),
        *([nested("ttl", {"attribute_name": table.ttl_attribute, "enabled": True})] if table.ttl_attribute else []),
        nested("point_in_time_recovery", {"enabled": table.point_in_time_recovery}),
        nested("server_side_encryption", {"enabled": True}),
        *(
            [nested("replica", {"region_name": Expression("var.replica_region"), "point_in_time_recovery": True})]
            if chosen.replica_region
            else []
        ),
        comment=f"Hot table {table.name}: the newest items, by key.",
    )


def _attribute(key: Key) -> Block:
    return nested("attribute", {"name": key.name, "type": key.type})


def _index(name: str, partition: Key, sort: Key | None) -> Block:
    body = {"name": name, "hash_key": partition.name, "range_key": None if sort is None else sort.name}
    return nested("global_secondary_index", {**body, "projection_type": "ALL"})


CAPABILITY = Capability(
    name="hot table",
    purpose="Items by key, with TTL, point-in-time recovery and encryption; paid by request",
    blocks=blocks,
    statements=statements,
    limits=limits,
)
