"""What checkov finds in synthesized folders is what docs/explanation/checkov.md explains, no more and no less.

checkov has an environment of its own: PENSTOCK_CHECKOV names the program, or it is on PATH.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.deployments import everything, leads, metrics, orders, services, write
from tests.terraform_cli import skip

from penstock.model.pipeline import Definition

DOCUMENT = Path(__file__).parents[3] / "docs" / "explanation" / "checkov.md"
ROW = re.compile(r"\| (CKV2?_AWS_\d+) \| `([^`]+)` \| (.+) \|")
PROGRAM = "PENSTOCK_CHECKOV"
TIMEOUT_SECONDS = 100
FOLDERS: dict[str, Callable[[], Definition]] = {
    "metrics": metrics,
    "everything": everything,
    "services": services,
    "leads": leads,
    "leads-instance": lambda: leads(compute="ec2", architecture="x86_64"),
    "orders-job": orders,
}
Findings = set[tuple[str, str]]


def rows() -> list[tuple[str, str]]:
    found = [ROW.fullmatch(line) for line in DOCUMENT.read_text().splitlines() if line.startswith("| CKV")]
    assert all(found), "a line of the table is not: check, resource, reason"
    return [(row[1], row[2]) for row in found if row]


def program() -> str:
    found = os.environ.get(PROGRAM) or shutil.which("checkov")
    if found is None:
        skip(f"checkov is not on PATH, and {PROGRAM} names none")
    return str(found)


def findings(folder: Path) -> Findings:
    """Returns (check, resource) of what checkov finds below a folder, all of which it must have read."""
    done = subprocess.run(
        [program(), "-d", str(folder), "--framework", "terraform", "-o", "json", "--quiet", "--compact",
         "--skip-download", "--soft-fail"],
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["skipped"] == 0
    assert report["summary"]["passed"] > 100
    failed = report["results"]["failed_checks"]
    assert {Path(one["file_path"]).parts[1] for one in failed} == {path.name for path in folder.iterdir()}
    return {(one["check_id"], one["resource"]) for one in failed}


def matches(row: tuple[str, str], finding: tuple[str, str]) -> bool:
    return row[0] == finding[0] and fnmatch.fnmatchcase(finding[1], row[1])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_finding_is_explained_and_nothing_else(tmp_path: Path) -> None:
    for name, make in FOLDERS.items():
        write(make(), tmp_path / name)
    found = findings(tmp_path)
    unexplained = sorted(one for one in found if not any(matches(row, one) for row in rows()))
    assert not unexplained, f"mend them, or explain them in {DOCUMENT.name}"
    stale = [row for row in rows() if not any(matches(row, one) for one in found)]
    assert not stale, f"no finding has these lines of {DOCUMENT.name}"


def test_each_check_is_explained_once() -> None:
    checks = [check for check, _ in rows()]
    assert checks == sorted(set(checks), key=lambda check: (check.startswith("CKV2"), int(check.rpartition("_")[2])))


@pytest.mark.slow
def test_checkov_sees_what_is_wrong(tmp_path: Path) -> None:
    folder = write(metrics(), tmp_path)
    storage = folder / "storage.tf"
    storage.write_text(storage.read_text().replace("block_public_acls       = true", "block_public_acls       = false"))
    done = subprocess.run(
        [program(), "-d", str(folder), "--framework", "terraform", "-o", "json", "--check", "CKV_AWS_53",
         "--skip-download"],
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["summary"]["failed"] == 3
    assert not any(check == "CKV_AWS_53" for check, _ in rows())
