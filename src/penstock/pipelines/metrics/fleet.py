"""Readings of a simulated fleet: a pure function of seed, instance, metric type and time.

Each instance has its own level, a daily rhythm (busiest around noon UTC), a quiet weekend, noise, and now and then an
incident of 9 to 24 hours: a runaway process, a memory leak, a storm of disk operations, a flood of traffic. An incident
stays above 85 percent (memory: 90) for at least 6 hours, so that two collections in a row see it.
"""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any

import msgspec

from penstock import TaskError
from penstock.pipelines.metrics.records import MetricType, Reading

DAY_SECONDS = 86_400
WEEK_SECONDS = 7 * DAY_SECONDS
# Of each week and kind of reading, every sixth or seventh instance has an incident.
INCIDENT_CHANCE = 0.15
SHORTEST_INCIDENT_SECONDS, LONGEST_INCIDENT_SECONDS = 9 * 3600, 24 * 3600
LARGEST_FLEET = 10_000
REMEMBERED = 4 * LARGEST_FLEET
MEMORY_MB = (4096.0, 8192.0, 16_384.0, 32_768.0)
# What is there to be used: percent, operations a second, bytes a second (1 Gbit/s).
FULL = {"cpu": 100.0, "memory": 100.0, "disk": 8000.0, "network": 125_000_000.0}
# Memory is held at night as well.
LEVEL = {"cpu": 0.15, "memory": 0.40, "disk": 0.15, "network": 0.15}
DAILY = {"cpu": 0.28, "memory": 0.08, "disk": 0.28, "network": 0.28}


class Fleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many instances there are, and what everything is drawn from."""

    instances: int = 20
    seed: int = 0

    def names(self) -> list[str]:
        """Returns the instances' ids, as EC2 writes them."""
        return list(_names(self))


class Incident(msgspec.Struct, frozen=True):
    """Something that goes wrong, from one time to before another, in seconds since the epoch."""

    began_at: float
    ended_at: float


def parse_fleet(event: Any, environment: str) -> Fleet | None:
    """Returns the fleet that the workflow's input or PENSTOCK_FLEET ("20:7") asks for; None for this machine.

    Raises:
        TaskError: ``InvalidInput`` for what is no fleet.
    """
    wanted = event.get("fleet") if isinstance(event, dict) else None
    try:
        if wanted is not None:
            fleet = msgspec.convert(wanted, Fleet)
        elif environment:
            instances, _, seed = environment.partition(":")
            fleet = Fleet(int(instances), int(seed or 0))
        else:
            return None
    except (msgspec.ValidationError, ValueError) as error:
        raise _no_fleet(f"{wanted or environment!r}"[:80], str(error)) from None
    if not 1 <= fleet.instances <= LARGEST_FLEET:
        raise _no_fleet(f"{fleet.instances} instances", f"1 to {LARGEST_FLEET} are possible")
    return fleet


def _no_fleet(given: str, reason: str) -> TaskError:
    hint = 'give {"fleet": {"instances": 20, "seed": 7}}, or PENSTOCK_FLEET=20:7'
    return TaskError(f"{given} is no fleet: {reason}", hint=hint, error="InvalidInput")


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


def incident(seed: int, instance: str, metric_type: MetricType, at: float) -> Incident | None:
    """Returns the incident that an instance has at a time, or None."""
    found = _of_week(seed, instance, metric_type, int(at // WEEK_SECONDS))
    return found if found is not None and found.began_at <= at < found.ended_at else None


# What stays for a week, or for ever, is drawn once: a large fleet is read again and again.
@functools.lru_cache(maxsize=REMEMBERED)
def _of_week(seed: int, instance: str, metric_type: MetricType, week: int) -> Incident | None:
    if _uniform(seed, instance, metric_type, "incident", week) >= INCIDENT_CHANCE:
        return None
    spread = LONGEST_INCIDENT_SECONDS - SHORTEST_INCIDENT_SECONDS
    lasts = SHORTEST_INCIDENT_SECONDS + spread * _uniform(seed, instance, metric_type, "lasts", week)
    # It ends in the week in which it began, so that one draw tells of any time.
    began_at = week * WEEK_SECONDS + (WEEK_SECONDS - lasts) * _uniform(seed, instance, metric_type, "begins", week)
    return Incident(began_at, began_at + lasts)


def _share(seed: int, instance: str, metric_type: MetricType, at: float) -> float:
    """Returns how much of what is there is in use, from 0 to 1."""
    usual, phase = _own(seed, instance, metric_type)
    day = 0.5 - 0.5 * math.cos(2 * math.pi * (at / DAY_SECONDS + phase - 0.05))
    # The epoch began on a Thursday.
    is_weekend = (int(at // DAY_SECONDS) + 3) % 7 >= 5
    usual += DAILY[metric_type] * day * (0.45 if is_weekend else 1.0)
    noise = 0.06 * (_fraction(f"{seed}/{instance}/{metric_type}/{int(at // 60)}") - 0.5)
    return min(1.0, max(0.0, _with_incident(seed, instance, metric_type, at, usual) + noise))


@functools.lru_cache(maxsize=REMEMBERED)
def _own(seed: int, instance: str, metric_type: MetricType) -> tuple[float, float]:
    """Returns the usual share of an instance at night, and how its days are shifted."""
    level = 0.30 * _uniform(seed, instance, metric_type, "level")
    return LEVEL[metric_type] + level, 0.1 * _uniform(seed, instance, "phase")


@functools.lru_cache(maxsize=4)
def _names(fleet: Fleet) -> tuple[str, ...]:
    return tuple(f"i-{_digest(fleet.seed, 'instance', number).hex()[:17]}" for number in range(fleet.instances))


def _with_incident(seed: int, instance: str, metric_type: MetricType, at: float, usual: float) -> float:
    found = incident(seed, instance, metric_type, at)
    if found is None:
        return usual
    if metric_type != "memory":
        return max(usual, 0.89)
    # A leak grows until nothing is left; everything else begins and ends at once.
    grown = min(1.0, 3 * (at - found.began_at) / (found.ended_at - found.began_at))
    return usual + (0.95 - usual) * grown


@functools.lru_cache(maxsize=REMEMBERED)
def _pick(seed: int, instance: str, what: str, count: int) -> int:
    return min(count - 1, int(_uniform(seed, instance, what) * count))


def _uniform(*parts: object) -> float:
    """Returns a number from 0 to 1 that is always the same for the same parts."""
    return _fraction("/".join(map(str, parts)))


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("/".join(map(str, parts)).encode()).digest()
