"""Cold starts under Lambda's rules: the metrics pipeline's collector, and the same work by hand.

Each start is a new process of Lambda's own runtime interface client in a sandbox. What a zip would hold is not
compiled, as it is not in a zip; the SDK is the runtime's, and compiled: that of the peers' interpreter, which pip
compiled. The work is the same: twenty readings to one new object in S3, two metrics, one line of log. The share of the
CPU that goes with a memory size is not imitated: times are those of a whole processor, and only their ratio tells.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from penstock.rehearsal.lambda_caller import payload
from penstock.rehearsal.lambda_deployment import LocalFunctions, Names
from penstock.rehearsal.lambda_runtime import Invocation, LambdaSandbox

PEERS = Path(__file__).parent / "peers"
MEMORY_MB = (128, 256, 512)
BUCKET = "bench-lake"
AT = 1_790_000_000.0
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
FLEET = b'{"fleet": {"instances": 20, "seed": 7}}'
POWERTOOLS = "aws_lambda_powertools"
Start = Callable[[int], Invocation]


@contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """Yields the variables that lead to an S3 with a bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket=BUCKET)
        yield {**KEYS, "AWS_ENDPOINT_URL": endpoint}
    finally:
        server.stop()


def ours(folder: Path, python: str, given: dict[str, str]) -> Start:
    """Returns what starts ``collect_cpu`` of the metrics pipeline, from its deployed zips."""
    from penstock.pipelines.metrics import pipeline
    from penstock.ports.invoke import Call

    definition = pipeline.build()
    names = Names(bucket=BUCKET, tables={"InfraMetrics": "x"}, topics={"infra-monitoring-alerts": "x"})
    reference = "penstock.pipelines.metrics:pipeline"
    functions = LocalFunctions(definition, reference, folder, names=names, given=given, python=python)

    def start(memory_mb: int) -> Invocation:
        call = Call(
            token="", key=f"e/CollectCpu/{time.time_ns()}", execution="e", pipeline="metrics", task="collect_cpu",
            state="CollectCpu", event=FLEET, started_at=AT, slot=None, attempt=0, timeout_seconds=30,
        )  # fmt: skip
        with functions("metrics", "collect_cpu", memory_mb=memory_mb) as sandbox:
            return sandbox.invoke(payload(call))

    return start


def by_hand(folder: Path, handler: str, python: str, given: dict[str, str]) -> Start:
    """Returns what starts a peer's handler."""
    folder.mkdir(exist_ok=True)
    shutil.copy(PEERS / f"{handler}.py", folder)

    def start(memory_mb: int) -> Invocation:
        with LambdaSandbox(
            folder,
            handler=f"{handler}.handler",
            memory_mb=memory_mb,
            timeout_seconds=30,
            environment={"LAKE_BUCKET": BUCKET},
            python=python,
            given=given,
        ) as sandbox:
            return sandbox.invoke(f'{{"at": {AT}}}'.encode())

    return start


def copy_powertools(python: str, folder: Path) -> None:
    """Copies the peers' Powertools and what they need beside the SDK, as a zip would hold them."""
    found = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    packages = Path(found.stdout.strip())
    folder.mkdir()
    shutil.copytree(packages / POWERTOOLS, folder / POWERTOOLS, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(packages / "typing_extensions.py", folder)


def cold_starts(python: str, *, quick: bool) -> dict[str, Any]:
    """Returns medians by memory size; ``cold`` is the initialization and the first event together, in milliseconds.

    Args:
        python: the interpreter that has the peers, of the same version as this one.
    """
    with tempfile.TemporaryDirectory() as made, emulator() as given:
        folder = Path(made)
        copy_powertools(python, folder / "powertools")
        starts = {
            "penstock": ours(folder / "penstock", python, given),
            "boto3": by_hand(folder / "boto3", "lambda_boto3", python, given),
            "powertools": by_hand(folder / "powertools", "lambda_powertools", python, given),
        }
        rounds = 3 if quick else 15
        measured = {memory_mb: _measure(starts, memory_mb, rounds) for memory_mb in MEMORY_MB}
        return {f"{memory_mb}_mb": _compare(done) for memory_mb, done in measured.items()}


def _measure(starts: dict[str, Start], memory_mb: int, rounds: int) -> dict[str, list[Invocation]]:
    measured: dict[str, list[Invocation]] = {name: [] for name in starts}
    # The first round warms the machine's caches and is not counted.
    for number in range(rounds + 1):
        for name, start in starts.items():
            done = start(memory_mb)
            if done.error is not None or done.init_seconds is None:
                raise RuntimeError(f"{name} failed: {done.log}")
            measured[name] += [done] if number else []
    return measured


def _compare(measured: dict[str, list[Invocation]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, done in measured.items():
        init = [(one.init_seconds or 0.0) * 1000 for one in done]
        cold = [first + one.duration_seconds * 1000 for first, one in zip(init, done, strict=True)]
        found[f"{name}_init_ms"] = statistics.median(init)
        found[f"{name}_cold_ms"] = statistics.median(cold)
        found[f"{name}_peak_mb"] = statistics.median(one.peak_memory_mb for one in done)
    for name in list(measured)[1:]:
        for what in ("init_ms", "cold_ms", "peak_mb"):
            found[f"ratio_{what}_to_{name}"] = found[f"penstock_{what}"] / found[f"{name}_{what}"]
    return found
