"""The simulated estate: its services, servers and network devices, how busy they are, and what goes wrong.

Everything is a pure function of seed and time. Incidents are drawn for a day and a kind: each ends on the day on which
it began, so that one draw tells of any time.
"""

from __future__ import annotations

import hashlib
import math

import msgspec

from penstock import DeviceType

DAY_SECONDS = 86_400
BUSIEST_HOUR = 14
WEEKEND = 0.6
# Of the four kinds together there are about ten incidents in thirty days.
INCIDENT_CHANCE = 0.08
SHORTEST_INCIDENT_SECONDS, LONGEST_INCIDENT_SECONDS = 15 * 60, 60 * 60


class Service(msgspec.Struct, frozen=True):
    """A program or a kind of device, and the hosts that it runs on.

    Attributes:
        share: of all lines, on an ordinary day.
        latency_ms: the median; None for what answers nobody.
    """

    name: str
    device_type: DeviceType
    hosts: tuple[str, ...]
    share: float
    latency_ms: float | None = None


def _hosts(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}-{number}" for number in range(1, count + 1))


SERVICES = (
    Service("web", "application", _hosts("web", 4), 0.30, 40.0),
    Service("catalog", "application", _hosts("app", 3), 0.16, 25.0),
    Service("checkout", "application", _hosts("app", 3), 0.12, 90.0),
    Service("payments", "application", _hosts("pay", 2), 0.08, 150.0),
    Service("sshd", "server", _hosts("web", 4), 0.06),
    Service("systemd", "server", _hosts("app", 3), 0.06),
    Service("postgres", "server", _hosts("db", 2), 0.08, 4.0),
    Service("firewall", "network", _hosts("fw", 2), 0.07),
    Service("router", "network", _hosts("edge", 2), 0.03),
    Service("switch", "network", _hosts("core", 2), 0.04),
)
TOUCHED: dict[str, tuple[str, ...]] = {
    "database": ("postgres", "checkout"),
    "release": ("catalog",),
    "network": ("router", "switch", "web"),
    "disk": ("postgres", "systemd"),
}
"""The services that an incident of each kind touches."""


class Incident(msgspec.Struct, frozen=True):
    """Something that goes wrong, from one time to before another, in seconds since the epoch."""

    kind: str
    began_at: float
    ended_at: float


def incidents(seed: int, begin: float, end: float) -> list[Incident]:
    """Returns the incidents that touch a span of time, in the order of their beginnings."""
    found = []
    for day in range(int(begin // DAY_SECONDS), int(end // DAY_SECONDS) + 1):
        for kind in TOUCHED:
            if uniform(seed, kind, day, "chance") >= INCIDENT_CHANCE:
                continue
            spread = LONGEST_INCIDENT_SECONDS - SHORTEST_INCIDENT_SECONDS
            lasts = SHORTEST_INCIDENT_SECONDS + spread * uniform(seed, kind, day, "lasts")
            began_at = (day + uniform(seed, kind, day, "begins") * (1 - lasts / DAY_SECONDS)) * DAY_SECONDS
            if began_at < end and began_at + lasts > begin:
                found.append(Incident(kind, began_at, began_at + lasts))
    return sorted(found, key=lambda one: one.began_at)


def business(at: float) -> float:
    """Returns how busy the estate is, compared with the average weekday: 0.4 at night, 1.6 in the afternoon, UTC."""
    # The epoch began on a Thursday.
    is_weekend = (int(at // DAY_SECONDS) + 3) % 7 >= 5
    daily = 1.0 + 0.6 * math.cos(2 * math.pi * (at / DAY_SECONDS - BUSIEST_HOUR / 24))
    return daily * (WEEKEND if is_weekend else 1.0)


def uniform(*parts: object) -> float:
    """Returns a number from 0 to 1 that is always the same for the same parts."""
    return int.from_bytes(digest(*parts)[:8], "big") / 2**64


def digest(*parts: object) -> bytes:
    """Returns 32 bytes that are always the same for the same parts."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).digest()
