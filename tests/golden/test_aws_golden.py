"""What `synthesize` writes for the pipelines, as a diff to be read in review.

``PENSTOCK_UPDATE_GOLDEN=1 python -m pytest tests/golden`` writes it anew.
"""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.deployments import files, logs, metrics

from penstock.model.pipeline import Definition

AWS = Path(__file__).parent / "aws"


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("pipeline", [metrics, logs])
def test_a_pipeline_is_synthesized_to_the_reviewed_files(pipeline: Callable[[], Definition]) -> None:
    definition = pipeline()
    made = files(definition)
    folder = AWS / definition.name
    if os.environ.get("PENSTOCK_UPDATE_GOLDEN") == "1":
        shutil.rmtree(folder, ignore_errors=True)
        for path, data in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    reviewed = written(folder)
    assert made.keys() == reviewed.keys()
    different = [
        line
        for path, data in made.items()
        for line in difflib.unified_diff(
            reviewed[path].decode().splitlines(),
            data.decode().splitlines(),
            f"reviewed/{path}",
            f"made/{path}",
            lineterm="",
        )
    ]
    assert not different, "\n".join(different)
    assert made == reviewed
