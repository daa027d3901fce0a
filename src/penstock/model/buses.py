"""Event buses: what happened, told to whoever listens. EventBridge's model of a custom event bus."""

from __future__ import annotations

import msgspec

from penstock.model.access import BusAction, Grant, Kind

# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
SOURCE_LIMIT = 256
DETAIL_TYPE_LIMIT = 128


class EventBus(msgspec.Struct, frozen=True, kw_only=True):
    """A bus that events are put on; an ``EventTrigger`` starts a workflow for those that it matches."""

    name: str
    place: str = ""

    @property
    def put(self) -> Grant:
        return Grant(Kind.EVENT_BUS, self.name, BusAction.PUT)
