"""A home on this machine: what it keeps, and what works on it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from penstock.runtime.machine.stores import Stores

if TYPE_CHECKING:
    from penstock.model.pipeline import Definition
    from penstock.runtime.machine.arrivals import Arrivals
    from penstock.runtime.machine.housekeeping import Housekeeper
    from penstock.runtime.machine.inbox import Inbox
    from penstock.runtime.machine.notifier import Notifier
    from penstock.runtime.machine.retention import Retention
    from penstock.runtime.machine.sealing import LakeSealer


class Home(Stores):
    """A home: its stores, and what seals, delivers, takes files and clears up for the pipelines in it."""

    def lake_sealer(
        self, definitions: Mapping[str, Definition], warn: Callable[[str], None] = lambda text: None
    ) -> LakeSealer:
        """Returns what seals the closed partitions of these pipelines' tables."""
        from penstock.runtime.machine.sealing import LakeSealer

        return LakeSealer(
            sealer=self.partition_sealer,
            objects=self.objects,
            clock=self.clock,
            definitions=definitions,
            compact=self.compactor.compact if self.settings.compact else None,
            warn=warn,
        )

    def notifier(self) -> Notifier:
        """Returns what delivers the notifications of this home."""
        from penstock.adapters.local.channels import open_channels
        from penstock.runtime.machine.notifier import Notifier

        return Notifier(self.outbox, open_channels(self.path, self.settings.smtp), self.clock)

    def arrivals(self, definitions: Mapping[str, Definition], writer: str) -> Arrivals:
        """Returns what takes files into the inboxes of these pipelines."""
        from penstock.adapters.local.scratch import scratch_folder
        from penstock.runtime.machine.arrivals import Arrivals

        return Arrivals(
            copies=functools.partial(scratch_folder, self.scratch, "arriving-"),
            objects=self.objects,
            bus=self.bus,
            clock=self.clock,
            definitions=definitions,
            writer=writer,
        )

    def housekeeper(self, definitions: Mapping[str, Definition], interval_seconds: float | None = None) -> Housekeeper:
        """Returns what deletes what has outlived its use."""
        from penstock.runtime.machine.housekeeping import INTERVAL_SECONDS, Housekeeper

        return Housekeeper(
            hot=self.hot,
            metrics=self.metrics,
            outbox=self.outbox,
            queues=self.queues,
            events=self.events,
            clock=self.clock,
            definitions=definitions,
            interval_seconds=interval_seconds or INTERVAL_SECONDS,
        )

    def file_inbox(
        self, definitions: Mapping[str, Definition], writer: str, warn: Callable[[str], None] = lambda text: None
    ) -> Inbox:
        """Returns what takes files into the lake tables and the inboxes of these pipelines."""
        from penstock.runtime.machine.inbox import Inbox

        return Inbox(
            self.inbox,
            arrivals=self.arrivals(definitions, writer),
            objects=self.objects,
            bus=self.bus,
            clock=self.clock,
            definitions=definitions,
            writer=writer,
            warn=warn,
        )

    def retention(
        self, definitions: Mapping[str, Definition], warn: Callable[[str], None] = lambda text: None
    ) -> Retention:
        """Returns what archives and expires, by the tables of these pipelines."""
        from penstock.runtime.machine.retention import Retention

        return Retention(
            objects=self.objects,
            sealing=self.sealing,
            clock=self.clock,
            definitions=definitions,
            forget=self.compactor.forget,
            warn=warn,
        )
