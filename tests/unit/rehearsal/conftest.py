"""Local Lambdas over a few lines of code each."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.rehearsal.lambda_runtime import OPEN_FILES, LambdaSandbox

Start = Callable[..., LambdaSandbox]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    pytest.importorskip("awslambdaric", reason="the runtime interface client is not installed")
    sandboxes: list[LambdaSandbox] = []

    def started(code: str, **settings: Any) -> LambdaSandbox:
        root = tmp_path / f"function-{len(sandboxes)}"
        root.mkdir()
        (root / "app.py").write_text(textwrap.dedent(code))
        defaults: dict[str, Any] = {"memory_mb": 128, "timeout_seconds": 20, "environment": {}}
        sandboxes.append(LambdaSandbox(root, handler="app.handler", **{**defaults, **settings}))
        return sandboxes[-1]

    yield started
    for sandbox in sandboxes:
        sandbox.close()


@pytest.fixture
def jail(start: Start) -> None:
    """Skips where the machine gives a function no file system of its own."""
    sandbox = start("def handler(event, context): pass")
    sandbox.invoke(b"{}")
    if any(what.startswith(OPEN_FILES) for what in sandbox.unenforced):
        pytest.skip(sandbox.unenforced[-1])
