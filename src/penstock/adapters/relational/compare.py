"""What of a database's tables is not as the record types declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import mysql
from sqlalchemy.types import JSON

from penstock.adapters.relational import views
from penstock.adapters.relational.revisions import version_table
from penstock.adapters.relational.tables import metadata_of
from penstock.model.warehouses import Warehouse

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def differences(warehouse: Warehouse, connection: Connection) -> list[str]:
    """Returns the differences, a line each; tables that are not the warehouse's are nobody's business."""
    metadata = metadata_of(warehouse)

    def is_ours(thing: Any, name: str | None, kind: str, reflected: bool, _: Any) -> bool:
        return kind != "table" or not reflected or name in metadata.tables

    context = MigrationContext.configure(
        connection,
        opts={
            "target_metadata": metadata,
            "compare_type": _types_differ,
            "include_object": is_ours,
            "version_table": version_table(warehouse),
        },
    )
    found = [_told(one) for one in _flat(compare_metadata(context, metadata))]
    return found + [f"there is no view {name}" for name in views.absent(warehouse, connection)]


def _types_differ(context: Any, _: Any, __: Any, inspected: Any, declared: Any) -> bool | None:
    dialect = context.dialect
    implementation = declared.dialect_impl(dialect)
    if dialect.name == "mariadb" and isinstance(implementation, JSON):
        # MariaDB keeps JSON as text that it checks: https://mariadb.com/kb/en/json-data-type/
        return not isinstance(inspected, mysql.LONGTEXT | JSON)
    if isinstance(implementation, mysql.DATETIME):
        return not (isinstance(inspected, mysql.DATETIME) and inspected.fsp == implementation.fsp)
    return None


def _flat(found: Any) -> list[Any]:
    return [step for one in found for step in (one if isinstance(one, list) else [one])]


def _told(step: Any) -> str:
    kind, *rest = step
    match kind:
        case "add_table" | "remove_table":
            return f"{kind.replace('_', ' ')} {rest[0].name}"
        case "add_index" | "remove_index" | "add_constraint" | "remove_constraint":
            return f"{kind.replace('_', ' ')} {rest[0].name} of {rest[0].table.name}"
        case "add_column" | "remove_column":
            return f"{kind.replace('_', ' ')} {rest[2].name} of {rest[1]}"
        case "modify_type" | "modify_nullable" | "modify_default" | "modify_comment":
            return f"{kind.replace('_', ' ')} of {rest[1]}.{rest[2]}: {rest[4]!r} is to be {rest[5]!r}"
    return str(step)
