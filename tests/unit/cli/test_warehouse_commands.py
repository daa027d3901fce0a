"""The commands of `penstock warehouse`, on a file."""

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.cli.main import main

FILE = """
import msgspec
from penstock import Pipeline, relation

class Lead(msgspec.Struct):
    lead_id: str
    points: int = 0

shop = Pipeline("shop")
crm = shop.warehouse("crm", tables=[relation("leads", Lead, key="lead_id")],
                     views={"v_best": "SELECT lead_id FROM leads WHERE points > 9"})

@shop.task(may=[crm.write])
def work(event, context): ...

shop.workflow("shop", work)
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(FILE)

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["-f", "shop.py", "--home", str(tmp_path / "home"), "warehouse", *arguments])
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return command


def test_a_warehouse_is_made_checked_and_asked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "home" / "warehouse" / "crm.db"
    assert run("current", "crm")[1].startswith(f"sqlite:///{file}\nno tables yet")
    assert run("check", "crm")[0] == 1
    code, told, _ = run("upgrade", "crm", "--json")
    assert (code, len(json.loads(told)["applied"])) == (0, 1)
    assert run("upgrade", "crm")[1] == "crm is as it should be; its views were made anew\n"
    assert run("check", "crm")[0] == 0
    assert json.loads(run("history", "crm", "--json")[1])[0]["applied"] is True

    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO leads VALUES ('a', 10), ('b', 1)")
    connection.close()
    assert json.loads(run("query", "crm", "SELECT * FROM v_best", "--json")[1]) == [{"lead_id": "a"}]
    assert json.loads(
        run("query", "crm", "SELECT points FROM leads WHERE lead_id = :id", "-p", "id=b", "--json")[1]
    ) == [{"points": 1}]
    assert run("query", "crm", "DELETE FROM leads")[0] == 6

    with sqlite3.connect(file) as connection:
        connection.execute("DROP VIEW v_best")
        connection.execute("CREATE TABLE mine (a)")
        connection.execute("ALTER TABLE leads ADD COLUMN more TEXT")
    connection.close()
    code, told, _ = run("check", "crm", "--json")
    assert code == 1
    assert json.loads(told)["differences"] == ["remove column more of leads", "there is no view v_best"]


def test_what_is_printed_for_a_person_who_owns_the_database(run: Run) -> None:
    assert "CREATE TABLE leads" in run("sql", "crm", "--server", "postgresql")[1]
    assert "COLLATE utf8mb4_nopad_bin" in run("sql", "crm", "--server", "mariadb")[1]
    assert "GRANT SELECT, INSERT, UPDATE ON leads TO crm_writer" in run("roles", "crm", "--server", "postgresql")[1]
    assert run("views", "crm")[1] == "-- v_best\nSELECT lead_id FROM leads WHERE points > 9\n"
    assert "crm" in {one["warehouse"] for one in json.loads(run("--json")[1])}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("current", "cmr"), 4, "crm"),
        (("roles", "crm"), 2, "--server"),
        (("sql", "crm", "--server", "oracle"), 2, "one of sqlite"),
        (("query", "crm", "SELECT 1", "-p", "id"), 2, "NAME=TEXT"),
    ],
)
def test_what_cannot_be_done_is_told(run: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    found, _, error = run(*arguments)
    assert (found, told in error) == (code, True)


def test_a_url_that_is_none_is_told_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_WAREHOUSE_CRM", "oracle://me:s3cret@db/crm")
    code, out, error = run("current", "crm")
    assert code == 2
    assert "PENSTOCK_WAREHOUSE_CRM" in error
    assert "s3cret" not in out + error


def test_a_library_that_is_not_installed_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    code, _, error = run("current", "crm")
    assert code == 2
    assert "pip install 'penstock[warehouse]'" in error
