"""Fixtures of the command line: typed in this process, with a Terraform and an AWS that are none."""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shipping import SHOP, FakeTerraform, Line, offline, write_wheels


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Line]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith(("TF_", "AWS_"))]:
        monkeypatch.delenv(name)
    write_wheels(tmp_path / "wheels", "msgspec", "obstore")
    for name, value in offline(tmp_path / "wheels").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "shop.py").write_text(SHOP)
    yield Line(tmp_path, capfd)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
    sys.path[:] = [one for one in sys.path if not one.startswith(str(tmp_path))]


@pytest.fixture
def terraform(line: Line, monkeypatch: pytest.MonkeyPatch) -> FakeTerraform:
    monkeypatch.setenv("PATH", f"{line.folder / 'bin'}:{os.environ['PATH']}")
    return FakeTerraform(line.folder / "world", line.folder / "bin")


@pytest.fixture
def aws(line: Line, moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty AWS; no region is set, as the deployment knows it."""
    with urllib.request.urlopen(f"{moto_endpoint}/moto-api/reset", data=b"", timeout=10):  # noqa: S310
        pass
    for name, value in {
        "AWS_ENDPOINT_URL": moto_endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return moto_endpoint
