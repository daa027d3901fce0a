"""Permissions that requests to DynamoDB need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.rehearsal.exchange import Exchange, Need, Place, text_at

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_WRITES = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_READS = {"Get": "GetItem"}


def needs(operation: str, exchange: Exchange, place: Place) -> list[Need]:
    """Returns what one request needs: each table of a batch, each action of a transaction, the index of a query."""
    document = exchange.document
    special = _SPECIAL.get(operation)
    if special is not None:
        return special(operation, document, place)
    name = text_at(document, "TableName") or text_at(document, "ResourceArn") or text_at(document, "TableArn")
    if not name:
        return [Need(f"dynamodb:{operation}", "*")]
    table = place.arn("dynamodb", name if name.startswith("arn:") else f"table/{name}")
    index = text_at(document, "IndexName")
    return [Need(f"dynamodb:{operation}", f"{table}/index/{index}" if index else table, _context(document))]


def _batch(operation: str, document: Mapping[str, Any], place: Place) -> list[Need]:
    items = document.get("RequestItems")
    names = sorted(items) if isinstance(items, dict) else []
    return [Need(f"dynamodb:{operation}", place.arn("dynamodb", _resource(name))) for name in names]


def _transaction(operation: str, document: Mapping[str, Any], place: Place) -> list[Need]:
    actions = _WRITES if operation == "TransactWriteItems" else _READS
    found = {}
    for item in document.get("TransactItems") or []:
        for kind, body in item.items():
            need = Need(
                f"dynamodb:{actions.get(kind, kind)}",
                place.arn("dynamodb", _resource(text_at(body, "TableName"))),
                {"dynamodb:EnclosingOperation": operation},
            )
            found[need.action, need.resource] = need
    return list(found.values())


def _everywhere(operation: str, _document: Mapping[str, Any], _place: Place) -> list[Need]:
    return [Need(f"dynamodb:{operation}", "*")]


def _resource(name: str) -> str:
    return name if name.startswith("arn:") else f"table/{name}"


def _context(document: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html"""
    keys = {"Select": "dynamodb:Select", "ReturnValues": "dynamodb:ReturnValues"}
    return {key: text_at(document, name) for name, key in keys.items() if text_at(document, name)}


_SPECIAL: dict[str, Callable[[str, Mapping[str, Any], Place], list[Need]]] = {
    "BatchGetItem": _batch,
    "BatchWriteItem": _batch,
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
    "ListTables": _everywhere,
    "DescribeLimits": _everywhere,
    "DescribeEndpoints": _everywhere,
}
