"""Secrets from the environment and from the home's private file."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets, resolve, resolve_for_delivery
from penstock.errors import DeliveryError, HomeError, NotFoundError, UsageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.toml"
    path.touch(mode=0o600)
    path.write_text('TOKEN = "from-file"\nNUMBER = 12345678\n')
    return path


def test_order_of_places(path: Path) -> None:
    everywhere = {"PENSTOCK_SECRET_TOKEN": "first", "TOKEN": "second"}
    assert EnvironmentAndFileSecrets(path, everywhere).get("TOKEN") == "first"
    assert EnvironmentAndFileSecrets(path, {"TOKEN": "second"}).get("TOKEN") == "second"
    assert EnvironmentAndFileSecrets(path, {}).get("TOKEN") == "from-file"
    assert EnvironmentAndFileSecrets(path, {"TOKEN": ""}).get("TOKEN") == "from-file"


def test_a_missing_secret_says_where_to_put_it(path: Path) -> None:
    with pytest.raises(NotFoundError, match="secret ABSENT is not set") as caught:
        EnvironmentAndFileSecrets(path, {}).get("ABSENT")
    assert "PENSTOCK_SECRET_ABSENT" in caught.value.hint
    assert str(path) in caught.value.hint


def test_no_file_is_no_error_but_absence(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        EnvironmentAndFileSecrets(tmp_path / "secrets.toml", {}).get("TOKEN")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_open_to_others_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(HomeError, match="others") as caught:
        EnvironmentAndFileSecrets(path, {}).get("TOKEN")
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize("content", ['TOKEN = "hunter2', "hunter2", "TOKEN = hunter2", 'hunter2 = "a"\nhunter2 = "b"'])
def test_broken_toml_is_not_quoted(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(UsageError, match="not valid TOML") as caught:
        EnvironmentAndFileSecrets(path, {}).get("TOKEN")
    assert "hunter2" not in repr(caught.value.to_dict())


def test_a_value_that_is_no_string_is_not_quoted(path: Path) -> None:
    with pytest.raises(UsageError, match="not a string") as caught:
        EnvironmentAndFileSecrets(path, {}).get("NUMBER")
    assert "12345678" not in repr(caught.value.to_dict())


def test_resolve(path: Path) -> None:
    secrets = EnvironmentAndFileSecrets(path, {"A": "1", "B": "${A}\\1"})
    assert resolve("json://${A}:${B}@host/${A}", secrets) == "json://1:${A}\\1@host/1"
    assert resolve("console:", secrets) == "console:"


def test_resolve_for_delivery_waits_for_the_secret(path: Path) -> None:
    with pytest.raises(DeliveryError, match="ABSENT") as caught:
        resolve_for_delivery("slack://${ABSENT}", EnvironmentAndFileSecrets(path, {}))
    assert caught.value.data["permanent"] is False
