"""Faults as a person writes them: ``hot-throttled:InfraMetrics,from=3d,for=6h,rate=0.5``."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from penstock.errors import UsageError
from penstock.model.faults import Fault, FaultKind
from penstock.model.pipeline import Definition

RANDOM = "random"
SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d|w)")
SPAN_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
OPTIONS = ("from", "until", "for", "rate", "seconds", "times")
# What a fault does that does not say how much.
DEFAULT_SECONDS = {FaultKind.TASK_SLOW: 10.0, FaultKind.EVENT_LATE: 900.0, FaultKind.CLOCK_SKEW: 120.0}
HINT = "such as hot-throttled,from=3d,for=6h or task-raises:collect_cpu,rate=0.1; `penstock simulate --help` names them"


def parse_fault(text: str, start: float) -> Fault:
    """Returns a fault.

    Args:
        text: ``KIND[:TARGET][,from=…][,for=…|,until=…][,rate=…][,seconds=…][,times=…]``. Moments are spans after the
            start, or ISO 8601 times.
        start: of the simulation, in seconds since the epoch.

    Raises:
        UsageError: it is none.
    """
    head, *rest = text.split(",")
    name, _, target = head.partition(":")
    try:
        kind = FaultKind(name.strip())
    except ValueError:
        known = ", ".join([*FaultKind, RANDOM])
        raise UsageError(f"there is no fault {name!r}", hint=f"there are: {known}") from None
    given: dict[str, str] = {}
    for part in rest:
        option, _, value = part.partition("=")
        if option.strip() not in OPTIONS:
            raise UsageError(f"fault {name} has no option {option!r}", hint=f"the options are {', '.join(OPTIONS)}")
        given[option.strip()] = value.strip()
    begins = _moment(given["from"], start) if "from" in given else -math.inf
    ends = _moment(given["until"], start) if "until" in given else math.inf
    if "for" in given:
        ends = (start if begins == -math.inf else begins) + _span(given["for"])
    if ends <= begins:
        raise UsageError(f"fault {text!r} ends before it begins", hint=HINT)
    rate = _number(given, "rate", 1.0)
    if not 0 < rate <= 1:
        raise UsageError(f"a rate of {rate:g} is none", hint="give more than 0, and 1 at most")
    return Fault(
        kind=kind,
        target=target.strip(),
        start=begins,
        end=ends,
        rate=rate,
        seconds=_number(given, "seconds", DEFAULT_SECONDS.get(kind, 0.0)),
        times=int(_number(given, "times", 1)),
    )


def describe(fault: Fault, start: float) -> str:
    """Returns a fault as it is written; ``parse_fault`` reads it back."""
    parts = [f"{fault.kind}:{fault.target}" if fault.target else str(fault.kind)]
    if fault.start != -math.inf:
        parts.append(f"from={fault.start - start:g}s")
    if fault.end != math.inf:
        parts.append(f"for={fault.end - (start if fault.start == -math.inf else fault.start):g}s")
    for option, value, default in (
        ("rate", fault.rate, 1.0),
        ("seconds", fault.seconds, DEFAULT_SECONDS.get(fault.kind, 0.0)),
        ("times", fault.times, 1),
    ):
        if value != default:
            parts.append(f"{option}={value:g}")
    return ",".join(parts)


def check_targets(faults: Sequence[Fault], definition: Definition) -> None:
    """Checks that what faults are about is there.

    Raises:
        UsageError: it is not.
    """
    tables = {**definition.lake_tables, **definition.inboxes}
    for fault in faults:
        known: Any = None
        if fault.kind.is_of_tasks:
            known = definition.tasks
        elif fault.kind.value.startswith("hot-"):
            known = definition.hot_tables
        elif fault.kind.value.startswith("topic-"):
            known = definition.topics
        elif fault.kind.value.startswith(("objects-", "event-")):
            known = {**tables, **definition.event_buses}
        if fault.target and known is not None and fault.target not in known:
            raise UsageError(
                f"pipeline {definition.name!r} has no {fault.target!r} for the fault {fault.kind}",
                hint=f"it has {', '.join(known) or 'none'}",
            )


def random_faults(definition: Definition, seed: int, start: float, seconds: float) -> tuple[Fault, ...]:
    """Returns some faults, the same for the same seed."""
    chance = random.Random(f"faults/{seed}")
    kinds = [kind for kind in FaultKind if kind not in {FaultKind.WAREHOUSE_DOWN, FaultKind.WAREHOUSE_THROTTLED}]
    return tuple(_random_fault(kind, definition, chance, start, seconds) for kind in chance.sample(kinds, 4))


def _random_fault(
    kind: FaultKind, definition: Definition, chance: random.Random, start: float, seconds: float
) -> Fault:
    # Whole seconds and short rates, so that what a person reads is all that there is to type.
    begins = start + chance.randrange(int(seconds * 0.8) + 1)
    lasts = 1 + chance.randrange(max(1, int(seconds * 0.3)))
    if kind is FaultKind.KILLED:
        return Fault(kind=kind, start=begins, end=begins + lasts, times=chance.randint(1, 4))
    target = chance.choice(["", *definition.tasks]) if kind.is_of_tasks else ""
    offset = chance.choice([-600, -30, 30, 3600]) if kind is FaultKind.CLOCK_SKEW else chance.randint(5, 1500)
    has_seconds = kind in DEFAULT_SECONDS
    return Fault(
        kind=kind,
        target=target,
        start=begins,
        end=begins + lasts,
        rate=chance.choice([0.05, 0.2, 0.5, 1.0]),
        seconds=float(offset) if has_seconds else 0.0,
    )


def _moment(text: str, start: float) -> float:
    if SPAN.fullmatch(text):
        return start + _span(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment", hint="a span after the start such as 3d, or a time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _span(text: str) -> float:
    matched = SPAN.fullmatch(text)
    if matched is None:
        raise UsageError(f"{text!r} is no span of time", hint="such as 90s, 30min, 6h or 7d")
    return float(matched[1]) * SPAN_SECONDS[matched[2]]


def _number(given: dict[str, str], option: str, default: float) -> float:
    try:
        return float(given.get(option, default))
    except ValueError:
        raise UsageError(f"{option}={given[option]!r} is no number", hint=HINT) from None
