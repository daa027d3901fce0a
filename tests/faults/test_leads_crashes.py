"""The same leads, undisturbed, twice, and with kills at random moments, leave the same tables in every database."""

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from penstock.pipelines.leads import crm
from penstock.pipelines.leads.generator import write
from penstock.runtime.machine.home import Home

KILLS = int(os.environ.get("PENSTOCK_KILLS", "3"))
TABLES = {
    "leads": "lead_id", "lead_scores": "lead_id, run_id, scorer", "lead_rejects": "run_id, line",
    "pipeline_runs": "run_id",
}  # fmt: skip
SERVERS = ("sqlite", "postgresql", "mysql")
Drive = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("leads") / "leads.csv"
    write(path, 3000, seed=11, form="csv", outcomes=True, day=date(2026, 2, 20))
    return path.read_bytes()


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The URL of a new, empty database with the newest tables."""

    def make(server: str) -> str:
        if server == "sqlite":
            return ""
        running = request.getfixturevalue("postgresql_server" if server == "postgresql" else "mariadb_server")
        return str(running.url(running.new_database()))

    return make


def lay_out(folder: Path, content: bytes) -> str:
    """Makes a home in which a file has arrived; returns its key, which says the day."""
    key = f"inbox/leads/year=2026/month=02/day=20/{hashlib.sha256(content).hexdigest()[:32]}-leads.csv"
    home = Home(folder)
    home.objects.create(key, content)
    home.close()
    return key


def drive(folder: Path, key: str, url: str, **variables: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PENSTOCK_WAREHOUSE_LEADS": url, **variables}
    script = Path(__file__).with_name("leads_crash.py")
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), key], env=environment, start_new_session=True, stderr=subprocess.PIPE
    )


def finish(process: "subprocess.Popen[bytes]") -> None:
    _, said = process.communicate(timeout=100)
    assert process.returncode == 0, said.decode()


def kill_after(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Kills a process with all its children; False if it was over before."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=seconds)
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return True


def tables(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    monkeypatch.setenv("PENSTOCK_WAREHOUSE_LEADS", url)
    home = Home(folder)
    try:
        return {
            name: home.warehouses.query(crm, f"SELECT * FROM {name} ORDER BY {key}").records()
            for name, key in TABLES.items()
        }
    finally:
        home.close()


def upgrade(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if url:
        monkeypatch.setenv("PENSTOCK_WAREHOUSE_LEADS", url)
        home = Home(folder)
        home.warehouses.schema.upgrade(crm)
        home.close()


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, leads: bytes
) -> tuple[dict[str, list[dict[str, Any]]], float]:
    """The tables of a run that nobody disturbs, in SQLite, and how long it takes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    key = lay_out(folder, leads)
    began = time.monotonic()
    finish(drive(folder, key, ""))
    took = time.monotonic() - began
    with pytest.MonkeyPatch.context() as patch:
        found = tables(folder, "", patch)
        assert len(found["pipeline_runs"]) == 1
        assert len(found["leads"]) > 2000
        finish(drive(folder, key, ""))
        assert tables(folder, "", patch) == found
    return found, took


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("server", SERVERS)
def test_kills_leave_what_an_undisturbed_run_leaves(
    server: str,
    leads: bytes,
    undisturbed: tuple[dict[str, list[dict[str, Any]]], float],
    url: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, took = undisturbed
    chance, killed = random.Random(f"kills {server}"), 0
    for attempt in range(3 * KILLS):
        # A run that was over before its kills is one more that has to be right.
        folder, database = tmp_path / f"home{attempt}", url(server)
        upgrade(folder, database, monkeypatch)
        key = lay_out(folder, leads)
        while killed < KILLS and kill_after(drive(folder, key, database), chance.uniform(0.3, 1.0) * took):
            killed += 1
            if (rows := tables(folder, database, monkeypatch))["pipeline_runs"]:
                assert rows == expected
            else:
                assert not any(rows.values())
        finish(drive(folder, key, database))
        assert tables(folder, database, monkeypatch) == expected
        if killed == KILLS:
            break
    assert killed == KILLS
