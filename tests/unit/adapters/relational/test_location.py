"""Where a warehouse is, and that nobody is shown its password."""

from pathlib import Path

import pytest

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import locate
from penstock.adapters.relational.location import parse_location
from penstock.errors import NotFoundError, UsageError
from penstock.model.warehouses import Warehouse

CRM = Warehouse(name="crm", relations={})
VARIABLE = "PENSTOCK_WAREHOUSE_CRM"


def secrets(folder: Path, **environment: str) -> EnvironmentAndFileSecrets:
    return EnvironmentAndFileSecrets(folder / "secrets.toml", environment)


@pytest.mark.parametrize(
    ("text", "server", "shown"),
    [
        ("postgresql://me:s3cret@db:5433/crm", "postgresql", "postgresql://me:***@db:5433/crm"),
        ("postgres://me:s3cret@db/crm?sslmode=require", "postgresql", "postgresql://me:***@db/crm"),
        ("postgresql+psycopg://me@db/crm?password=s3cret", "postgresql", "postgresql://me@db/crm"),
        ("mysql://me:s3cret@db/crm", "mysql", "mysql://me:***@db/crm"),
        ("mysql+pymysql://me:s3cret@db/crm", "mysql", "mysql://me:***@db/crm"),
        ("mariadb://me:s3cret@db/crm", "mariadb", "mariadb://me:***@db/crm"),
    ],
)
def test_a_url_leads_to_a_server(text: str, server: str, shown: str) -> None:
    found = parse_location(text, VARIABLE)
    assert (found.server, found.shown) == (server, shown)
    assert "s3cret" not in f"{found} {found!r}".replace("password=s3cret", "") or "password=" in text
    assert "s3cret" not in found.mend


@pytest.mark.parametrize(
    "text",
    [
        "oracle://me:s3cret@db/crm", "postgresql+asyncpg://me:s3cret@db/crm", "s3cret", "postgresql://me:s3cret@db",
        "postgresql://me:s3cret@db:port/crm", "",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_database_is_told_without_its_text(text: str) -> None:
    with pytest.raises(UsageError, match=VARIABLE) as raised:
        parse_location(text, VARIABLE)
    assert "s3cret" not in f"{raised.value} {raised.value.hint} {raised.value.__cause__!r}"
    assert raised.value.hint


def test_a_home_has_a_file_until_the_environment_names_a_database(tmp_path: Path) -> None:
    found = locate(CRM, tmp_path, secrets(tmp_path))
    assert (found.server, found.url.database) == ("sqlite", str(tmp_path / "crm.db"))
    found = locate(CRM, tmp_path, secrets(tmp_path, PENSTOCK_WAREHOUSE_CRM="mysql://me@db/sales"))
    assert (found.server, found.url.database, found.variable) == ("mysql", "sales", VARIABLE)


def test_a_url_can_name_secrets_which_may_hold_any_character(tmp_path: Path) -> None:
    known = secrets(tmp_path, PENSTOCK_WAREHOUSE_CRM="mysql://me:${CRM_PASSWORD}@db/sales", CRM_PASSWORD="a@b:c/d%é")
    assert locate(CRM, tmp_path, known).url.password == "a@b:c/d%é"
    with pytest.raises(NotFoundError, match="OTHER is not set"):
        locate(CRM, tmp_path, secrets(tmp_path, PENSTOCK_WAREHOUSE_CRM="mysql://me:${OTHER}@db/sales"))


def test_a_url_can_be_in_the_homes_file_of_secrets(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(f'{VARIABLE} = "postgresql://me@db/sales"\n')
    file.chmod(0o600)
    assert locate(CRM, tmp_path, secrets(tmp_path)).server == "postgresql"
