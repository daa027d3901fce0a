"""What every wrapper has."""

from __future__ import annotations

from typing import Any

from penstock.ports.clock import Clock
from penstock.ports.meter import Meter


class Wrapper:
    """A port, or a part of one, whose other methods are those of what it wraps."""

    def __init__(self, inner: Any, meter: Meter, clock: Clock) -> None:
        self._inner = inner
        self._meter = meter
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _count(self, item: str, quantity: float, operation: str, resource: str) -> None:
        self._meter.count(item, quantity, at=self._clock.now(), operation=operation, resource=resource)

    def _hold(self, item: str, change: float, operation: str, resource: str) -> None:
        self._meter.hold(item, change, at=self._clock.now(), operation=operation, resource=resource)
