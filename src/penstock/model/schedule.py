"""Schedules: when a workflow starts by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class CatchUp(StrEnum):
    """What becomes of slots that passed while nobody was watching."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of a slot whose predecessor is still running."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE = "queue"


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow's timetable. A slot is one of its logical times.

    Attributes:
        expression: EventBridge's ``rate(3 hours)``, ``cron(0 8 ? * MON-FRI *)`` or ``at(2026-02-20T07:57:00)``.
        timezone: the IANA zone in which ``cron`` and ``at`` are read. Rates count from the epoch, in UTC.
        jitter_seconds: each slot starts at a fixed but scattered moment within this window.
        input: the workflow's input, beside the slot.
    """

    name: str
    workflow: str
    expression: str
    timezone: str = "UTC"
    jitter_seconds: int = 0
    catch_up: CatchUp = CatchUp.LATEST
    overlap: Overlap = Overlap.ALLOW
    input: dict[str, Any] = {}
    place: str = ""
