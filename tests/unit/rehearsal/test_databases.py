"""Databases in the place of RDS: a real PostgreSQL, logged in to as an account's are."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.deployments import leads

from penstock.deploy.resources.warehouse import OWNER
from penstock.errors import AccessDeniedError, UnavailableError
from penstock.model.pipeline import Definition
from penstock.rehearsal.calls import RecordedCall, line
from penstock.rehearsal.credentials import settings
from penstock.rehearsal.database_server import programs
from penstock.rehearsal.databases import Databases, Logins, names_its_user, unjudged

ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalr", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}  # fmt: skip


@pytest.fixture(scope="module")
def definition() -> Definition:
    return leads()


@pytest.fixture(scope="module")
def databases(definition: Definition) -> Iterator[Databases]:
    try:
        programs()
    except UnavailableError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))
    with unjudged(definition) as made:
        yield made


def connect(databases: Databases, user: str, password: str, mode: str = "require") -> psycopg.Connection:
    place = databases.told()["PENSTOCK_DATABASES"]
    address = json.loads(place)["servers"]["leads"]["address"]
    return psycopg.connect(
        host=address, port=5432, dbname="leads", user=user, password=password, sslmode=mode, autocommit=True
    )


def owner(databases: Databases) -> psycopg.Connection:
    password = json.loads(databases.told()["PENSTOCK_DATABASES"])["servers"]["leads"]["password"]
    return connect(databases, OWNER, password)


def test_the_owner_makes_roles_and_is_no_superuser(databases: Databases) -> None:
    """Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html: CREATEROLE and CREATEDB, and no more."""
    with owner(databases) as connection:
        found = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert found == (False, True, True)
        assert connection.execute("SHOW ssl").fetchone() == ("on",)


def test_nothing_comes_without_tls(databases: Databases) -> None:
    password = json.loads(databases.told()["PENSTOCK_DATABASES"])["servers"]["leads"]["password"]
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        connect(databases, OWNER, password, mode="disable")


def test_users_log_in_by_a_token_of_theirs_and_by_nothing_else(databases: Databases, definition: Definition) -> None:
    warehouse = definition.warehouses["leads"]
    with settings(ACCOUNT):
        databases.log_in(warehouse, warehouse.writing_user)
        databases.log_in(warehouse, warehouse.reading_user)
        with pytest.raises(AccessDeniedError):
            databases.log_in(warehouse, "leads_owner")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(databases, warehouse.reading_user, "Action=connect")


def test_users_may_what_their_roles_may(databases: Databases, definition: Definition) -> None:
    with owner(databases) as connection:
        found = connection.execute(
            "SELECT has_table_privilege('leads_write', 'leads', 'INSERT'), "
            "has_table_privilege('leads_read', 'leads', 'INSERT'), has_table_privilege('leads_read', 'leads', 'SELECT')"
        ).fetchone()
    assert found == (True, False, True)


def test_a_task_is_told_what_it_was_granted(databases: Databases, definition: Definition) -> None:
    given = databases.variables(definition.tasks["score_leads"])
    place = json.loads(given["PENSTOCK_WAREHOUSES"])["leads"]
    assert (place["server"], place["port"], place["database"]) == ("postgresql", 5432, "leads")
    assert place["username"] == "leads_write"
    assert databases.variables(definition.tasks["notify_failure"]) == {}


def test_rows_are_removed_and_tables_stay(databases: Databases) -> None:
    with owner(databases) as connection:
        connection.execute(
            "CREATE TABLE kept AS SELECT 1 AS one; "
            "INSERT INTO lead_rejects (run_id, line, reason, message, raw) VALUES ('r', 1, 'a', 'b', 'c')"
        )
        databases.empty()
        assert connection.execute("SELECT count(*) FROM lead_rejects").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)
        connection.execute("DROP TABLE kept")


def test_nothing_is_left(definition: Definition, databases: Databases) -> None:
    another = Databases(definition, logins=1)
    address = json.loads(another.told()["PENSTOCK_DATABASES"])["servers"]["leads"]["address"]
    another.close()
    with pytest.raises(ConnectionRefusedError), contextlib.closing(socket.create_connection((address, 5432))):
        pass


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("127.1.1.1:5432/?Action=connect&DBUser=bob&X-Amz-Signature=0", True),
        ("127.1.1.1:5432/?Action=connect&DBUser=eve", False),
        ("127.1.1.1:5432/?Action=disconnect&DBUser=bob", False),
        ("a password", False),
    ],
)
def test_whose_token_it_is(token: str, expected: bool) -> None:
    assert names_its_user("leads:bob", token) is expected


def test_what_was_tried_on_purpose_is_no_call(tmp_path: Path) -> None:
    logins = Logins(tmp_path / "logins.jsonl")
    assert logins.calls() == []

    def log_in(user: str) -> None:
        arn = f"arn:aws:sts::000000000000:assumed-role/leads-{user}/session"
        with logins.path.open("ab") as file:
            file.write(line(RecordedCall(arn, "rds-db:connect", f"dbuser:db-A/{user}")))

    log_in("a")
    with logins.passed_over():
        log_in("b")
    log_in("c")
    with logins.passed_over():
        pass
    assert [(call.role, call.resource) for call in logins.calls()] == [
        ("leads-a", "dbuser:db-A/a"), ("leads-c", "dbuser:db-A/c"),
    ]  # fmt: skip
