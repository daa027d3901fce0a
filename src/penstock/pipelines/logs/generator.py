"""Simulated log lines: a pure function of seed, rate and time, minute by minute."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from penstock import LogEntry, LogSeverity, TaskError
from penstock.pipelines.logs.estate import SERVICES, TOUCHED, Incident, Service, business, digest, incidents
from penstock.pipelines.logs.records import utc
from penstock.pipelines.logs.templates import INCIDENTS, USUAL, Template, fill

WINDOW_SECONDS = 300
OFF = "off"
MOST_LINES = 5000
# Errors are rare enough that five ordinary minutes at the default rate never have more than ten.
SEVERITIES: tuple[tuple[LogSeverity, float], ...] = (
    ("ERROR", 0.002), ("WARNING", 0.03), ("DEBUG", 0.05), ("INFO", 1.0),
)  # fmt: skip
# An incident shows at any hour and any rate: five of its minutes have twice what the alarm looks for.
FEWEST_INCIDENT_LINES = 4
INCIDENT_SLOWNESS = 8.0
LATENCY_SPREAD = 0.5


class Simulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many lines a minute there are on average, and what everything is drawn from."""

    rate: int = 120
    seed: int = 0


def parse_simulation(event: Any, environment: str) -> Simulation | None:
    """Returns what the workflow's input or PENSTOCK_LOGS ("120:7") asks for; None for PENSTOCK_LOGS=off.

    Raises:
        TaskError: ``InvalidInput`` for what is no simulation.
    """
    wanted = event.get("logs") if isinstance(event, dict) else None
    if wanted is None and environment == OFF:
        return None
    try:
        if wanted is not None:
            simulation = msgspec.convert(wanted, Simulation)
        else:
            rate, _, seed = environment.partition(":")
            simulation = Simulation(int(rate or Simulation().rate), int(seed or 0))
    except (msgspec.ValidationError, ValueError) as error:
        raise _no_simulation(f"{wanted or environment!r}"[:80], str(error)) from None
    if not 1 <= simulation.rate <= MOST_LINES:
        raise _no_simulation(f"{simulation.rate} lines a minute", f"1 to {MOST_LINES} are possible")
    return simulation


def _no_simulation(given: str, reason: str) -> TaskError:
    hint = 'give {"logs": {"rate": 120, "seed": 7}}, PENSTOCK_LOGS=120:7, or PENSTOCK_LOGS=off for none'
    return TaskError(f"{given} cannot be simulated: {reason}", hint=hint, error="InvalidInput")


def window(at: float) -> tuple[float, float]:
    """Returns the last five minutes that are over at a time: from, and up to but without."""
    end = at // WINDOW_SECONDS * WINDOW_SECONDS
    return end - WINDOW_SECONDS, end


def generate(simulation: Simulation, begin: float, end: float) -> Iterator[list[LogEntry]]:
    """Yields the lines of each whole minute of a span, in the order of their times."""
    happening = incidents(simulation.seed, begin, end)
    for minute in range(int(begin // 60), int(end // 60)):
        made = [one for service in SERVICES for one in _lines(simulation, service, minute, happening)]
        yield sorted(made, key=lambda one: one.timestamp)


def _lines(simulation: Simulation, service: Service, minute: int, happening: Sequence[Incident]) -> Iterator[LogEntry]:
    """Yields the lines of one service, whose draws are its own: another service more changes none of them."""
    draw = random.Random(int.from_bytes(digest(simulation.seed, simulation.rate, service.name, minute)[:16], "big"))
    at = minute * 60.0
    share = simulation.rate * service.share
    touching = [one for one in happening if service.name in TOUCHED[one.kind] and one.began_at <= at < one.ended_at]
    slowness = INCIDENT_SLOWNESS if touching else 1.0
    for _ in range(int(share * business(at) * (0.8 + 0.4 * draw.random()) + draw.random())):
        yield _line(service, _usual(service, draw), at, slowness, draw)
    for incident in touching:
        for _ in range(max(FEWEST_INCIDENT_LINES, int(share))):
            yield _line(service, _weighted(INCIDENTS[incident.kind], draw), at, slowness, draw)


def _usual(service: Service, draw: random.Random) -> Template:
    place = draw.random()
    severity: LogSeverity = "INFO"
    for name, ratio in SEVERITIES:
        if place < ratio:
            severity = name
            break
        place -= ratio
    return _weighted([one for one in USUAL[service.device_type] if one.severity == severity], draw)


def _weighted(templates: Sequence[Template], draw: random.Random) -> Template:
    place = draw.random() * sum(one.weight for one in templates)
    for template in templates:
        if place < template.weight:
            return template
        place -= template.weight
    return templates[-1]


def _line(service: Service, template: Template, at: float, slowness: float, draw: random.Random) -> LogEntry:
    latency_ms = None
    if service.latency_ms is not None:
        # Most answers are near the median, and some are far slower: a log-normal distribution, by Box and Muller.
        normal = math.sqrt(-2.0 * math.log(1.0 - draw.random())) * math.cos(2.0 * math.pi * draw.random())
        latency_ms = round(service.latency_ms * slowness * math.exp(LATENCY_SPREAD * normal), 3)
    is_traced = service.device_type == "application"
    return LogEntry(
        timestamp=utc(at + int(draw.random() * 60_000_000) / 1_000_000),
        severity=template.severity,
        service=service.name,
        host=service.hosts[int(draw.random() * len(service.hosts))],
        device_type=service.device_type,
        message=fill(template, draw),
        latency_ms=latency_ms,
        status=template.status if is_traced else None,
        trace_id=f"{draw.getrandbits(128):032x}" if is_traced else None,
        source="generator",
        template=template.pattern,
    )
