"""Leads into a database that is not as it should be: the error says what to do, and nothing is lost or half-written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.database_servers import PASSWORD, QUOTED_PASSWORD, DatabaseServer, PostgresqlServer

from penstock.pipelines.leads import PASSING, crm, failures, pipeline
from penstock.ports.journal import Execution
from penstock.testing.sandbox import Sandbox

VARIABLE = "PENSTOCK_WAREHOUSE_LEADS"
TABLES = ("leads", "lead_scores", "lead_rejects", "pipeline_runs")
LEADS = "email,name\nanna@acme.com,Anna Lee\nbob@acme.com,Bob Brown\nnobody,\n"
# What the servers themselves raise, by the numbers that their documentation gives.
# https://www.postgresql.org/docs/15/errcodes-appendix.html, https://mariadb.com/kb/en/mariadb-error-code-reference/
RAISE = "RAISE EXCEPTION USING ERRCODE = '{}', MESSAGE = 'as the server says it'"
SIGNAL = "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {}, MESSAGE_TEXT = 'as the server says it'"
PASSING_ERRORS = [
    ("postgresql_server", RAISE.format("55P03"), "Warehouse.Busy"),
    ("postgresql_server", "PERFORM pg_terminate_backend(pg_backend_pid())", "Warehouse.Unavailable"),
    ("mariadb_server", SIGNAL.format(1021), "Warehouse.Full"),
    ("mariadb_server", SIGNAL.format(1205), "Warehouse.Busy"),
]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(pipeline, tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text(LEADS)
    return path


@pytest.fixture(params=["postgresql_server", "mariadb_server"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def connect(server: DatabaseServer, patch: pytest.MonkeyPatch, **options: Any) -> str:
    """Makes a database of its own that the leads are to go to; returns its name."""
    database = server.new_database()
    patch.setenv(VARIABLE, server.url(database, **options))
    return database


def counts(sandbox: Sandbox) -> dict[str, int]:
    ask = sandbox.home.warehouses.query
    return {table: int(ask(crm, f"SELECT COUNT(*) FROM {table}", None).rows[0][0]) for table in TABLES}


def said(sandbox: Sandbox, execution: Execution) -> str:
    """Everything that is kept of an execution, and of what people were told."""
    events = b"".join(bytes(one.event) for one in sandbox.home.journal.events(execution.id))
    return f"{execution.cause}{events.decode()}{[message.body for message in sandbox.messages()]}"


def check_refused(sandbox: Sandbox, file: Path, error: str, words: str, hint: str) -> None:
    """A file whose leads cannot be kept fails once, says why and what to do, and tells no password."""
    execution = sandbox.arrive(file)
    assert (execution.status, execution.error) == ("FAILED", error), execution.cause
    cause = json.loads(execution.cause or "")
    assert words in cause["errorMessage"]
    assert hint in cause["hint"]
    assert not [one for one in (PASSWORD, QUOTED_PASSWORD, "wr0ng") if one in said(sandbox, execution)]
    assert sandbox.values(failures) == [1.0]


def check_stored(sandbox: Sandbox, file: Path) -> None:
    """The same file again, twice: nothing was lost, nothing is there twice, and nothing changes."""
    found = []
    for _ in range(2):
        assert sandbox.arrive(file).status == "SUCCEEDED"
        ask = sandbox.home.warehouses.query
        found.append({table: ask(crm, f"SELECT * FROM {table} ORDER BY 1", None).rows for table in TABLES})
    assert found[0] == found[1]
    assert counts(sandbox) == {"leads": 2, "lead_scores": 2, "lead_rejects": 1, "pipeline_runs": 1}


def test_a_wrong_password(
    server: DatabaseServer, sandbox: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        connect(server, patch, password="wr0ng")
        check_refused(sandbox, file, "AccessDeniedError", "refuses the user or the password", VARIABLE)
    check_stored(sandbox, file)


def test_tables_that_are_not_there_yet_and_tables_that_are_newer(
    server: DatabaseServer, sandbox: Sandbox, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = connect(server, monkeypatch)
    check_refused(sandbox, file, "UsageError", "no tables yet", "penstock warehouse upgrade leads")
    sandbox.home.warehouses.schema.upgrade(crm)
    check_stored(sandbox, file)
    server.execute(database, "UPDATE alembic_version_leads SET version_num = '9999'")
    file.write_text(f"{LEADS}eve@acme.com,Eve Hill\n")
    with Sandbox(pipeline, tmp_path / "other") as other:
        check_refused(other, file, "UsageError", "'9999' is newer than the code", "upgrade penstock")


def fail(server: DatabaseServer, database: str, action: str, *, once: bool) -> None:
    """Has the server do something as rejects are written, late in a run. Sequences know no transactions."""
    server.execute(database, "CREATE SEQUENCE attempts")
    if isinstance(server, PostgresqlServer):
        when = "nextval('attempts') = 1" if once else "true"
        server.execute(
            database,
            f"CREATE FUNCTION fail() RETURNS trigger AS $$ BEGIN IF {when} THEN {action}; END IF; RETURN NEW; END $$ "
            "LANGUAGE plpgsql",
            "CREATE TRIGGER fail BEFORE INSERT ON lead_rejects FOR EACH ROW EXECUTE FUNCTION fail()",
        )
    else:
        when = "NEXTVAL(attempts) = 1" if once else "true"
        server.execute(
            database,
            f"CREATE TRIGGER fail BEFORE INSERT ON lead_rejects FOR EACH ROW IF {when} THEN {action}; END IF",
        )


@pytest.mark.parametrize(("kind", "action", "error"), PASSING_ERRORS)
def test_what_passes_by_itself_is_tried_again(
    kind: str,
    action: str,
    error: str,
    sandbox: Sandbox,
    file: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = request.getfixturevalue(kind)
    database = connect(server, monkeypatch)
    sandbox.home.warehouses.schema.upgrade(crm)
    fail(server, database, action, once=True)
    execution = sandbox.arrive(file)
    assert execution.status == "SUCCEEDED", execution.cause
    assert sandbox.values(failures) == [1.0, 0.0]
    assert f'"{error}"' in said(sandbox, execution)
    assert error in PASSING
    check_stored(sandbox, file)


def test_a_disk_that_stays_full_leaves_nothing_half_written(
    postgresql_server: PostgresqlServer, sandbox: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = connect(postgresql_server, monkeypatch)
    sandbox.home.warehouses.schema.upgrade(crm)
    fail(postgresql_server, database, RAISE.format("53100"), once=False)
    execution = sandbox.arrive(file)
    assert (execution.status, execution.error) == ("FAILED", "Warehouse.Full")
    assert "no space left" in (execution.cause or "")
    assert sandbox.values(failures) == [1.0] * 5
    assert counts(sandbox) == dict.fromkeys(TABLES, 0)
    postgresql_server.execute(database, "DROP TRIGGER fail ON lead_rejects")
    check_stored(sandbox, file)
