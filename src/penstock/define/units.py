"""Spans of time as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def whole_seconds(span: timedelta | None) -> int | None:
    """Returns the span in whole seconds, or None for None."""
    return None if span is None else round(span.total_seconds())


def by_zone(
    spans: timedelta | Mapping[Any, timedelta] | None, main: str = ""
) -> tuple[int | None, tuple[tuple[str, int], ...]]:
    """Returns a span in whole seconds, and none of zones; or that of the zone ``main``, and those of all others."""
    if not isinstance(spans, Mapping):
        return whole_seconds(spans), ()
    known = {zone: round(span.total_seconds()) for zone, span in spans.items()}
    return known.pop(main, None), tuple(known.items())


def rate(interval: timedelta) -> str:
    """Returns an interval as EventBridge writes it, such as ``rate(3 hours)``."""
    total = round(interval.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if total and total % size == 0:
            count = total // size
            return f"rate({count} {unit}{'' if count == 1 else 's'})"
    return f"rate({total} second{'' if total == 1 else 's'})"
