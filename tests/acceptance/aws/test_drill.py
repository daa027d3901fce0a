"""What is lost in an account comes back, on the emulator, with the commands that an operator has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.terraform_cli import CONFIG, PLUGINS, configuration, skip

LONG = "PENSTOCK_LONG_REHEARSALS"
TIMEOUT_SECONDS = 840
# The objectives of a monitoring system that collects every three hours.
RECOVERY_SECONDS = 3600
# A rehearsal collects from 20 instances, four metrics of each, an object for each metric; then a file arrives.
ITEMS = 20 * 4
OBJECTS = 4 + 1
QUARANTINED_OBJECTS = 1


def drill(folder: Path) -> Any:
    """Returns the report, or skips where a drill cannot be."""
    if shutil.which("terraform") is None and shutil.which("tofu") is None:
        skip("terraform is not on PATH")
    if os.environ.get(CONFIG) is None and os.environ.get(PLUGINS) is None:
        skip(f"neither {CONFIG} nor {PLUGINS} says where Terraform's AWS provider is")
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "drill", "metrics", "--json"],
        cwd=folder, env={**os.environ, CONFIG: str(configuration())}, capture_output=True, text=True, check=False,
        timeout=TIMEOUT_SECONDS,
    )  # fmt: skip
    if "cannot install the emulator" in done.stderr:
        skip(done.stderr)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(LONG not in os.environ, reason=f"what it deploys is rehearsed as well; {LONG}=1 runs it")
@pytest.mark.timeout(TIMEOUT_SECONDS + 60)
def test_what_is_lost_comes_back(tmp_path: Path) -> None:
    report = drill(tmp_path)
    assert report["failures"] == []
    assert report["passed"] is True
    done = {one["loss"]: one for one in report["recoveries"] if not one["not_drilled"]}
    assert list(done) == [
        "hot tables deleted: InfraMetrics",
        "every object of the lake deleted",
        "function metrics-collect_cpu deleted",
        "state machine metrics deleted",
    ]
    compared = {
        (loss, one["what"]): one["compared"] for loss, recovery in done.items() for one in recovery["comparisons"]
    }
    assert compared["hot tables deleted: InfraMetrics", "items of InfraMetrics"] == ITEMS
    assert compared["hot tables deleted: InfraMetrics", "objects put through again, each once"] == OBJECTS
    objects = compared["every object of the lake deleted", "objects of the lake, with their bytes"]
    assert objects == OBJECTS + QUARANTINED_OBJECTS
    assert all(0 < one["seconds"] < RECOVERY_SECONDS for one in done.values())
    left_out = [one["not_drilled"] for one in report["recoveries"] if one["not_drilled"]]
    assert left_out == ["there is no copy elsewhere: the definition has no replica_region"]
