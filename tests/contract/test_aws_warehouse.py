"""Warehouses in RDS: where they are by the environment, and the password by a secret; on moto, and on real servers."""

import json
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from tests.database_servers import PASSWORD, MariadbServer, PostgresqlServer

from penstock.adapters.aws.secrets import SecretsManagerSecrets
from penstock.adapters.aws.session import client
from penstock.adapters.aws.warehouse import Place, locate, open_warehouses
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import NotFoundError, UnavailableError, UsageError
from penstock.model.warehouses import Warehouse
from penstock.testing.contracts.warehouse_people import WAREHOUSE

CRM = Warehouse(name="crm", relations={})
PLACE = Place(server="postgresql", host="db.internal", port=5432, database="crm", secret="rds!db-1")


@pytest.fixture
def secrets(aws: str) -> SecretsManagerSecrets:
    made = client("secretsmanager")
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
    made.create_secret(Name="rds!db-1", SecretString=json.dumps({"username": "admin", "password": PASSWORD}))
    made.create_secret(Name="other", SecretString="no JSON")
    return SecretsManagerSecrets(VirtualClock(0.0))


def test_a_warehouse_is_where_the_environment_says(secrets: SecretsManagerSecrets) -> None:
    found = locate(CRM, {"crm": PLACE}, secrets)
    assert (found.server, found.url.host, found.url.port, found.url.database) == (
        "postgresql",
        "db.internal",
        5432,
        "crm",
    )
    assert (found.url.username, found.url.password) == ("admin", PASSWORD)
    assert found.url.query["sslmode"] == "require"
    assert found.shown == "postgresql://admin:***@db.internal:5432/crm"


def test_what_is_not_deployed_is_told(secrets: SecretsManagerSecrets) -> None:
    with pytest.raises(UsageError, match="'crm' is not deployed"):
        locate(CRM, {}, secrets)
    with pytest.raises(NotFoundError, match="absent"):
        locate(CRM, {"crm": msgspec.structs.replace(PLACE, secret="absent")}, secrets)
    with pytest.raises(UsageError, match="no username and password") as raised:
        locate(CRM, {"crm": msgspec.structs.replace(PLACE, secret="other")}, secrets)
    assert "no JSON" not in f"{raised.value} {raised.value.__cause__}"
    with pytest.raises(UsageError, match="PENSTOCK_WAREHOUSES"):
        open_warehouses("{", secrets)


def test_no_password_goes_to_a_server_without_tls(
    secrets: SecretsManagerSecrets, mariadb_server: MariadbServer, postgresql_server: PostgresqlServer
) -> None:
    for server, running in (("mysql", mariadb_server), ("postgresql", postgresql_server)):
        place = msgspec.structs.replace(PLACE, server=server, host="127.0.0.1", port=running.port)
        store = open_warehouses(msgspec.json.encode({"people": place}).decode(), secrets)
        with pytest.raises(UnavailableError, match=r"does not support SSL|doesn.t support it") as raised:
            store.schema.upgrade(WAREHOUSE)
        assert PASSWORD not in raised.value.message


def test_a_task_logs_in_by_a_token_that_is_signed_here(aws: str) -> None:
    """UsingWithRDS.IAMDBAuth.Connecting.Python.html: the token is a signed request to connect as the user."""
    place = msgspec.structs.replace(PLACE, secret="", username="crm_write")
    found = locate(CRM, {"crm": place})
    token = urlsplit(f"https://{found.url.password}")
    assert (found.url.username, token.netloc) == ("crm_write", "db.internal:5432")
    asked = dict(parse_qsl(token.query))
    assert (asked["Action"], asked["DBUser"], asked["X-Amz-Expires"]) == ("connect", "crm_write", "900")
    assert "/rds-db/" in asked["X-Amz-Credential"]
    assert found.url.query["sslmode"] == "require"
    assert "X-Amz" not in found.shown


def test_a_place_without_a_user_needs_secrets() -> None:
    with pytest.raises(UsageError, match="nobody is named"):
        locate(CRM, {"crm": PLACE})
