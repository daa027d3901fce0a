"""DynamoDB's GetItem, PutItem, UpdateItem and DeleteItem, on hot tables of the pipeline.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.errors import TaskError, ValidationError
from penstock.model import items as values
from penstock.model.access import HotAction, Kind
from penstock.model.datasets import HotTable
from penstock.model.items import Tagged
from penstock.ports.hot import Replacement
from penstock.runtime.integrations.conditions import Holds, condition
from penstock.runtime.integrations.expression import Path, Placeholders, project, projection
from penstock.runtime.integrations.request import Request
from penstock.runtime.integrations.typed_values import INVALID, json_item, tagged_item
from penstock.runtime.integrations.updates import Update, update

Encoded = dict[str, Tagged]
Change = Callable[[Encoded | None], tuple[Encoded | None, Mapping[str, Tagged]]]
EXPRESSIONS = ("ConditionExpression", "UpdateExpression", "ProjectionExpression")
LEGACY = ("AttributeUpdates", "ConditionalOperator", "Expected")
RETURN_VALUES = {
    "putItem": ("NONE", "ALL_OLD"),
    "deleteItem": ("NONE", "ALL_OLD"),
    "updateItem": ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"),
}


def get_item(request: Request) -> dict[str, Any]:
    """Returns the item with a key, or no ``Item``. A read sees the newest write, asked for that or not."""
    table = _table(request, HotAction.GET)
    placeholders = Placeholders(request.arguments, EXPRESSIONS)
    paths = _projected(request, placeholders)
    placeholders.check_all_used()
    key = _key(request, table)
    found = request.ports.hot.get(table, values.decode_item(key))
    if found is None:
        return request.answer({})
    item = values.encode_item(found)
    return request.answer({"Item": json_item(item if paths is None else project(item, paths))})


def put_item(request: Request) -> dict[str, Any]:
    """Writes an item in place of any with its key. A TTL is what the item says: none is added."""
    table = _table(request, HotAction.PUT)
    item = tagged_item(request.arguments["Item"], "Item")
    key = {name: item[name] for name in _key_names(table) if name in item}
    missing = [name for name in _key_names(table) if name not in item]
    if missing:
        raise ValidationError(f"{INVALID}: Missing the key {missing[0]} in the item")
    return _exchange(request, table, key, lambda old: (item, _returned(request, old, item, [])))


def delete_item(request: Request) -> dict[str, Any]:
    """Deletes the item with a key, if there is one."""
    table = _table(request, HotAction.DELETE)
    return _exchange(request, table, _key(request, table), lambda old: (None, _returned(request, old, None, [])))


def update_item(request: Request) -> dict[str, Any]:
    """Changes the item with a key, or makes one."""
    table = _table(request, HotAction.UPDATE)
    key = _key(request, table)
    return _exchange(request, table, key, None)


def _exchange(request: Request, table: HotTable, key: Encoded, change: Change | None) -> dict[str, Any]:
    _check_legacy(request)
    _check_return_values(request)
    placeholders = Placeholders(request.arguments, EXPRESSIONS)
    holds = _condition(request, placeholders)
    changing = change if change is not None else _updating(request, table, key, placeholders)
    placeholders.check_all_used()

    def decide(old: Encoded | None) -> Replacement:
        if not holds(old or {}):
            raise _condition_failed(request)
        item, returned = changing(old)
        body = {"Attributes": json_item(returned)} if returned else {}
        return Replacement(item, msgspec.json.encode(body))

    body: dict[str, Any] = msgspec.json.decode(
        request.ports.exchange.exchange(table, key, decide, token=request.call.token)
    )
    return request.answer(body)


def _updating(request: Request, table: HotTable, key: Encoded, placeholders: Placeholders) -> Change:
    text = request.arguments.get("UpdateExpression")
    found = Update([], [], [], []) if text is None else update(text, placeholders)
    for path in found.paths:
        if path[0] in _key_names(table):
            raise ValidationError(f"{INVALID}: Cannot update attribute {path[0]}. This attribute is part of the key")

    def change(old: Encoded | None) -> tuple[Encoded, Mapping[str, Tagged]]:
        before = key if old is None else old
        new = found.apply(before)
        is_new = request.arguments.get("ReturnValues") == "UPDATED_NEW"
        return new, _returned(request, old, new, found.written(before) if is_new else found.paths)

    return change


def _returned(request: Request, old: Encoded | None, new: Encoded | None, paths: list[Path]) -> Mapping[str, Tagged]:
    match request.arguments.get("ReturnValues", "NONE"):
        case "ALL_OLD":
            return old or {}
        case "ALL_NEW":
            return new or {}
        case "UPDATED_OLD":
            return project(old or {}, paths)
        case "UPDATED_NEW":
            return project(new or {}, paths)
        case _:
            return {}


def _table(request: Request, action: HotAction) -> HotTable:
    name = request.text("TableName") or ""
    request.require(Kind.HOT_TABLE, action, name)
    table = request.definition.hot_tables.get(name)
    if table is None:
        raise request.refusal("ResourceNotFoundException", "Requested resource not found")
    return table


def _key_names(table: HotTable) -> list[str]:
    return [key.name for key in (table.partition, table.sort) if key is not None]


def _key(request: Request, table: HotTable) -> Encoded:
    key = tagged_item(request.arguments["Key"], "Key")
    types = {part.name: part.type for part in (table.partition, table.sort) if part is not None}
    if {name: next(iter(value)) for name, value in key.items()} != types:
        raise ValidationError("The provided key element does not match the schema")
    return key


def _condition(request: Request, placeholders: Placeholders) -> Holds:
    text = request.arguments.get("ConditionExpression")
    return (lambda _: True) if text is None else condition(text, placeholders)


def _condition_failed(request: Request) -> TaskError:
    return request.refusal("ConditionalCheckFailedException", "The conditional request failed")


def _projected(request: Request, placeholders: Placeholders) -> list[Path] | None:
    names, text = request.arguments.get("AttributesToGet"), request.arguments.get("ProjectionExpression")
    if names is not None and text is not None:
        raise ValidationError("Can not use both expression and non-expression parameters in the same request: "
                              "Non-expression parameters: {AttributesToGet} Expression parameters: "
                              "{ProjectionExpression}")  # fmt: skip
    if names is not None:
        return [(str(name),) for name in names]
    return None if text is None else projection(text, placeholders)


def _check_legacy(request: Request) -> None:
    used = [name for name in LEGACY if name in request.arguments]
    if used:
        raise ValidationError(f"{used[0]} is one of DynamoDB's legacy parameters, which a machine does not know",
                              hint="write a ConditionExpression or an UpdateExpression")  # fmt: skip


def _check_return_values(request: Request) -> None:
    asked = request.arguments.get("ReturnValues", "NONE")
    allowed = RETURN_VALUES[request.operation.action]
    if asked not in RETURN_VALUES["updateItem"]:
        raise ValidationError(f"1 validation error detected: Value '{asked}' at 'returnValues' failed to satisfy "
                              "constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, "
                              "UPDATED_NEW]")  # fmt: skip
    if asked not in allowed:
        raise ValidationError("Return values set to invalid value")


ACTIONS = {"getItem": get_item, "putItem": put_item, "updateItem": update_item, "deleteItem": delete_item}
