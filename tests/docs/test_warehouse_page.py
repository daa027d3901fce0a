"""The pipeline of the page on warehouses does what the page says, and the page names every command."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import typer.main

from penstock import Pipeline
from penstock.cli.main import app
from penstock.runtime.warehouse_handles import ERRORS
from penstock.testing import Sandbox

PAGE = (Path(__file__).parents[2] / "docs/how-to/keep-in-a-warehouse.md").read_text("utf-8")


def test_the_pages_pipeline_does_what_it_says(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    scope: dict[str, object] = {"__name__": "shop"}
    exec(compile(code[1], "keep-in-a-warehouse.md", "exec", dont_inherit=True), scope)  # noqa: S102 - our own document
    pipeline = scope["shop"]
    assert isinstance(pipeline, Pipeline)
    with Sandbox(pipeline, tmp_path) as sandbox:
        outputs = [sandbox.run({"run_id": "2026-02-20"}, workflow="shop").output for _ in range(2)]
        best = sandbox.run({}, workflow="best").output
    assert [msgspec.json.decode(one or b"null") for one in outputs] == [
        {"inserted": 2}, {"run_id": "2026-02-20", "counts": {"inserted": 2, "updated": 0}},
    ]  # fmt: skip
    assert msgspec.json.decode(best or b"null") == [{"name": "Ada"}]


def test_the_page_names_every_command_and_every_error() -> None:
    group = typer.main.get_command(app).commands["warehouse"]  # type: ignore[attr-defined]
    told = set(re.findall(r"`(?:penstock warehouse|…) ([a-z]+)", PAGE))
    assert set(group.commands) - {"list"} <= told
    for _, name in ERRORS:
        assert f"`{name}`" in PAGE
