"""Recovery: what a dead process left unfinished becomes everybody's."""

from __future__ import annotations

from collections.abc import Callable

from penstock.ports.journal import Journal
from penstock.ports.map_runs import MapRunStore
from penstock.runtime.machine.dispatcher import Dispatcher


class Recovery:
    """Finds the dead and frees what they owned.

    Args:
        living: returns the tokens of the processes that are alive.
    """

    def __init__(
        self, journal: Journal, map_runs: MapRunStore, dispatcher: Dispatcher, living: Callable[[], list[str]]
    ) -> None:
        self._journal = journal
        self._map_runs = map_runs
        self._dispatcher = dispatcher
        self._living = living

    def tick(self) -> int:
        """Frees the executions of dead processes and settles their announcements; returns how many were freed."""
        # Who is asked for first cannot be missed: a process that begins in between owns nothing yet.
        owners, map_owners = self._journal.owners(), self._map_runs.owners()
        alive = self._living()
        freed = sum(self._journal.release(owner) for owner in owners if owner not in alive)
        for owner in map_owners:
            if owner not in alive:
                self._map_runs.release(owner)
        self._dispatcher.settle_dead(alive)
        return freed
