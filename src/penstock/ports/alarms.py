"""Where alarms keep their states and their history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec


class AlarmChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an alarm's state.

    Attributes:
        notified: the topics that were told.
    """

    pipeline: str
    alarm: str
    at: float
    previous: str
    state: str
    reason: str
    data: dict[str, Any] = {}
    notified: tuple[str, ...] = ()


class AlarmStore(Protocol):
    """Alarm states and their history. Writes join the journal's transaction."""

    def record(self, pipeline: str, alarm: str) -> bytes | None:
        """Returns what was last kept for an alarm."""
        ...

    def records(self, pipeline: str) -> dict[str, bytes]:
        """Returns what was last kept for each alarm of a pipeline."""
        ...

    def keep(self, pipeline: str, alarm: str, record: bytes, change: AlarmChange | None) -> None:
        """Keeps an alarm's record, and a change in its history."""
        ...

    def history(self, pipelines: Sequence[str], alarm: str | None = None, limit: int = 50) -> list[AlarmChange]:
        """Returns changes, newest first."""
        ...
