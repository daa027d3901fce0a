"""Sealing beside everything else: closed partitions are found now and then, and sealed in a thread.

Once a day is over, and when something came late, days are put together for queries.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from penstock.errors import PenstockError
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition
from penstock.model.sealing import Compacted
from penstock.ports.clock import Clock
from penstock.ports.objects import ObjectStore
from penstock.runtime.lake.closed import closed_partitions, next_closing, recently_closed
from penstock.runtime.lake.seal import PartitionSealer

INTERVAL_SECONDS = 30.0
# What came late into an old partition is found by a look at all of them.
EVERYTHING_SECONDS = 3600.0
GRACE_SECONDS = 30.0
DAY_SECONDS = 86_400.0


Compact = Callable[[LakeTable, float], Iterable[Compacted]]


class LakeSealer:
    """Seals the closed partitions of the tables of these pipelines.

    Args:
        compact: puts the days of a table that are over at a time together, one each step; None leaves it out.
        warn: told of partitions that cannot be sealed, and of days that cannot be put together, once for each reason.
        in_background: seals in a thread; otherwise ``tick`` seals itself.
        everything_seconds: how often all partitions are looked at, for what came late into an old one.
    """

    def __init__(
        self,
        *,
        sealer: PartitionSealer,
        objects: ObjectStore,
        clock: Clock,
        definitions: Mapping[str, Definition],
        compact: Compact | None = None,
        warn: Callable[[str], None] = lambda text: None,
        in_background: bool = True,
        everything_seconds: float = EVERYTHING_SECONDS,
    ) -> None:
        self._in_background = in_background
        self._everything_seconds = everything_seconds
        self._sealer = sealer
        self._objects = objects
        self._clock = clock
        self._tables = [table for definition in definitions.values() for table in definition.lake_tables.values()]
        self._compact = compact
        self._warn = warn
        self._sealed: dict[tuple[str, str], int] = {}
        self._latest_days: dict[str, int] = {}
        self._told: set[str] = set()
        self._due_at = self._everything_at = float("-inf")
        self._closes_at: float | None = None
        self._is_behind = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Begins to seal what is due, unless that is going on."""
        monotonic = self._clock.monotonic()
        if not self._in_background:
            self._tick_here(monotonic)
            return
        if monotonic < self._due_at or not self._tables or (self._thread is not None and self._thread.is_alive()):
            return
        everything = monotonic >= self._everything_at
        self._due_at = monotonic + INTERVAL_SECONDS
        if everything:
            self._everything_at = monotonic + self._everything_seconds
        self._thread = threading.Thread(target=self._work, args=(everything,), name="sealer", daemon=True)
        self._thread.start()

    def next_due_at(self) -> float | None:
        """Returns when the next partition closes that holds raw objects, in seconds since the epoch."""
        now = self._clock.now()
        moments = (next_closing(self._objects, table, now) for table in self._tables)
        self._closes_at = min((moment for moment in moments if moment is not None), default=None)
        if not self._is_behind:
            return self._closes_at
        again_at = now + self._everything_at - self._clock.monotonic()
        return again_at if self._closes_at is None else min(again_at, self._closes_at)

    def _tick_here(self, monotonic: float) -> None:
        """Seals when a partition has closed; looks at all of them now and then."""
        if monotonic >= self._everything_at:
            self._everything_at = monotonic + self._everything_seconds
            self._is_behind = False
            self.seal_due(everything=True)
        elif self._closes_at is not None and self._closes_at <= self._clock.now():
            self._closes_at = None
            self.seal_due(everything=False)
        if self._is_behind:
            # As soon as it would be seen in the background.
            self._everything_at = min(self._everything_at, monotonic + EVERYTHING_SECONDS)

    def seal_due(self, everything: bool = True) -> int:
        """Seals what is due, and returns how many new sealed files there are.

        Args:
            everything: looks at all partitions, not only at those that closed last.
        """
        count = 0
        for table in self._tables:
            try:
                find = closed_partitions if everything else recently_closed
                due = find(self._objects, table, self._clock.now())
            except PenstockError as error:
                self._tell(f"cannot look for partitions of {table.name}: {error.message}")
                continue
            for partition, digest in due.items():
                if self._stopping.is_set():
                    return count
                count += self._seal(table, partition, digest)
        return count

    def compact_due(self, everything: bool = True) -> int:
        """Puts days together that are over, and returns how many.

        Args:
            everything: looks at all tables, not only at those of which a day was over since the last time.
        """
        if self._compact is None:
            return 0
        count = 0
        for table in self._tables:
            latest = int((self._clock.now() - table.seal_after_seconds) // DAY_SECONDS)
            if self._latest_days.get(table.name) == latest and not everything:
                continue
            self._latest_days[table.name] = latest
            try:
                count += self._put_together(table, self._compact)
            except PenstockError as error:
                self._tell(f"{error.message}; {error.hint}")
            except OSError as error:
                self._tell(f"cannot put days of {table.name} together: {error}")
        return count

    def close(self) -> None:
        """Begins nothing new, and waits for what is being sealed; what is not done then is begun anew next time."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(GRACE_SECONDS)

    def _work(self, everything: bool) -> None:
        count = self.seal_due(everything)
        if everything and not self._stopping.is_set():
            # What this look has sealed had come late as a rule.
            self.compact_due(everything=count > 0)

    def _seal(self, table: LakeTable, partition: str, digest: int) -> int:
        if self._sealed.get((table.name, partition)) == digest:
            return 0
        try:
            outcome = self._sealer.seal(table, partition)
        except PenstockError as error:
            self._tell(f"cannot seal {table.name} {partition}: {error.message}; {error.hint}")
            return 0
        except OSError as error:
            self._tell(f"cannot seal {table.name} {partition}: {error}")
            return 0
        self._sealed[table.name, partition] = digest
        return int(outcome.is_new)

    def _put_together(self, table: LakeTable, compact: Compact) -> int:
        count = 0
        for one in compact(table, self._clock.now()):
            if one.problem:
                self._tell(f"cannot put {table.name} {one.day} together: {one.problem}")
            count += not one.problem
            if self._stopping.is_set():
                break
        return count

    def _tell(self, text: str) -> None:
        self._is_behind = True
        if text not in self._told:
            self._told.add(text)
            self._warn(text)
