"""How a warehouse's tables come to be: by Alembic's revisions, or as they are declared where there are none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from penstock.adapters.relational import compare, roles, views
from penstock.adapters.relational.failures import translated
from penstock.adapters.relational.location import Location, connected, settled
from penstock.adapters.relational.revisions import Declared, Migrations, version_table
from penstock.adapters.relational.writers import writer_for
from penstock.errors import HomeError, UsageError
from penstock.model.warehouses import Warehouse
from penstock.ports.warehouse import TIMEOUT_SECONDS, Revision, Server, Standing

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


class RelationalSchema:
    """The schemas of warehouses, each where ``locate`` says."""

    def __init__(self, locate: Callable[[Warehouse], Location]) -> None:
        self._locate = locate
        self._migrations: dict[tuple[str, str], Migrations] = {}

    def standing(self, warehouse: Warehouse, *, compare: bool = False) -> Standing:
        """Returns how the tables stand to their declaration. See the port."""
        with self._connected(warehouse) as (location, connection):
            return self._standing(warehouse, location, connection, looks=compare)

    def upgrade(self, warehouse: Warehouse) -> list[str]:
        """Makes tables and views as they are declared; returns the revisions that were applied."""
        with self._connected(warehouse) as (location, connection):
            return self._upgrade(warehouse, location, connection)

    def history(self, warehouse: Warehouse) -> list[Revision]:
        """Returns the migrations, oldest first, and whether each is in the tables."""
        migrations = self._of(warehouse)
        with self._connected(warehouse) as (_, connection):
            applied = migrations.applied(_current(warehouse, connection))
        return [Revision(id=one, message=message, applied=one in applied) for one, message in migrations.all()]

    def sql(self, warehouse: Warehouse, server: Server | None = None) -> str:
        """Returns the script of an upgrade of an empty database."""
        made_for = server or self._locate(warehouse).server
        return f"{self._of(warehouse).script(made_for)}\n{views.script(warehouse, made_for)}"

    def roles(self, warehouse: Warehouse, server: Server | None = None) -> str:
        """Returns SQL that makes the roles."""
        location = self._locate(warehouse)
        return roles.script(warehouse, server or location.server, location.url.database or warehouse.name)

    def provide(self, warehouse: Warehouse) -> None:
        """Makes the roles, and for each a user who logs in by IAM; what is there stays. Call it after ``upgrade``.

        Raises:
            UsageError: the server is none of RDS's.
            AccessDeniedError: the user may not make roles.
        """
        with self._connected(warehouse) as (location, connection):
            made = roles.script(warehouse, location.server, location.url.database or warehouse.name)
            made += roles.users(warehouse, location.server)
            with connection.begin():
                cursor = connection.connection.cursor()
                for statement in made.splitlines():
                    if not statement.startswith("--"):
                        cursor.execute(statement)

    def require_current(self, warehouse: Warehouse) -> Location:
        """Checks that the tables are as the code knows them; returns where they are. A file that is older is upgraded.

        Raises:
            UsageError: they are older, or newer.
        """
        with self._connected(warehouse) as (location, connection):
            standing = self._standing(warehouse, location, connection)
            is_stale = not standing.is_current or (location.is_file and views.are_stale(warehouse, connection))
            if standing.known and location.is_file and is_stale:
                connection.rollback()
                self._upgrade(warehouse, location, connection)
                return location
        if not standing.known:
            raise UsageError(
                f"warehouse {warehouse.name!r} ({standing.location}): its schema {standing.current!r} is newer than "
                f"the code, which knows {standing.head!r}",
                hint="upgrade penstock, and the pipeline",
            )
        if not standing.is_current:
            state = f"its schema {standing.current!r} is older" if standing.current else "it has no tables yet"
            raise UsageError(
                f"warehouse {warehouse.name!r} ({standing.location}): {state}",
                hint=f"run `penstock warehouse upgrade {warehouse.name}`",
            )
        return location

    def _of(self, warehouse: Warehouse) -> Migrations | Declared:
        if not warehouse.migrations:
            return Declared(warehouse)
        known = (warehouse.name, warehouse.migrations)
        if known not in self._migrations:
            self._migrations[known] = Migrations(warehouse)
        return self._migrations[known]

    def _standing(
        self, warehouse: Warehouse, location: Location, connection: Connection, *, looks: bool = False
    ) -> Standing:
        migrations, current = self._of(warehouse), _current(warehouse, connection)
        differences = compare.differences(warehouse, connection) if looks and current else ()
        return Standing(
            location=location.shown,
            server=location.server,
            current=current,
            head=migrations.head,
            known=not current or migrations.knows(current),
            differences=tuple(differences),
        )

    def _upgrade(self, warehouse: Warehouse, location: Location, connection: Connection) -> list[str]:
        migrations = self._of(warehouse)
        with connection.begin():
            writer_for(location.server).begin(
                connection.connection.cursor(), f"{warehouse.name} schema", TIMEOUT_SECONDS
            )
            current = _current(warehouse, connection)
            if current and not migrations.knows(current):
                raise UsageError(
                    f"warehouse {warehouse.name!r} ({location.shown}): its schema {current!r} is newer than the code",
                    hint="upgrade penstock, and the pipeline",
                )
            views.drop(warehouse, connection)
            applied = migrations.upgrade(connection, current)
            views.create(warehouse, connection)
        return applied

    @contextlib.contextmanager
    def _connected(self, warehouse: Warehouse) -> Iterator[tuple[Location, Connection]]:
        location = self._locate(warehouse)
        if location.is_file:
            _make_private(Path(str(location.url.database)))
        with translated(warehouse.name, location):
            location = settled(location)
            with connected(location) as connection:
                if location.is_file:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                    connection.rollback()
                yield location, connection


def _current(warehouse: Warehouse, connection: Connection) -> str:
    """Returns the revision of the tables; empty where there is none."""
    table = version_table(warehouse)
    if not inspect(connection).has_table(table):
        return ""
    found: Any = connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalar()
    return str(found or "")


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise HomeError(
            f"cannot use {path}: {error.strerror}", hint="check the folder's owner, mode and free space"
        ) from error
