"""What a rehearsal installs is there whole or not at all, whoever else installs it or dies halfway."""

import base64
import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from penstock.errors import UnavailableError
from penstock.rehearsal.environments import installed

METADATA = "Metadata-Version: 2.1\nName: penstock-probe\nVersion: 1.0\n"
TAGS = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that needs no index. https://packaging.python.org/en/latest/specifications/binary-distribution-format/"""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    path = tmp_path / "penstock_probe-1.0-py3-none-any.whl"
    info = "penstock_probe-1.0.dist-info"
    files = {"penstock_probe.py": "FOUND = 7\n", f"{info}/METADATA": METADATA, f"{info}/WHEEL": TAGS}
    record = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(text)}\n"
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return str(path)


def ask(python: Path) -> str:
    code = "import penstock_probe; print(penstock_probe.FOUND)"
    return subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_is_installed_once_by_two_at_a_time_and_again_when_it_was_left_halfway(wheel: str) -> None:
    said: list[str] = []
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(installed("probe", [wheel], said.append))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 1
    assert len(found) == 2
    assert ask(found[0]) == "7"
    assert installed("probe", [wheel], said.append) == found[0]
    assert len(said) == 1

    # Somebody was killed while installing.
    folder = found[0].parents[1]
    (folder / ".ready").unlink()
    next(folder.rglob("penstock_probe.py")).write_text("half a file")
    assert ask(installed("probe", [wheel], said.append)) == "7"
    assert len(said) == 2


class Begun(Exception):  # noqa: N818 - it is no error
    """It was about to install."""


def test_one_whose_python_is_gone_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def begun(text: str) -> None:
        raise Begun(text)

    with pytest.raises(Begun) as raised:
        installed("probe", ["x"], begun)
    folder = Path(str(raised.value).partition(" into ")[2].removesuffix(" (once)"))
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to("/nowhere/python3")
    (folder / ".ready").touch()
    with pytest.raises(Begun):
        installed("probe", ["x"], begun)
    (folder / "bin/python").unlink()
    (folder / "bin/python").symlink_to(sys.executable)
    assert installed("probe", ["x"], begun) == folder / "bin/python"


@pytest.mark.slow
def test_without_an_index_it_is_said_and_nothing_is_left(wheel: str, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as raised:
        installed("probe", ["penstock-is-on-no-index==1.0"])
    assert "penstock-is-on-no-index" in raised.value.message
    assert "index" in raised.value.hint
    assert [path for path in (tmp_path / "cache/penstock/emulators").iterdir() if path.is_dir()] == []


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UnavailableError, match="cannot write") as raised:
        installed("probe", ["x"])
    assert "XDG_CACHE_HOME" in raised.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_of_somebody_else_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tmp_path.chmod(0o500)
    with pytest.raises(UnavailableError, match="Permission denied"):
        installed("probe", ["x"])
