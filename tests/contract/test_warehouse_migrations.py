"""How tables come to be: revision by revision, whole or not at all, and as they are declared in the end."""

from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from tests.database_servers import DatabaseServer

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import locate, open_warehouses
from penstock.adapters.relational.location import connected
from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.errors import LoadError, UsageError
from penstock.model.warehouses import Warehouse
from penstock.pipelines.leads import pipeline as leads
from penstock.ports.warehouse import Revision
from penstock.testing.contracts.warehouse_people import WAREHOUSE

PEOPLE = msgspec.structs.replace(
    WAREHOUSE,
    relations={name: WAREHOUSE.relations[name] for name in ("pipeline_runs", "visits")},
    views={"v_visits": "SELECT name, COUNT(*) AS visits FROM visits GROUP BY name"},
    migrations="tests.contract.people_migrations",
)
LEADS = leads.build().warehouses["leads"]


@pytest.fixture(params=["", "postgresql_server", "mariadb_server"])
def secrets(request: pytest.FixtureRequest, tmp_path: Path) -> EnvironmentAndFileSecrets:
    environment = {}
    if request.param:
        server: DatabaseServer = request.getfixturevalue(request.param)
        url = server.url(server.new_database())
        environment = {"PENSTOCK_WAREHOUSE_PEOPLE": url, "PENSTOCK_WAREHOUSE_LEADS": url}
    return EnvironmentAndFileSecrets(tmp_path / "none", environment)


@pytest.fixture
def store(secrets: EnvironmentAndFileSecrets, tmp_path: Path) -> RelationalWarehouseStore:
    return open_warehouses(tmp_path, secrets)


def execute(secrets: EnvironmentAndFileSecrets, folder: Path, *statements: str) -> None:
    with connected(locate(PEOPLE, folder, secrets)) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
        connection.commit()


def write(store: RelationalWarehouseStore, warehouse: Warehouse, run_id: str = "r1") -> None:
    with store.transaction(warehouse, run_id) as tables:
        tables.finish(counts={})


def test_the_leads_tables_are_as_their_records_declare(store: RelationalWarehouseStore) -> None:
    assert store.schema.upgrade(LEADS) == [one.id for one in store.schema.history(LEADS)]
    standing = store.schema.standing(LEADS, compare=True)
    assert standing.differences == ()
    assert standing.is_current
    for view in LEADS.views:
        assert store.query(LEADS, f"SELECT * FROM {view}").rows == []


def test_two_warehouses_live_in_one_database(store: RelationalWarehouseStore) -> None:
    store.schema.upgrade(PEOPLE)
    assert store.schema.standing(LEADS).current == ""
    assert store.schema.standing(PEOPLE, compare=True).differences == ()


def test_tables_are_upgraded_revision_by_revision(
    store: RelationalWarehouseStore, secrets: EnvironmentAndFileSecrets, tmp_path: Path
) -> None:
    assert store.schema.upgrade(PEOPLE) == ["0001", "0002"]
    assert store.schema.upgrade(PEOPLE) == []
    execute(secrets, tmp_path, "DROP VIEW v_visits", "DROP TABLE visits",
            "UPDATE alembic_version_people SET version_num = '0001'")  # fmt: skip
    assert store.schema.history(PEOPLE) == [
        Revision("0001", "The tables of people.", True), Revision("0002", "The visits of people.", False),
    ]  # fmt: skip
    location = locate(PEOPLE, tmp_path, secrets)
    if not location.is_file:
        with pytest.raises(UsageError, match="'0001' is older") as raised:
            write(store, PEOPLE)
        assert raised.value.hint == "run `penstock warehouse upgrade people`"
        assert store.schema.upgrade(PEOPLE) == ["0002"]
    # A file is upgraded as soon as it is used.
    write(store, PEOPLE)
    assert store.query(PEOPLE, "SELECT * FROM v_visits").rows == []
    assert store.query(PEOPLE, "SELECT run_id FROM pipeline_runs").rows == [("r1",)]


def test_a_view_that_changed_is_made_anew(store: RelationalWarehouseStore) -> None:
    store.schema.upgrade(PEOPLE)
    changed = msgspec.structs.replace(
        PEOPLE, views={"v_visits": "SELECT name AS visitor FROM visits WHERE name LIKE '%a'"}
    )
    store.schema.upgrade(changed)
    assert store.query(changed, "SELECT * FROM v_visits").columns == ("visitor",)


def test_a_file_has_the_views_that_are_declared(tmp_path: Path) -> None:
    store = open_warehouses(tmp_path, EnvironmentAndFileSecrets(tmp_path / "none", {}))
    write(store, PEOPLE)
    changed = msgspec.structs.replace(PEOPLE, views={"v_visits": "SELECT name AS visitor FROM visits"})
    assert store.query(changed, "SELECT * FROM v_visits").columns == ("visitor",)


def test_a_declaration_without_migrations_cannot_change(tmp_path: Path) -> None:
    store = open_warehouses(tmp_path, EnvironmentAndFileSecrets(tmp_path / "none", {}))
    write(store, WAREHOUSE)
    fewer = msgspec.structs.replace(
        WAREHOUSE, relations={"pipeline_runs": WAREHOUSE.relations["pipeline_runs"]}, views={}
    )
    with pytest.raises(UsageError, match="declared anew") as raised:
        write(store, fewer)
    assert "migrations=" in raised.value.hint
    write(store, WAREHOUSE, "r2")


@pytest.mark.parametrize("name", ["nowhere.migrations", "tests.database_servers", "tests.faults"])
def test_migrations_that_are_not_there_are_told(name: str, tmp_path: Path) -> None:
    store = open_warehouses(tmp_path, EnvironmentAndFileSecrets(tmp_path / "none", {}))
    with pytest.raises(LoadError, match=name) as raised:
        store.schema.upgrade(msgspec.structs.replace(PEOPLE, migrations=name))
    assert raised.value.hint


@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mysql", "mariadb"])
def test_the_script_is_the_servers_own(server: str, tmp_path: Path) -> None:
    store = open_warehouses(tmp_path, EnvironmentAndFileSecrets(tmp_path / "none", {}))
    script = store.schema.sql(LEADS, server)  # type: ignore[arg-type]
    assert script.count("CREATE TABLE") == len(LEADS.relations) + 1
    assert script.index("CREATE TABLE IF NOT EXISTS leads") < script.index("v_leads_current AS")
    words = {
        "sqlite": "NUMERIC(18, 2)", "postgresql": "JSONB NOT NULL", "mysql": "COLLATE utf8mb4_0900_bin",
        "mariadb": "COLLATE utf8mb4_nopad_bin",
    }  # fmt: skip
    assert words[server] in script
    # MySQL has no such words for an index.
    assert "CREATE INDEX IF NOT EXISTS" not in script
