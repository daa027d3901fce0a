"""Readings of this machine. Rates are measured over an interval, not taken from counters since the start."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from penstock import TaskError
from penstock.pipelines.metrics.records import MetricType, Reading

MEGABYTE = 1024 * 1024
INTERVAL_SECONDS = 1.0
# Shorter ones measure noise; longer ones leave too little of a collector's 30 seconds.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 20.0
DISKS = Path("/sys/block")
INTERFACES = Path("/sys/class/net")

Counters = Mapping[str, Mapping[str, float]]
"""Counters by device."""


def instance_id() -> str:
    """Returns PENSTOCK_INSTANCE_ID or this machine's name, as letters, digits, ``.``, ``_`` and ``-``."""
    name = os.environ.get("PENSTOCK_INSTANCE_ID") or socket.gethostname()
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip("._-")[:64] or "localhost"


def parse_interval(event: Any, environment: str) -> float:
    """Returns over how many seconds to measure, from the workflow's input or PENSTOCK_INTERVAL_SECONDS; 1 without them.

    Raises:
        TaskError: ``InvalidInput`` for what is no number from 0.1 to 20.
    """
    wanted: Any = event.get("interval_seconds") if isinstance(event, dict) else None
    if wanted is None:
        wanted = environment or INTERVAL_SECONDS
    try:
        seconds = float("nan") if isinstance(wanted, bool) else float(wanted)
    except (TypeError, ValueError, OverflowError):
        seconds = float("nan")
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise TaskError(
            f"readings cannot be taken over {str(wanted)[:40]!r} seconds",
            hint=f"give interval_seconds from {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g}",
            error="InvalidInput",
        )
    return seconds


def read(metric_type: MetricType, interval_seconds: float) -> Reading:
    """Returns a reading; takes the interval, but for memory."""
    match metric_type:
        case "cpu":
            return _cpu(interval_seconds)
        case "memory":
            return _memory()
        case "disk":
            return disk_reading(*_twice(_disk_counters, interval_seconds))
        case "network":
            return network_reading(*_twice(_network_counters, interval_seconds))


def _cpu(interval_seconds: float) -> Reading:
    import psutil

    percent = psutil.cpu_percent(interval=interval_seconds)
    load = psutil.getloadavg()[0]
    return Reading(percent, {"cores": float(psutil.cpu_count() or 1), "load_1m": load})


def _memory() -> Reading:
    import psutil

    memory = psutil.virtual_memory()
    used = memory.total - memory.available
    readings = {"used_mb": used / MEGABYTE, "total_mb": memory.total / MEGABYTE}
    return Reading(100.0 * used / memory.total, readings)


def _twice(count: Callable[[], Counters], interval_seconds: float) -> tuple[Counters, Counters, float]:
    before, began = count(), time.monotonic()
    time.sleep(interval_seconds)
    return before, count(), time.monotonic() - began


def _disk_counters() -> Counters:
    import psutil

    try:
        disks = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    except (NotImplementedError, PermissionError):
        # A container may have no disks of its own, or may not look at the host's.
        return {}
    return {
        name: {
            "reads": disks[name].read_count,
            "writes": disks[name].write_count,
            "read_bytes": disks[name].read_bytes,
            "write_bytes": disks[name].write_bytes,
        }
        for name in hardware(disks, DISKS)
    }


def _network_counters() -> Counters:
    import psutil

    try:
        interfaces = psutil.net_io_counters(pernic=True, nowrap=False) or {}
    except (FileNotFoundError, PermissionError):
        return {}
    outward = [name for name in interfaces if name not in {"lo", "lo0"}]
    return {
        name: {"in_bytes": interfaces[name].bytes_recv, "out_bytes": interfaces[name].bytes_sent}
        for name in hardware(outward, INTERFACES)
    }


def hardware(names: Iterable[str], folder: Path) -> list[str]:
    """Returns the devices that Linux drives itself; all of them where it does not say so of any.

    Partitions, volumes and bridges would count what the device under them has counted already. A container has
    virtual devices only.
    """
    names = list(names)
    # https://docs.kernel.org/driver-api/driver-model/ - a class device links to the hardware that it stands for.
    own = [name for name in names if (folder / name.replace("/", "!") / "device").exists()]
    return own or names


def disk_reading(before: Counters, after: Counters, seconds: float) -> Reading:
    """Returns operations a second, with the throughput both ways in MB/s."""
    readings = {
        "read_mb_per_second": rate(before, after, "read_bytes", seconds) / MEGABYTE,
        "write_mb_per_second": rate(before, after, "write_bytes", seconds) / MEGABYTE,
        "is_available": float(bool(before and after)),
    }
    return Reading(rate(before, after, "reads", seconds) + rate(before, after, "writes", seconds), readings)


def network_reading(before: Counters, after: Counters, seconds: float) -> Reading:
    """Returns bytes a second, with the throughput both ways in MB/s."""
    received, sent = rate(before, after, "in_bytes", seconds), rate(before, after, "out_bytes", seconds)
    readings = {
        "in_mb_per_second": received / MEGABYTE,
        "out_mb_per_second": sent / MEGABYTE,
        "is_available": float(bool(before and after)),
    }
    return Reading(received + sent, readings)


def rate(before: Counters, after: Counters, name: str, seconds: float) -> float:
    """Returns the increase a second of one counter over all devices.

    A device that came or went in between counts nothing: its counter says nothing of the interval. A counter that
    went back was reset and counts from zero.
    """
    if seconds <= 0:
        return 0.0
    increase = 0.0
    for device in before.keys() & after.keys():
        first, last = before[device][name], after[device][name]
        increase += last - first if last >= first else last
    return increase / seconds
