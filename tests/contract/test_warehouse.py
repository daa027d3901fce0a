"""Warehouses in SQLite, PostgreSQL and MariaDB."""

import stat
from pathlib import Path

import pytest
from tests.database_servers import MariadbServer, PostgresqlServer

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import open_warehouses
from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.testing.contracts.warehouse import WarehouseContract
from penstock.testing.contracts.warehouse_people import WAREHOUSE, Person, WarehouseUnderTest


def under_test(folder: Path, environment: dict[str, str]) -> WarehouseUnderTest:
    def opened() -> RelationalWarehouseStore:
        return open_warehouses(folder / "warehouse", EnvironmentAndFileSecrets(folder / "secrets.toml", environment))

    store = opened()
    store.schema.upgrade(WAREHOUSE)
    return WarehouseUnderTest(store=store, schema=store.schema, reopened=opened)


class TestSqlite(WarehouseContract):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> WarehouseUnderTest:
        return under_test(tmp_path, {})

    def test_the_file_is_the_owners_alone(self, subject: WarehouseUnderTest, tmp_path: Path) -> None:
        subject.run("r1", Person(name="a"))
        assert stat.S_IMODE((tmp_path / "warehouse").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "warehouse" / "people.db").stat().st_mode) == 0o600


class TestPostgresql(WarehouseContract):
    @pytest.fixture
    def subject(self, tmp_path: Path, postgresql_server: PostgresqlServer) -> WarehouseUnderTest:
        url = postgresql_server.url(postgresql_server.new_database())
        return under_test(tmp_path, {"PENSTOCK_WAREHOUSE_PEOPLE": url})


class TestMariadb(WarehouseContract):
    @pytest.fixture
    def subject(self, tmp_path: Path, mariadb_server: MariadbServer) -> WarehouseUnderTest:
        url = mariadb_server.url(mariadb_server.new_database())
        return under_test(tmp_path, {"PENSTOCK_WAREHOUSE_PEOPLE": url})
