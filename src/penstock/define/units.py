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
