"""A function without Lambda: its context, its variables, and a clock that stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from penstock.ports.invoke import Call


@pytest.fixture(autouse=True)
def _no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_X_AMZN_TRACE_ID", "AWS_XRAY_DAEMON_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def call() -> Call:
    return Call(
        token="k#1", key="k", execution="run-1", pipeline="shop", task="take", state="Take", event=b"{}",
        started_at=0.0, slot=None, attempt=1, timeout_seconds=3.0,
    )  # fmt: skip


@pytest.fixture
def with_call(call: Call) -> Callable[..., Call]:
    return lambda **changes: msgspec.structs.replace(call, **changes)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Returns what the function has logged since it was asked last."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
