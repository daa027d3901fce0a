"""Time of ``synth``, size of what it makes, and time of a whole rehearsal."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PENSTOCK = [sys.executable, "-m", "penstock"]


def synthesize(folder: Path) -> dict[str, Any]:
    """Runs ``penstock synth metrics`` into a new folder; libraries are in the cache, as they are for a peer's pip."""
    began = time.perf_counter()
    done = subprocess.run(
        [*PENSTOCK, "synth", "metrics", "--out", str(folder), "--json"], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    (made,) = json.loads(done.stdout)
    zips = {path.relative_to(folder / "metrics").as_posix(): path.stat().st_size for path in folder.rglob("*.zip")}
    return {
        "seconds": seconds,
        "function_bytes": max(size["zipped_bytes"] for size in made["artifacts"].values()),
        "all_zips_bytes": sum(zips.values()),
    }


def compare(peer_python: str, *, quick: bool) -> dict[str, Any]:
    """Packages seven functions, ours and Chalice's, in turns."""
    ours, theirs = [], []
    for _ in range(1 if quick else 5):
        with tempfile.TemporaryDirectory() as scratch:
            ours.append(synthesize(Path(scratch)))
        command = [peer_python, str(FOLDER / "peers" / "chalice_package.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return {"penstock": ours[-1], "failed": {"chalice": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}}
        theirs.append(json.loads(done.stdout))
    own, other = (statistics.median(one["seconds"] for one in all_) for all_ in (ours, theirs))
    return {
        "penstock": {**ours[-1], "seconds": own},
        "chalice": {**theirs[-1], "seconds": other},
        "ratio_of_seconds": own / other,
        "ratio_of_function_bytes": ours[-1]["function_bytes"] / theirs[-1]["function_bytes"],
    }


def rehearse() -> dict[str, Any]:
    """Rehearses the metrics pipeline whole. Needs Terraform and its AWS provider."""
    began = time.perf_counter()
    done = subprocess.run([*PENSTOCK, "rehearse", "metrics", "--json"], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if not done.stdout:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
    report = json.loads(done.stdout)
    steps = {step["name"]: step["seconds"] for step in report["steps"]}
    return {"passed": report["passed"], "seconds": seconds, "steps": steps}
