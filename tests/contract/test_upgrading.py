"""An upgrade in an account, on a PostgreSQL with the role of RDS for logins by IAM, by an owner who is no superuser."""

from pathlib import Path

import pytest
from tests.database_servers import PostgresqlServer

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import open_warehouses
from penstock.adapters.relational.failures import translated
from penstock.adapters.relational.location import connected, parse_location
from penstock.adapters.relational.roles import users
from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.errors import AccessDeniedError, UsageError
from penstock.model.pipeline import Definition
from penstock.runtime.aws.upgrading import UpgradingFunction
from penstock.testing.contracts.warehouse_people import WAREHOUSE, Person

SHOP = Definition(name="shop", namespace="Shop", warehouses={WAREHOUSE.name: WAREHOUSE})


def store(server: PostgresqlServer, database: str, user: str, folder: Path) -> RelationalWarehouseStore:
    url = server.url(database, user, "secret")
    return open_warehouses(folder, EnvironmentAndFileSecrets(folder / "none", {"PENSTOCK_WAREHOUSE_PEOPLE": url}))


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> str:
    """A database as RDS makes it: its owner makes roles, may hand the role of RDS on, and is no superuser."""
    name = postgresql_server.new_database()
    owner = f"penstock_{name}"
    postgresql_server.execute(
        name,
        "DO $$ BEGIN CREATE ROLE rds_iam; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"CREATE USER {owner} PASSWORD 'secret' CREATEROLE",
        f"ALTER DATABASE {name} OWNER TO {owner}",
        f"GRANT rds_iam TO {owner} WITH ADMIN OPTION",
    )
    return name


def test_users_write_and_read_after_an_upgrade_and_may_do_no_more(
    postgresql_server: PostgresqlServer, database: str, tmp_path: Path
) -> None:
    owner = store(postgresql_server, database, f"penstock_{database}", tmp_path)
    upgrade = UpgradingFunction(SHOP, owner.schema, lambda line: None)
    first, second = upgrade({}, None), upgrade({}, None)
    assert first["people"]
    assert second == {"people": []}
    # In place of a token of IAM.
    for user in ("people_write", "people_read"):
        postgresql_server.execute(database, f"ALTER USER {user} PASSWORD 'secret'")
    writer, reader = (store(postgresql_server, database, f"people_{one}", tmp_path) for one in ("write", "read"))
    with writer.transaction(WAREHOUSE, "r1") as tables:
        tables.upsert("people", [Person(name="a")])
        tables.finish(counts={})
    assert reader.query(WAREHOUSE, "SELECT name FROM people").rows == [("a",)]
    with pytest.raises(AccessDeniedError), reader.transaction(WAREHOUSE, "r2") as tables:
        tables.upsert("people", [Person(name="b")])
    location = parse_location(postgresql_server.url(database, "people_write", "secret"), "URL")
    for statement in ("DELETE FROM people", "DROP TABLE people", "CREATE ROLE more"):
        with pytest.raises(AccessDeniedError), translated("people", location), connected(location) as connection:
            connection.exec_driver_sql(statement)


def test_users_of_mysql_log_in_by_the_plugin_of_rds_and_over_tls() -> None:
    """UsingWithRDS.IAMDBAuth.DBAccounts.html; https://dev.mysql.com/doc/refman/8.4/en/set-default-role.html"""
    assert users(WAREHOUSE, "mysql").splitlines() == [
        line
        for user, role in (("people_write", "people_writer"), ("people_read", "people_reader"))
        for line in (
            f"CREATE USER IF NOT EXISTS {user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;",
            f"GRANT {role} TO {user};",
            f"SET DEFAULT ROLE {role} TO {user};",
        )
    ]


def test_a_file_has_no_users(tmp_path: Path) -> None:
    here = open_warehouses(tmp_path, EnvironmentAndFileSecrets(tmp_path / "none", {}))
    with pytest.raises(UsageError, match="has no roles"):
        here.schema.provide(WAREHOUSE)
