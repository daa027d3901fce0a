"""The databases of a rehearsed pipeline's warehouses: for each a server of this machine, in the place of RDS."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from penstock.deploy.resources.warehouse import OWNER, users_of
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.model.warehouses import Warehouse
from penstock.rehearsal.access_keys import role_name
from penstock.rehearsal.assets.simple_bind import BindServer
from penstock.rehearsal.calls import RecordedCall, read
from penstock.rehearsal.database_server import PORT, DatabaseServer

if TYPE_CHECKING:
    from penstock.adapters.relational.location import Location
    from penstock.adapters.relational.store import RelationalWarehouseStore

# What a function and the emulator are told by.
OF_FUNCTIONS, OF_EMULATOR = "PENSTOCK_WAREHOUSES", "PENSTOCK_DATABASES"


class Databases:
    """A server for each warehouse, until they are closed; none where a pipeline has no warehouses.

    Args:
        logins: the port on which users of IAM are judged.

    Raises:
        UnavailableError: PostgreSQL is not installed, or does not start.
    """

    def __init__(self, definition: Definition, logins: int) -> None:
        self._definition = definition
        self._servers: dict[str, DatabaseServer] = {}
        with contextlib.ExitStack() as closing:
            for name in definition.warehouses:
                self._servers[name] = DatabaseServer(name, logins)
                closing.callback(self._servers[name].close)
            self._closing = closing.pop_all()

    @functools.cached_property
    def store(self) -> RelationalWarehouseStore:
        """All warehouses, as their owner."""
        from penstock.adapters.relational.store import RelationalWarehouseStore

        return RelationalWarehouseStore(self._locate)

    def close(self) -> None:
        """Ends all servers."""
        self._closing.close()

    def told(self, **others: Any) -> dict[str, str]:
        """Returns the variable by which the emulator knows them; nothing without any. See ``ministack_databases``."""
        servers = {name: {"address": one.address, "password": one.password} for name, one in self._servers.items()}
        return {OF_EMULATOR: json.dumps({**others, "servers": servers})} if servers else {}

    def variables(self, task: Task) -> dict[str, str]:
        """Returns the variable by which a task's function knows those that it was granted."""
        places = {name: self._place(name, user) for name, user in users_of(self._definition, task.grants).items()}
        return {OF_FUNCTIONS: json.dumps(places)} if places else {}

    def log_in(self, warehouse: Warehouse, user: str) -> None:
        """Logs in by IAM, with the environment's credentials.

        Raises:
            AccessDeniedError: they may not.
        """
        from penstock.adapters.aws.warehouse import open_warehouses

        places = {warehouse.name: self._place(warehouse.name, user)}
        open_warehouses(json.dumps(places)).query(warehouse, "SELECT 1 AS one")

    def upgrade(self) -> None:
        """Makes tables, views, roles and users, as the function of a release does."""
        for warehouse in self._definition.warehouses.values():
            self.store.schema.upgrade(warehouse)
            self.store.schema.provide(warehouse)

    def empty(self) -> None:
        """Removes all rows."""
        for name, server in self._servers.items():
            server.empty(list(self._definition.warehouses[name].relations))

    def _place(self, name: str, user: str) -> dict[str, Any]:
        return {
            "server": "postgresql", "host": self._servers[name].address, "port": PORT, "database": name,
            "username": user,
        }  # fmt: skip

    def _locate(self, warehouse: Warehouse) -> Location:
        from penstock.adapters.relational.location import location_of

        server = self._servers[warehouse.name]
        return location_of(
            "postgresql", OF_FUNCTIONS, username=OWNER, password=server.password, host=server.address, port=PORT,
            database=server.database, query={"sslmode": "require"},
        )  # fmt: skip


class Logins:
    """The permissions that logins needed, which the emulator writes into a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._passed_over: list[slice] = []

    @contextlib.contextmanager
    def passed_over(self) -> Iterator[None]:
        """What is tried meanwhile is no call that roles should allow."""
        before = len(read(self.path))
        yield
        self._passed_over.append(slice(before, len(read(self.path))))

    def calls(self) -> list[RecordedCall]:
        """Returns the others, in order."""
        found = read(self.path)
        for part in reversed(self._passed_over):
            del found[part]
        return [msgspec.structs.replace(call, role=role_name(call.role)) for call in found]


def names_its_user(name: str, token: str) -> bool:
    """Tells whether a token is one of this user's. Who signed it, and what they may do, moto does not judge."""
    asked = parse_qs(urlsplit(f"//{token}").query)
    return asked.get("Action") == ["connect"] and asked.get("DBUser") == [name.partition(":")[2]]


@contextlib.contextmanager
def unjudged(definition: Definition) -> Iterator[Databases]:
    """Returns databases that are up to date, and let everybody in whose token names them."""
    with contextlib.ExitStack() as closing:
        logins = 0
        if definition.warehouses:
            server = BindServer(names_its_user)
            closing.callback(server.close)
            logins = server.port
        databases = Databases(definition, logins)
        closing.callback(databases.close)
        databases.upgrade()
        yield databases
