"""What a function gives its task: adapters that are opened late, with the names that its environment holds."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from penstock.errors import UsageError
from penstock.model.metrics import Datapoint, Metric
from penstock.runtime.aws.ports import LambdaPorts


@pytest.mark.parametrize(
    ("port", "variable"),
    [
        ("objects", "PENSTOCK_LAKE_BUCKET"),
        ("hot", "PENSTOCK_HOT_TABLES"),
        ("topics", "PENSTOCK_TOPICS"),
        ("queues", "PENSTOCK_QUEUES"),
        ("events", "PENSTOCK_EVENT_BUSES"),
    ],
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(
    port: str, variable: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    if value is not None:
        monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=variable):
        getattr(LambdaPorts(), port)


def test_nothing_is_opened_before_it_is_needed() -> None:
    code = "import sys; from penstock.runtime.aws.ports import LambdaPorts; LambdaPorts(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"boto3", "botocore", "obstore"} & set(done.stdout.split())


def test_the_clock_is_the_hosts() -> None:
    clock = LambdaPorts().clock
    assert abs(clock.now() - time.time()) < 5
    assert clock.monotonic() <= clock.monotonic()


def test_metrics_of_a_prefixed_deployment_are_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PENSTOCK_METRICS_PREFIX", "dev-")
    ports = LambdaPorts()
    ports.metrics.publish([Datapoint(Metric("shop", "Late"), ports.clock.now(), 1.0)])
    assert '"Namespace":"dev-shop"' in capsys.readouterr().out
