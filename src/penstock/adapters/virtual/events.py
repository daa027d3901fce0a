"""Events that are delivered twice, late or out of order, as the faults of a simulation say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.adapters.virtual.chance import Chance
from penstock.adapters.virtual.clock import VirtualClock
from penstock.model.faults import Fault, FaultKind


class TroubledEvents:
    """A bus, or event buses, between which and the dispatcher something may happen to an event.

    Args:
        identity: the attribute that names an event.
        target: the attribute that faults can be limited to.
    """

    def __init__(
        self, inner: Any, faults: Sequence[Fault], clock: VirtualClock, chance: Chance, *, identity: str, target: str
    ) -> None:
        self._inner = inner
        self._faults = faults
        self._clock = clock
        self._chance = chance
        self._identity = identity
        self._target = target
        self._held: dict[str, float] = {}
        self._known: dict[str, Any] = {}
        self._again: dict[str, Any] = {}
        self._repeated: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def due(self, names: Sequence[str], limit: int) -> list[Any]:
        """Returns the events that are due, but for those that come late; some come again, some out of order."""
        now = self._clock.true_now
        # What is held back stays due: it must not hide what is not.
        found = self._inner.due(names, limit + len(self._held))
        ready = [event for event in found if self._hold(event, now) <= now]
        again = [event for event in self._again.values() if event not in ready]
        ready = [*again, *ready][:limit]
        if any(self._struck(FaultKind.EVENT_OUT_OF_ORDER, event, now) for event in ready):
            ready.sort(key=lambda event: self._chance.draw("order", self._name(event)))
        return ready

    def dispatched(self, identities: Sequence[str]) -> None:
        """Marks events as dispatched, and remembers those that come again."""
        now = self._clock.true_now
        again = {name: event for name, event in self._again.items() if name not in identities}
        for name in identities:
            self._held.pop(name, None)
            event = self._known.pop(name, None)
            if event is not None and name not in self._repeated and self._struck(FaultKind.EVENT_TWICE, event, now):
                self._repeated.add(name)
                again[name] = event
        self._again = again
        self._inner.dispatched(identities)

    def next_due_at(self) -> float | None:
        """Returns when the first event is let go that is held back, in seconds of the true time."""
        now = self._clock.true_now
        moments = [now] if self._again else []
        return min([*moments, *(moment for moment in self._held.values() if moment > now)], default=None)

    def _hold(self, event: Any, now: float) -> float:
        """Returns when an event is let go: at once, where it does not come late."""
        name = self._name(event)
        self._known[name] = event
        if name not in self._held:
            late = [fault for fault in self._faults if fault.kind is FaultKind.EVENT_LATE]
            seconds = max((fault.seconds for fault in late if self._strikes(fault, event, now)), default=0.0)
            self._held[name] = now + seconds
        return self._held[name]

    def _struck(self, kind: FaultKind, event: Any, now: float) -> bool:
        return any(fault.kind is kind and self._strikes(fault, event, now) for fault in self._faults)

    def _strikes(self, fault: Fault, event: Any, now: float) -> bool:
        target = str(getattr(event, self._target))
        return fault.covers(now, target) and self._chance.happens(fault.rate, fault.kind, self._name(event))

    def _name(self, event: Any) -> str:
        return str(getattr(event, self._identity))
