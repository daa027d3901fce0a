"""Spans of time as people say them."""

from __future__ import annotations

from datetime import timedelta


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


def rate(interval: timedelta) -> str:
    """Returns an interval as EventBridge writes it, such as ``rate(3 hours)``."""
    total = round(interval.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if total and total % size == 0:
            count = total // size
            return f"rate({count} {unit}{'' if count == 1 else 's'})"
    return f"rate({total} second{'' if total == 1 else 's'})"
