"""Secrets in Secrets Manager, on moto."""

import pytest

from penstock.adapters.aws.secrets import SecretsManagerSecrets
from penstock.adapters.aws.session import client
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import NotFoundError, UsageError


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1_771_574_220.0)


@pytest.fixture
def secrets(aws: str, clock: VirtualClock) -> SecretsManagerSecrets:
    client("secretsmanager").create_secret(Name="metrics/TOKEN", SecretString="old value")
    return SecretsManagerSecrets(clock, prefix="metrics/")


def test_a_changed_value_is_seen_after_five_minutes(secrets: SecretsManagerSecrets, clock: VirtualClock) -> None:
    assert secrets.get("TOKEN") == "old value"
    client("secretsmanager").put_secret_value(SecretId="metrics/TOKEN", SecretString="new value")
    clock.advance(299.0)
    assert secrets.get("TOKEN") == "old value"
    clock.advance(1.0)
    assert secrets.get("TOKEN") == "new value"


def test_an_absent_secret_is_looked_for_again(secrets: SecretsManagerSecrets) -> None:
    with pytest.raises(NotFoundError, match="LATER is not set") as absent:
        secrets.get("LATER")
    assert "--name metrics/LATER" in absent.value.hint
    client("secretsmanager").create_secret(Name="metrics/LATER", SecretString="there")
    assert secrets.get("LATER") == "there"


def test_what_is_marked_for_deletion_is_absent(secrets: SecretsManagerSecrets) -> None:
    client("secretsmanager").delete_secret(SecretId="metrics/TOKEN")
    with pytest.raises(NotFoundError, match="TOKEN is not set"):
        secrets.get("TOKEN")


def test_bytes_are_no_secret(secrets: SecretsManagerSecrets) -> None:
    client("secretsmanager").create_secret(Name="metrics/KEY", SecretBinary=b"hidden bytes")
    with pytest.raises(UsageError, match="not a string") as refused:
        secrets.get("KEY")
    assert "hidden bytes" not in f"{refused.value!r} {refused.value.to_dict()}"
