"""Readings of a simulated fleet: a pure function of seed, instance, metric type and time.

Each instance has its own level, a daily and a weekly rhythm, noise, and now and then an incident that lasts for hours:
a runaway process, a memory leak, a storm of disk operations, a flood of traffic.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec

from penstock.pipelines.metrics.records import MetricType, Reading

DAY_SECONDS = 86_400
WEEK_SECONDS = 7 * DAY_SECONDS
# Incidents are drawn for each window of so long; about one in forty has one.
INCIDENT_SECONDS = 12 * 3600
INCIDENT_CHANCE = 1 / 40
MEMORY_MB = (4096.0, 8192.0, 16_384.0, 32_768.0)
FULL = {"cpu": 100.0, "memory": 100.0, "disk": 8000.0, "network": 125_000_000.0}


class Fleet(msgspec.Struct, frozen=True):
    """How many instances there are, and what everything is drawn from."""

    instances: int = 20
    seed: int = 0

    def names(self) -> list[str]:
        """Returns the instances' ids, as EC2 writes them."""
        return [f"i-{_digest(self.seed, 'instance', number).hex()[:17]}" for number in range(self.instances)]


def parse_fleet(event: Any, environment: str) -> Fleet | None:
    """Returns the fleet that the workflow's input or PENSTOCK_FLEET ("20:7") asks for; None for this machine."""
    wanted = event.get("fleet") if isinstance(event, dict) else None
    if wanted is not None:
        fleet = msgspec.convert(wanted, Fleet)
    elif environment:
        instances, _, seed = environment.partition(":")
        fleet = Fleet(int(instances), int(seed or 0))
    else:
        return None
    if not 1 <= fleet.instances <= 10_000:
        raise ValueError(f"a fleet has 1 to 10000 instances, not {fleet.instances}")
    return fleet


def read(seed: int, instance: str, metric_type: MetricType, at: float) -> Reading:
    """Returns an instance's reading at a time, in seconds since the epoch."""
    share = _share(seed, instance, metric_type, at)
    value = share * FULL[metric_type]
    match metric_type:
        case "cpu":
            return Reading(value, {"cores": float(2 ** (1 + _pick(seed, instance, "cores", 4)))})
        case "memory":
            total = MEMORY_MB[_pick(seed, instance, "memory", len(MEMORY_MB))]
            return Reading(value, {"used_mb": share * total, "total_mb": total})
        case "disk":
            return Reading(value, {"read_mb_per_second": value * 0.012, "write_mb_per_second": value * 0.008})
        case "network":
            mb = value / 1_048_576
            return Reading(value, {"in_mb_per_second": mb * 0.6, "out_mb_per_second": mb * 0.4})


def _share(seed: int, instance: str, metric_type: str, at: float) -> float:
    """Returns how much of what is there is in use, from 0 to 1."""
    base = 0.15 + 0.30 * _uniform(seed, instance, metric_type, "base")
    if metric_type == "memory":
        base += 0.20
    phase = 0.1 * _uniform(seed, instance, "phase")
    day = 0.5 - 0.5 * math.cos(2 * math.pi * (at / DAY_SECONDS + phase - 0.08))
    # The epoch began on a Thursday.
    weekday = int(at // DAY_SECONDS + 3) % 7
    week = 0.45 if weekday >= 5 else 1.0
    noise = 0.06 * (_uniform(seed, instance, metric_type, int(at // 60)) - 0.5)
    return min(1.0, max(0.0, base + 0.28 * day * week + noise + _incident(seed, instance, metric_type, at)))


def _incident(seed: int, instance: str, metric_type: str, at: float) -> float:
    window = int(at // INCIDENT_SECONDS)
    if _uniform(seed, instance, metric_type, "incident", window) >= INCIDENT_CHANCE:
        return 0.0
    passed = at % INCIDENT_SECONDS / INCIDENT_SECONDS
    # A leak grows until it is noticed; everything else begins and ends at once.
    return 0.6 * passed if metric_type == "memory" else 0.55


def _pick(seed: int, instance: str, what: str, count: int) -> int:
    return min(count - 1, int(_uniform(seed, instance, what) * count))


def _uniform(*parts: object) -> float:
    """Returns a number from 0 to 1 that is always the same for the same parts."""
    return int.from_bytes(_digest(*parts)[:8], "big") / 2**64


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("/".join(map(str, parts)).encode()).digest()
