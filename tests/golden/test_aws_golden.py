"""What `synthesize` writes for the metrics pipeline, as a diff to be read in review.

``PENSTOCK_UPDATE_GOLDEN=1 python -m pytest tests/golden`` writes it anew.
"""

from __future__ import annotations

import difflib
import os
import shutil
from pathlib import Path

from tests.deployments import files, metrics

FOLDER = Path(__file__).parent / "aws" / "metrics"


def written() -> dict[str, bytes]:
    return {str(path.relative_to(FOLDER)): path.read_bytes() for path in sorted(FOLDER.rglob("*")) if path.is_file()}


def test_the_metrics_pipeline_is_synthesized_to_the_reviewed_files() -> None:
    made = files(metrics())
    if os.environ.get("PENSTOCK_UPDATE_GOLDEN") == "1":
        shutil.rmtree(FOLDER, ignore_errors=True)
        for path, data in made.items():
            (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / path).write_bytes(data)
    reviewed = written()
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
