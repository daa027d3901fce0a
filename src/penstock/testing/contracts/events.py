"""What every publisher of events promises, and what a machine's store of events does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
import pytest

from penstock.errors import ValidationError
from penstock.model.buses import EventBus
from penstock.ports.events import EVENT_LIMIT_BYTES, BusEvent, EventPublisher, EventStore

SHOP = EventBus(name="shop-events")
PLACED = BusEvent(source="shop.orders", detail_type="OrderPlaced", detail={"id": 7}, at=1_771_574_220.0)


class EventsUnderTest(msgspec.Struct, kw_only=True):
    """A publisher, and the bus ``shop-events`` as its listeners see it.

    Attributes:
        heard: returns the envelopes of what was put on the bus, oldest first.
    """

    publisher: EventPublisher
    heard: Callable[[], list[dict[str, Any]]]


class EventPublisherContract:
    """Subclass it with a ``subject`` fixture."""

    deduplicates: ClassVar[bool] = True
    """False for buses that take one token twice (Amazon EventBridge)."""

    @pytest.fixture
    def subject(self) -> EventsUnderTest:
        raise NotImplementedError("give the publisher under test")

    def test_an_event_is_heard_in_eventbridges_envelope(self, subject: EventsUnderTest) -> None:
        event = msgspec.structs.replace(PLACED, resources=("arn:aws:s3:::shop/7",))
        name = subject.publisher.put(SHOP, event)
        (heard,) = subject.heard()
        own = {key: heard.pop(key) for key in ("account", "region")}
        assert all(isinstance(value, str) and value for value in own.values())
        assert heard == {
            "version": "0",
            "id": name,
            "detail-type": "OrderPlaced",
            "source": "shop.orders",
            "time": "2026-02-20T07:57:00Z",
            "resources": ["arn:aws:s3:::shop/7"],
            "detail": {"id": 7},
        }

    def test_each_event_has_an_id_of_its_own(self, subject: EventsUnderTest) -> None:
        names = {subject.publisher.put(SHOP, PLACED) for _ in range(3)}
        assert len(names) == len(subject.heard()) == 3

    def test_a_token_is_put_once_where_the_bus_can_tell(self, subject: EventsUnderTest) -> None:
        first = subject.publisher.put(SHOP, PLACED, token="step-1")
        second = subject.publisher.put(SHOP, PLACED, token="step-1")
        assert (first == second) == self.deduplicates
        assert len(subject.heard()) == (1 if self.deduplicates else 2)

    def test_the_longest_event_is_taken_and_no_longer_one(self, subject: EventsUnderTest) -> None:
        envelope = {
            "version": "0", "id": "0" * 36, "detail-type": "OrderPlaced", "source": "shop.orders", "account": "0" * 12,
            "time": "2026-02-20T07:57:00Z", "region": "ap-southeast-1", "resources": [], "detail": {"a": ""},
        }  # fmt: skip
        room = EVENT_LIMIT_BYTES - len(msgspec.json.encode(envelope))
        subject.publisher.put(SHOP, msgspec.structs.replace(PLACED, detail={"a": "x" * room}))
        with pytest.raises(ValidationError):
            subject.publisher.put(SHOP, msgspec.structs.replace(PLACED, detail={"a": "x" * (room + 1)}))
        assert [len(heard["detail"]["a"]) for heard in subject.heard()] == [room]

    @pytest.mark.parametrize(
        "changes",
        [
            {"source": ""},
            {"source": "aws.s3"},
            {"source": "s" * 257},
            {"detail_type": ""},
            {"detail_type": "t" * 129},
            {"detail": ["no", "object"]},
            {"detail": {"a": object()}},
            {"detail": {"a": "x" * EVENT_LIMIT_BYTES}},
        ],
        ids=lambda changes: repr(changes)[:30],
    )
    def test_what_is_no_event_is_refused(self, subject: EventsUnderTest, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            subject.publisher.put(SHOP, msgspec.structs.replace(PLACED, **changes))
        assert subject.heard() == []


class EventStoreContract:
    """Of a machine's events. Subclass it with an ``events`` fixture."""

    def test_an_event_is_due_until_it_is_dispatched_and_never_again(self, events: EventStore) -> None:
        name = events.put(SHOP, PLACED, token="step-1")
        assert [event.id for event in events.due(["shop-events"], 9)] == [name]
        events.dispatched([name])
        events.put(SHOP, PLACED, token="step-1")
        assert events.due(["shop-events"], 9) == []

    def test_the_oldest_events_of_the_asked_buses_come_first(self, events: EventStore) -> None:
        first, second = events.put(SHOP, PLACED), events.put(SHOP, PLACED)
        events.put(EventBus(name="other"), PLACED)
        assert [event.id for event in events.due(["shop-events"], 9)] == [first, second]
        assert [event.id for event in events.due(["shop-events"], 1)] == [first]
        assert events.due([], 9) == []

    def test_dispatched_events_are_forgotten_and_due_ones_are_not(self, events: EventStore) -> None:
        name = events.put(SHOP, PLACED)
        assert events.forget_dispatched(1e12) == 0
        events.dispatched([name])
        assert events.forget_dispatched(0.0) == 0
        assert events.forget_dispatched(1e12) == 1
