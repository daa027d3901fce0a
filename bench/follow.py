"""Following log files: lines a second end to end, against what the disk gives for the same bytes.

``python -m bench.follow [LINES …] [--json] [--peer]``. Each format's file is written, then stored by a process of its
own: read, parsed, encoded, synced as raw objects, offsets committed; also a second of the processor's own time, which
other work on the machine does not lengthen. The disk's figure: the same bytes read, and the bytes of the raw objects
written and synced, object by object, without looking at them. ``--peer``: pygtail with a regular expression and the
standard library, for access logs and JSON lines, in the environment that ``python -m bench`` makes for peers.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
BEGAN = 1_771_574_220.0
FORMATS = ("syslog", "access", "json", "logfmt", "application", "unknown", "mixed")


def line(name: str, number: int, chance: random.Random) -> str:
    """Returns a line of a format."""
    moment = datetime.fromtimestamp(BEGAN + number / 50, UTC)
    took, client = chance.randrange(2000), chance.randrange(1, 255)
    match name:
        case "syslog":
            return (
                f"<34>{moment:%b %d %H:%M:%S} web{client} sshd[{took}]: Failed password for root from 10.0.0.{client}"
            )
        case "access":
            return (
                f'10.0.0.{client} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET /item/{took} HTTP/1.1" 200 {took} '
                f'"https://example.com/" "Mozilla/5.0 (X11; Linux x86_64)" 0.{took:03d}'
            )
        case "json":
            return json.dumps(
                {"ts": moment.timestamp(), "level": "info", "msg": f"sold {took}", "service": "shop", "n": client}
            )
        case "logfmt":
            return f'time={moment.isoformat()} level=info msg="sold {took}" service=shop duration={took}ms n={client}'
        case "application":
            return f"{moment:%Y-%m-%d %H:%M:%S},{took % 1000:03d} INFO shop.sales: sold {took} to {client}"
        case "unknown":
            return f"something happened to {client} for the {took}th time, and nobody knows why"
    return line(chance.choice(FORMATS[:-1]), number, chance)


def write(path: Path, name: str, count: int) -> None:
    """Writes a log."""
    chance = random.Random(count)
    with path.open("w") as file:
        for number in range(count):
            file.write(line(name, number, chance) + "\n")


def store(log: str, home: str) -> None:
    """Stores a log, in a process of its own; prints what it took."""
    from penstock import LogEntry, Pipeline
    from penstock.runtime.machine.collecting import Collecting
    from penstock.runtime.machine.home import Home
    from penstock.runtime.machine.settings import Follow

    pipeline = Pipeline("logs")
    pipeline.lake("logs", LogEntry)
    opened = Home(Path(home))
    collecting = Collecting(opened, {"logs": pipeline.build()}, follows=[Follow(paths=[log])])
    began, processor = time.perf_counter(), time.process_time()
    lines = collecting.collect_all()
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor
    collecting.close()
    opened.close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"lines": lines, "seconds": seconds, "processor_seconds": processor_seconds, "peak_mb": peak_mb}))


def disk_seconds(log: Path, objects: list[Path], folder: Path) -> float:
    """Returns what it takes to read the log, and to write and sync the same objects, without looking at them."""
    contents = [path.read_bytes() for path in objects]
    began = time.perf_counter()
    with log.open("rb", buffering=0) as file:
        while file.read(4 << 20):
            pass
    for number, content in enumerate(contents):
        with (folder / f"{number}").open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return time.perf_counter() - began


def peer_figures(log: Path, name: str, folder: Path) -> dict[str, Any]:
    """Returns what pygtail takes for the same log."""
    from bench.peer_environment import PEERS

    command = [PEERS.python(), str(FOLDER / "peers/follow_pygtail.py"), log, folder / "peer.json", name]
    done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {
        "pygtail_lines_per_second": round(done["lines"] / done["seconds"]),
        "pygtail_lines_per_processor_second": round(done["lines"] / done["processor_seconds"]),
    }


def measure(name: str, count: int, *, with_peer: bool = False) -> dict[str, Any]:
    """Returns the figures of one log."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log, home, copies = folder / "app.log", folder / "home", folder / "copies"
        copies.mkdir()
        write(log, name, count)
        command = [sys.executable, __file__, "--store", str(log), str(home)]
        done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        objects = sorted(home.rglob("raw/**/*.json"))
        stored = sum(path.read_bytes().count(b"\n") for path in objects)
        disk = disk_seconds(log, objects, copies)
        assert done["lines"] == count == stored, f"{count} lines, {done['lines']} told, {stored} stored"
        return {
            "lines": count,
            "lines_per_second": round(count / done["seconds"]),
            "lines_per_processor_second": round(count / done["processor_seconds"]),
            "megabytes_per_second": round(log.stat().st_size / done["seconds"] / 1e6, 1),
            "disk_lines_per_second": round(count / disk),
            "ratio_to_disk": round(disk / done["seconds"], 3),
            "peak_mb": round(done["peak_mb"], 1),
            "objects": len(objects),
            **(peer_figures(log, name, folder) if with_peer else {}),
        }


def figures(counts: list[int], *, with_peer: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the figures of each format, and of the mixture at growing sizes."""
    for name in FORMATS[:-1]:
        yield name, measure(name, counts[0], with_peer=with_peer and name in {"access", "json"})
    for count in counts:
        yield f"mixed {count}", measure("mixed", count)


def main(arguments: list[str]) -> None:
    """Measures."""
    if arguments[:1] == ["--store"]:
        store(*arguments[1:])
        return
    counts = [int(one) for one in arguments if one.isdigit()] or [100_000, 1_000_000]
    found = {}
    for name, figure in figures(counts, with_peer="--peer" in arguments):
        found[name] = figure
        if "--json" not in arguments:
            print(name, json.dumps(figure), flush=True)
    if "--json" in arguments:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
