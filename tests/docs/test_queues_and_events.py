"""The pipeline of the page on queues and events does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from penstock import Pipeline
from penstock.model.queues import Queue
from penstock.ports.events import EVENT_LIMIT_BYTES
from penstock.ports.journal import Filter
from penstock.ports.queues import ATTRIBUTE_LIMIT, MESSAGE_LIMIT_BYTES
from penstock.testing import Sandbox

PAGE = (Path(__file__).parents[2] / "docs/how-to/queues-and-events.md").read_text("utf-8")


def test_the_pages_pipeline_does_what_it_says(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    event = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    assert event is not None
    scope: dict[str, object] = {"__name__": "shop"}
    exec(compile(code[1], "queues-and-events.md", "exec"), scope)  # noqa: S102 - our own document
    pipeline = scope["shop"]
    assert isinstance(pipeline, Pipeline)
    with Sandbox(pipeline, tmp_path) as sandbox:
        assert sandbox.run({"id": 7}, workflow="orders").status == "SUCCEEDED"
        [billed] = sandbox.home.journal.find(Filter(workflow="bill"))
        assert msgspec.json.decode(billed.input) == {
            **msgspec.json.decode(event[1]), "id": billed.source.removeprefix("event:")
        }  # fmt: skip
        assert sandbox.home.queues.counts(Queue(name="jobs")).waiting == 1
        assert sandbox.run({}, workflow="work").output == b"[7]"


def test_the_pages_limits_are_the_ports() -> None:
    assert MESSAGE_LIMIT_BYTES == EVENT_LIMIT_BYTES == 256 * 1024
    assert "| a message, with its attributes | 256 KiB |" in PAGE
    assert f"| attributes | {ATTRIBUTE_LIMIT} texts |" in PAGE
