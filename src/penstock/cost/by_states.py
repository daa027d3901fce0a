"""What states of workflows ask of services by themselves, without a task, in a month."""

from __future__ import annotations

from penstock.cost.traffic import Traffic
from penstock.model.datasets import HotTable
from penstock.model.integrations import parse_resource
from penstock.model.pipeline import Definition

WRITES = ("dynamodb:putItem", "dynamodb:updateItem", "dynamodb:deleteItem")


def asked(month: Traffic, *operations: str) -> float:
    """Returns how often states ask for operations, such as ``dynamodb:putItem``, in whichever of their forms."""
    return sum(count for resource, count in month.calls.items() if _operation(resource) in operations)


def item_writes(definition: Definition, month: Traffic) -> float:
    """Returns how many items and index entries states write. Which table is not told: it counts as one of the usual."""
    tables = definition.hot_tables.values()
    copies = sum(map(_copies, tables)) / len(tables) if tables else 0.0
    return asked(month, *WRITES) * copies


def _copies(table: HotTable) -> int:
    return 1 + len(table.indexes)


def _operation(resource: str) -> str:
    call = parse_resource(resource)
    found = None if call is None else call.operation
    return "" if found is None else f"{found.sdk_service}:{found.action}"
