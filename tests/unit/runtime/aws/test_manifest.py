"""What a function's zip says of its pipeline."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from penstock.errors import LoadError
from penstock.model.metrics import Metric
from penstock.runtime.aws.manifest import FILE, Manifest, read_manifest


def test_is_read_as_it_was_written(tmp_path: Path) -> None:
    beat = Metric("Penstock", "Successes", (("Task", "take"), ("Pipeline", "shop")), "Count")
    manifest = Manifest(pipeline="shop:pipeline", heartbeats={"take": (beat,)})
    (tmp_path / FILE).write_bytes(msgspec.json.encode(manifest))
    assert read_manifest(tmp_path) == manifest


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"heartbeats": {}}', '{"pipeline": 1}'])
def test_what_is_no_manifest_is_told(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text)
    with pytest.raises(LoadError, match=FILE) as caught:
        read_manifest(tmp_path)
    assert "synth" in caught.value.hint
