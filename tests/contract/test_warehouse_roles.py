"""The roles that `penstock warehouse roles` prints, by connecting as each."""

from pathlib import Path

import pytest
from tests.database_servers import DatabaseServer, MariadbServer, PostgresqlServer

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import open_warehouses
from penstock.adapters.relational.failures import translated
from penstock.adapters.relational.location import connected, parse_location
from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.errors import AccessDeniedError, UsageError
from penstock.testing.contracts.warehouse_people import WAREHOUSE, Person, Visit

ROLES = ("owner", "writer", "reader")


class Site:
    """A database in which the roles are, with a user in each."""

    def __init__(self, server: DatabaseServer, folder: Path) -> None:
        self.server, self.folder, self.database = server, folder, server.new_database()
        self.users = {role: f"{role}_{self.database}" for role in ROLES}

    def store(self, role: str = "") -> RelationalWarehouseStore:
        url = self.server.url(self.database, self.users[role], "secret") if role else self.server.url(self.database)
        secrets = EnvironmentAndFileSecrets(self.folder / "none", {"PENSTOCK_WAREHOUSE_PEOPLE": url})
        return open_warehouses(self.folder, secrets)

    def run_as(self, role: str, statement: str) -> None:
        location = parse_location(self.server.url(self.database, self.users[role], "secret"), "URL")
        with translated("people", location), connected(location) as connection:
            connection.exec_driver_sql(statement)

    def run_roles(self) -> None:
        script = self.store().schema.roles(WAREHOUSE)
        lines = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
        self.server.execute(self.database, *(one.strip() for one in lines.split(";\n") if one.strip()))

    def make_users(self) -> None:
        for role, user in self.users.items():
            if isinstance(self.server, PostgresqlServer):
                self.server.execute(self.database, f"CREATE USER {user} PASSWORD 'secret' IN ROLE people_{role}")
            else:
                # MariaDB's own words; MySQL says TO.
                self.server.execute(
                    self.database, f"CREATE USER {user} IDENTIFIED BY 'secret'", f"GRANT people_{role} TO {user}",
                    f"SET DEFAULT ROLE people_{role} FOR {user}",
                )  # fmt: skip


@pytest.fixture(params=["postgresql_server", "mariadb_server"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    made = Site(request.getfixturevalue(request.param), tmp_path)
    made.run_roles()
    made.make_users()
    made.store("owner").schema.upgrade(WAREHOUSE)
    made.run_roles()
    return made


def test_the_writer_writes_runs_and_changes_no_tables(site: Site) -> None:
    writer = site.store("writer")
    for run_id, notes in (("r1", "a"), ("r2", "b")):
        with writer.transaction(WAREHOUSE, run_id) as tables:
            tables.upsert("people", [Person(name="a", notes=notes)])
            tables.insert("visits", [Visit(name=run_id, number=1)])
            tables.finish(counts={})
    assert writer.query(WAREHOUSE, "SELECT notes FROM people").rows == [("b",)]
    for statement in ("DELETE FROM people", "DROP TABLE people", "CREATE TABLE more (a INTEGER)"):
        with pytest.raises(AccessDeniedError):
            site.run_as("writer", statement)
    with pytest.raises(AccessDeniedError):
        site.store("writer").schema.upgrade(WAREHOUSE)


def test_the_reader_reads_tables_and_views_and_writes_nothing(site: Site) -> None:
    with site.store("writer").transaction(WAREHOUSE, "r1") as tables:
        tables.upsert("people", [Person(name="a")])
        tables.finish(counts={})
    reader = site.store("reader")
    assert reader.query(WAREHOUSE, "SELECT name FROM people").rows == [("a",)]
    assert reader.query(WAREHOUSE, "SELECT people FROM v_places").rows == [(1,)]
    with pytest.raises(AccessDeniedError), reader.transaction(WAREHOUSE, "r2") as tables:
        tables.upsert("people", [Person(name="b")])


def test_a_file_has_no_roles(tmp_path: Path) -> None:
    store = open_warehouses(tmp_path, EnvironmentAndFileSecrets(tmp_path / "none", {}))
    with pytest.raises(UsageError, match="no roles"):
        store.schema.roles(WAREHOUSE)
    assert "CREATE ROLE people_reader NOLOGIN" in store.schema.roles(WAREHOUSE, "postgresql")
    assert "CREATE ROLE IF NOT EXISTS people_reader" in store.schema.roles(WAREHOUSE, "mariadb")
    assert MariadbServer.scheme == "mysql"
