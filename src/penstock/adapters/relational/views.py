"""A warehouse's views: dropped before its tables change, made anew after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from penstock.model.warehouses import Warehouse
from penstock.ports.warehouse import Server

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def drop(warehouse: Warehouse, connection: Connection) -> None:
    """Drops the views; the last first, which may read the others."""
    for name in reversed(warehouse.views):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def create(warehouse: Warehouse, connection: Connection) -> None:
    """Makes the views."""
    # By the driver itself: to SQLAlchemy a percent sign is the mark of a parameter.
    cursor = connection.connection.cursor()
    for name, sql in warehouse.views.items():
        cursor.execute(_statement(name, sql, connection.dialect.name))


def script(warehouse: Warehouse, server: Server) -> str:
    """Returns the statements that make the views."""
    made = [f"DROP VIEW IF EXISTS {name};" for name in reversed(warehouse.views)]
    return "\n".join([*made, *(f"{_statement(name, sql, server)};" for name, sql in warehouse.views.items())])


def are_stale(warehouse: Warehouse, connection: Connection) -> bool:
    """Tells whether an SQLite file has other views than are declared: it keeps their statements as they were given."""
    found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall()
    known = {str(name): str(sql) for name, sql in found}
    return any(known.get(name) != _statement(name, sql, "sqlite") for name, sql in warehouse.views.items())


def absent(warehouse: Warehouse, connection: Connection) -> list[str]:
    """Returns the declared views that are not there."""
    there = set(inspect(connection).get_view_names())
    return [name for name in warehouse.views if name not in there]


def _statement(name: str, sql: str, server: str) -> str:
    # Whoever asks needs the right to read the tables: that of whoever made a view counts for nothing in MySQL when it
    # came with a role. https://dev.mysql.com/doc/refman/8.4/en/stored-objects-security.html
    security = "SQL SECURITY INVOKER " if server in {"mysql", "mariadb"} else ""
    return f"CREATE {security}VIEW {name} AS\n{sql.strip()}"
