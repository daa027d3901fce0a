"""Events on buses, each 64 KB of one being one; what AWS's own services put costs nothing.

https://aws.amazon.com/eventbridge/pricing/
"""

from __future__ import annotations

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import chunks
from penstock.model.buses import EventBus
from penstock.ports.events import BusEvent, check_event

EVENT = "events"


class MeteredEventPublisher(Wrapper):
    """Events that are put."""

    def put(self, bus: EventBus, event: BusEvent, *, token: str = "") -> str:
        put: str = self._inner.put(bus, event, token=token)
        self._count(EVENT, chunks(len(check_event(event))), "PutEvents", bus.name)
        return put
