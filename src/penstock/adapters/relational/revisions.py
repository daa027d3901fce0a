"""A warehouse's migrations: Alembic's, or none but the declaration itself."""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING, Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_mock_engine
from sqlalchemy.engine.mock import MockConnection

from penstock.adapters.relational.location import DRIVERS
from penstock.adapters.relational.tables import metadata_of
from penstock.errors import LoadError, UsageError
from penstock.model import schema
from penstock.model.schema import Column
from penstock.model.warehouses import Warehouse
from penstock.ports.warehouse import Server

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

MIGRATE = "declare migrations=…, with a revision for what has changed; or make the tables anew"


def version_table(warehouse: Warehouse) -> str:
    """Returns the name of the table that says which revision the others are of."""
    return f"alembic_version_{warehouse.name}"


class Migrations:
    """Alembic's revisions in a package's folder ``versions``.

    Raises:
        LoadError: they are not where they are declared to be, or are not in one line.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        where = f"the migrations {warehouse.migrations!r} of warehouse {warehouse.name!r}"
        try:
            found = importlib.util.find_spec(warehouse.migrations)
        except ImportError:
            found = None
        if found is None or not found.submodule_search_locations:
            raise LoadError(f"{where} are no package", hint="give its name, such as mypackage.migrations")
        try:
            self._scripts = ScriptDirectory(found.submodule_search_locations[0])
            self.head = self._scripts.get_current_head() or ""
        except (CommandError, SyntaxError) as error:
            raise LoadError(
                f"{where} cannot be used: {error}", hint="one folder `versions`, one line of revisions"
            ) from error
        if not self.head:
            raise LoadError(f"{where} hold none", hint="put revisions into the folder `versions`")

    def knows(self, revision: str) -> bool:
        """Tells whether there is such a revision."""
        return any(one == revision for one, _ in self.all())

    def all(self) -> list[tuple[str, str]]:
        """Returns each revision and what it says of itself, oldest first."""
        return [(one.revision, one.doc or "") for one in reversed(list(self._scripts.walk_revisions()))]

    def applied(self, current: str) -> set[str]:
        """Returns the revisions up to one."""
        names = [one for one, _ in self.all()]
        return set(names[: names.index(current) + 1]) if current in names else set()

    def upgrade(self, connection: Connection, current: str) -> list[str]:
        """Applies what is newer than the current revision; returns that."""
        before = self.applied(current)
        self._run(MigrationContext.configure(connection, opts=self._options()))
        return [one for one, _ in self.all() if one not in before]

    def script(self, server: Server) -> str:
        """Returns the statements of all revisions."""
        buffer = io.StringIO()
        options = {**self._options(), "as_sql": True, "output_buffer": buffer, "literal_binds": True}
        self._run(MigrationContext.configure(dialect_name=server, opts=options))
        return buffer.getvalue()

    def _options(self) -> dict[str, Any]:
        scripts: Any = self._scripts
        return {
            "fn": lambda revision, _: scripts._upgrade_revs("head", revision),
            "script": scripts,
            "version_table": version_table(self._warehouse),
        }

    @staticmethod
    def _run(context: MigrationContext) -> None:
        with Operations.context(context):
            context.run_migrations()


class Declared:
    """Tables that are made as they are declared. Their revision is a fingerprint of the declaration."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        described = [
            Column(f"{name}.{column.name}{' key' * (column.name in relation.key)}", column.type, column.nullable)
            for name, relation in warehouse.relations.items()
            for column in relation.columns
        ]
        self.head = schema.fingerprint(tuple(described))

    def knows(self, revision: str) -> bool:
        """Tells of any revision that it may be an earlier declaration."""
        return bool(revision)

    def all(self) -> list[tuple[str, str]]:
        """Returns the declaration as the one revision."""
        return [(self.head, "as declared")]

    def applied(self, current: str) -> set[str]:
        """Returns the declaration, when the tables are as it says."""
        return {self.head} & {current}

    def upgrade(self, connection: Connection, current: str) -> list[str]:
        """Makes the tables.

        Raises:
            UsageError: there are tables of another declaration.
        """
        if current == self.head:
            return []
        if current:
            raise UsageError(f"the tables of warehouse {self._warehouse.name!r} are declared anew", hint=MIGRATE)
        metadata_of(self._warehouse).create_all(connection)
        for statement in self._stamp():
            connection.exec_driver_sql(statement)
        return [self.head]

    def script(self, server: Server) -> str:
        """Returns the statements that make the tables."""
        made: list[str] = []
        engine: MockConnection = create_mock_engine(
            f"{DRIVERS[server][1]}://",
            lambda one, *_, **__: made.append(str(one.compile(dialect=engine.dialect)).strip()),
        )
        metadata_of(self._warehouse).create_all(engine, checkfirst=False)
        return ";\n\n".join([*made, *self._stamp()]) + ";\n"

    def _stamp(self) -> list[str]:
        table = version_table(self._warehouse)
        return [
            f"CREATE TABLE {table} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
            f"INSERT INTO {table} (version_num) VALUES ('{self.head}')",
        ]
