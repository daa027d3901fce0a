"""What goes wrong with a warehouse's server: a clear error with its mend, and nothing half-written."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.database_servers import PASSWORD, QUOTED_PASSWORD, DatabaseServer, MariadbServer, PostgresqlServer

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import open_warehouses
from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.cli.output import EXIT_CODES
from penstock.errors import (
    AccessDeniedError,
    HomeError,
    NotFoundError,
    PenstockError,
    StorageFullError,
    ThrottledError,
    UnavailableError,
    UsageError,
    ValidationError,
)
from penstock.model.warehouses import Warehouse
from penstock.ports.warehouse import CsvRows, UpsertCounts
from penstock.testing.contracts.warehouse_people import WAREHOUSE, Person, Visit

VARIABLE = "PENSTOCK_WAREHOUSE_PEOPLE"
# What a driver may say of a password, in any form.
PASSWORDS = (PASSWORD, QUOTED_PASSWORD, "wr0ng")


def opened(folder: Path, url: str) -> RelationalWarehouseStore:
    environment = {VARIABLE: url} if url else {}
    return open_warehouses(folder / "warehouse", EnvironmentAndFileSecrets(folder / "secrets.toml", environment))


def write(store: RelationalWarehouseStore, run_id: str, rows: Iterator[Visit] | list[Visit]) -> UpsertCounts:
    with store.transaction(WAREHOUSE, run_id, timeout_seconds=30) as tables:
        counts = tables.upsert("visits", rows)
        tables.finish(counts={})
    return counts


def exit_code(error: PenstockError) -> int:
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def visits(count: int) -> list[Visit]:
    return [Visit(name="a", number=number) for number in range(count)]


def count(store: RelationalWarehouseStore) -> int:
    return int(store.query(WAREHOUSE, "SELECT COUNT(*) FROM visits").rows[0][0])


def check_told(error: PenstockError) -> None:
    """The error tells a mend, and no password."""
    assert error.hint
    told = f"{error.message} {error.hint} {error.data} {error.__cause__!r} {error.__context__!r}"
    assert not [one for one in PASSWORDS if one in told]


@pytest.fixture(params=["postgresql_server", "mariadb_server"])
def server(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    found: DatabaseServer = request.getfixturevalue(request.param)
    yield found
    if found.process is None:
        found.start()


@pytest.fixture
def database(server: DatabaseServer) -> str:
    return server.new_database()


@pytest.fixture
def store(server: DatabaseServer, database: str, tmp_path: Path) -> RelationalWarehouseStore:
    made = opened(tmp_path, server.url(database))
    made.schema.upgrade(WAREHOUSE)
    return made


def test_a_wrong_password_is_access_denied(server: DatabaseServer, database: str, tmp_path: Path) -> None:
    with pytest.raises(AccessDeniedError, match="refuses the user or the password") as raised:
        write(opened(tmp_path, server.url(database, password="wr0ng")), "r1", visits(1))
    check_told(raised.value)
    assert VARIABLE in raised.value.hint
    assert exit_code(raised.value) == 7


def test_an_absent_database_is_named(server: DatabaseServer, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such database") as raised:
        write(opened(tmp_path, server.url("nowhere")), "r1", visits(1))
    check_told(raised.value)
    assert exit_code(raised.value) == 4


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_is_down_can_be_tried_again(scheme: str, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not answer") as raised:
        write(opened(tmp_path, f"{scheme}://someone:{QUOTED_PASSWORD}@127.0.0.1:9/people"), "r1", visits(1))
    check_told(raised.value)
    assert raised.value.retryable
    assert raised.value.data["warehouse"] == "people"
    assert exit_code(raised.value) == 1


def test_a_server_that_is_too_slow_is_told(server: DatabaseServer, store: RelationalWarehouseStore) -> None:
    slow = "SELECT pg_sleep(20)"
    if isinstance(server, MariadbServer):
        slow = "SELECT COUNT(*) FROM " + ", ".join(f"information_schema.columns c{number}" for number in range(4))
    with pytest.raises(UnavailableError, match="too slow") as raised:
        store.query(WAREHOUSE, slow, timeout_seconds=1)
    check_told(raised.value)


def test_a_transaction_that_waits_too_long_is_told(store: RelationalWarehouseStore) -> None:
    with store.transaction(WAREHOUSE, "r1") as tables:
        tables.upsert("visits", visits(1))
        with pytest.raises(ThrottledError) as raised, store.transaction(WAREHOUSE, "r2", timeout_seconds=1):
            pass
        tables.finish(counts={})
    check_told(raised.value)
    assert count(store) == 1


FULL = {
    PostgresqlServer: (
        "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = "
        "'could not extend file: No space left on device'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER full_disk BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION full_disk()",
    ),
    MariadbServer: (
        "CREATE TRIGGER full_disk BEFORE INSERT ON visits FOR EACH ROW SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, "
        "MESSAGE_TEXT = 'The table is full'",
    ),
}


def test_a_full_disk_is_told(server: DatabaseServer, database: str, store: RelationalWarehouseStore) -> None:
    # The server's own error, raised where it would be.
    server.execute(database, *FULL[type(server)])
    with pytest.raises(StorageFullError, match="no space left") as raised:
        write(store, "r1", visits(3))
    check_told(raised.value)
    assert raised.value.retryable
    assert count(store) == 0


def test_a_server_restarted_amid_the_rows_leaves_nothing_and_a_retry_writes_all(
    server: DatabaseServer, store: RelationalWarehouseStore
) -> None:
    def rows(restarts: bool) -> Iterator[Visit]:
        for number, visit in enumerate(visits(20_000)):
            if number == 9_000 and restarts:
                server.stop(signal.SIGQUIT if isinstance(server, PostgresqlServer) else signal.SIGKILL)
                server.start()
            yield visit

    with pytest.raises(UnavailableError) as raised:
        write(store, "r1", rows(restarts=True))
    check_told(raised.value)
    assert count(store) == 0
    assert write(store, "r1", rows(restarts=False)) == UpsertCounts(inserted=20_000)
    assert count(store) == 20_000


def test_a_server_that_dies_as_a_run_is_committed_leaves_it_done_or_not_at_all(
    server: DatabaseServer, store: RelationalWarehouseStore
) -> None:
    def end() -> None:
        server.stop(signal.SIGQUIT if isinstance(server, PostgresqlServer) else signal.SIGKILL)

    def write_and_end() -> None:
        with store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("visits", visits(5))
            tables.finish(counts={})
            end()

    # Dead before the commit reaches it: the transaction is gone with the server.
    with pytest.raises(UnavailableError):
        write_and_end()
    server.start()
    assert count(store) == 0
    # Dead after it: the run is done, whatever the client was told.
    write(store, "r1", visits(5))
    end()
    server.start()
    with store.transaction(WAREHOUSE, "r1") as tables:
        assert tables.done
    assert count(store) == 5


def test_two_writers_of_one_run_write_it_once(store: RelationalWarehouseStore) -> None:
    done: list[bool] = []

    def run() -> None:
        with store.transaction(WAREHOUSE, "r1") as tables:
            done.append(tables.done)
            if not tables.done:
                tables.upsert("visits", visits(2_000))
                tables.finish(counts={})

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == [False, True, True, True]
    assert count(store) == 2_000


def test_what_a_rows_iterator_raises_is_left_as_it_is(store: RelationalWarehouseStore) -> None:
    def rows() -> Iterator[Visit]:
        yield Visit(name="a", number=1)
        raise OSError("the input is gone")

    with pytest.raises(OSError, match="the input is gone"):
        write(store, "r1", rows())
    assert count(store) == 0


def test_tables_that_were_changed_by_hand_are_told(
    server: DatabaseServer, database: str, store: RelationalWarehouseStore
) -> None:
    server.execute(database, "ALTER TABLE visits DROP COLUMN reason", "ALTER TABLE people ADD COLUMN surplus INTEGER")
    with pytest.raises(UsageError, match="not as it is declared") as raised:
        write(store, "r1", visits(1))
    assert "penstock warehouse check people" in raised.value.hint
    differences = store.schema.standing(WAREHOUSE, compare=True).differences
    assert any("add column reason of visits" in one for one in differences)
    assert any("remove column surplus of people" in one for one in differences)


def test_a_server_has_no_tables_until_it_is_upgraded(server: DatabaseServer, database: str, tmp_path: Path) -> None:
    store = opened(tmp_path, server.url(database))
    for attempt in (lambda: write(store, "r1", visits(1)), lambda: count(store)):
        with pytest.raises(UsageError, match="no tables yet") as raised:
            attempt()
        assert raised.value.hint == "run `penstock warehouse upgrade people`"
        assert exit_code(raised.value) == 2


def test_a_schema_that_is_newer_than_the_code_is_told(
    server: DatabaseServer, database: str, store: RelationalWarehouseStore
) -> None:
    server.execute(database, "UPDATE alembic_version_people SET version_num = '9999'")
    newer = msgspec.structs.replace(WAREHOUSE, migrations="tests.contract.people_migrations")
    for attempt in (lambda: write_to(store, newer), lambda: store.schema.upgrade(newer)):
        with pytest.raises(UsageError, match="'9999' is newer than the code") as raised:
            attempt()
        assert raised.value.hint == "upgrade penstock, and the pipeline"
        assert exit_code(raised.value) == 2
    assert not store.schema.standing(newer).known


def write_to(store: RelationalWarehouseStore, warehouse: Warehouse) -> None:
    with store.transaction(warehouse, "r1"):
        pass


# -- files ----------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> RelationalWarehouseStore:
    return opened(tmp_path, "")


def test_a_full_file_is_told_and_holds_nothing_of_the_run(file: RelationalWarehouseStore, tmp_path: Path) -> None:
    write(file, "r1", visits(1))
    people = (Person(name=f"{number}", notes="x" * 100_000) for number in range(200))

    def fill() -> None:
        with file.transaction(WAREHOUSE, "r2") as tables:
            # SQLite's own limit on a file, as a disk has one.
            tables._cursor().execute("PRAGMA max_page_count=100")  # type: ignore[attr-defined]
            tables.upsert("people", people)

    with pytest.raises(StorageFullError) as raised:
        fill()
    check_told(raised.value)
    assert file.query(WAREHOUSE, "SELECT COUNT(*) FROM people").rows == [(0,)]
    assert count(file) == 1


def test_a_file_that_is_none_of_sqlites_is_told(file: RelationalWarehouseStore, tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "people.db").write_bytes(b"no database at all, but quite long enough" * 100)
    with pytest.raises(HomeError, match="damaged") as raised:
        write(file, "r1", visits(1))
    assert exit_code(raised.value) == 5


def test_a_folder_that_is_a_file_is_told(file: RelationalWarehouseStore, tmp_path: Path) -> None:
    (tmp_path / "warehouse").write_text("")
    with pytest.raises(HomeError, match="cannot use") as raised:
        write(file, "r1", visits(1))
    assert exit_code(raised.value) == 5


def test_the_server_refuses_what_a_file_of_rows_has_wrong(postgresql_server: PostgresqlServer, tmp_path: Path) -> None:
    store = opened(tmp_path, postgresql_server.url(postgresql_server.new_database()))
    store.schema.upgrade(WAREHOUSE)
    path = tmp_path / "rows.csv"
    for text in ('"a",x,"why"\n', '"a",1\n', '"a",1,"\0"\n', f'"{"a" * 256}",1,""\n'):
        path.write_text(text)
        with pytest.raises(ValidationError, match="cannot keep"), store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("visits", CsvRows([path], []))
        assert count(store) == 0
