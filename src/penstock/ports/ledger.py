"""The slot ledger: which logical times of a schedule were decided, and how. A slot is decided once."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

SlotStatus = Literal["started", "queued", "skipped"]


class SlotEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A decided slot, or a run of skipped ones.

    Attributes:
        at, last: the first and the last slot, in seconds since the epoch; equal for a single one.
        count: how many slots they are.
        execution: what was started.
    """

    at: float
    last: float
    count: int
    status: SlotStatus
    reason: str = ""
    execution: str | None = None


class LedgerStore(Protocol):
    """The ledgers of all schedules. Writes join the journal's transaction."""

    def ledger(self, pipeline: str, schedule: str) -> bytes | None:
        """Returns a schedule's ledger as it was last kept."""
        ...

    def keep(self, pipeline: str, schedule: str, ledger: bytes, entries: list[SlotEntry]) -> None:
        """Keeps a schedule's ledger, and what was decided."""
        ...

    def entries(self, pipeline: str, schedule: str, limit: int = 50) -> list[SlotEntry]:
        """Returns what was decided, newest slot first."""
        ...
