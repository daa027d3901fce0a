"""Readings of this machine. Rates are measured over an interval, not taken from counters since the start."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Mapping
from typing import Any

from penstock.pipelines.metrics.records import MetricType, Reading

MEGABYTE = 1024 * 1024
Counters = Mapping[str, float]


def instance_id() -> str:
    """Returns this machine's name, or PENSTOCK_INSTANCE_ID."""
    name = os.environ.get("PENSTOCK_INSTANCE_ID") or socket.gethostname() or "localhost"
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:64]


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


def _twice(count: Any, interval_seconds: float) -> tuple[Counters, Counters, float]:
    before, began = count(), time.monotonic()
    time.sleep(interval_seconds)
    return before, count(), time.monotonic() - began


def _disk_counters() -> Counters:
    import psutil

    # A container may have no disks of its own.
    counters = psutil.disk_io_counters()
    if counters is None:
        return {}
    return {
        "reads": counters.read_count,
        "writes": counters.write_count,
        "read_bytes": counters.read_bytes,
        "write_bytes": counters.write_bytes,
    }


def _network_counters() -> Counters:
    import psutil

    counters = psutil.net_io_counters()
    return {} if counters is None else {"in_bytes": counters.bytes_recv, "out_bytes": counters.bytes_sent}


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
    """Returns a counter's increase a second. A counter that went back was reset: it counts from zero."""
    if seconds <= 0 or name not in before or name not in after:
        return 0.0
    increase = after[name] - before[name]
    return (increase if increase >= 0 else after[name]) / seconds
