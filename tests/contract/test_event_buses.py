"""Events of buses on SQLite and in EventBridge; the latter on moto."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.local import events as local
from penstock.adapters.local.database import Database
from penstock.adapters.local.events import SqliteEventStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.testing.contracts.events import EventPublisherContract, EventStoreContract, EventsUnderTest

NOW = 1_771_574_220.0


class TestSqliteEventStore(EventPublisherContract, EventStoreContract):
    @pytest.fixture
    def events(self, tmp_path: Path) -> Iterator[SqliteEventStore]:
        database = Database(tmp_path / "journal.sqlite", [local.MIGRATION])
        yield SqliteEventStore(database, VirtualClock(NOW))
        database.close()

    @pytest.fixture
    def subject(self, events: SqliteEventStore) -> EventsUnderTest:
        def heard() -> list[dict[str, object]]:
            found = events.due(["shop-events"], 100)
            return [event.envelope(region="us-east-1", account="000000000000") for event in found]

        return EventsUnderTest(publisher=events, heard=heard)


class TestEventBridgePublisher(EventPublisherContract):
    """moto hands events on to a queue, with a member more than EventBridge has, or without account and region."""

    deduplicates = False

    @pytest.fixture
    def subject(self, aws: str) -> EventsUnderTest:
        from penstock.adapters.aws.events import EventBridgePublisher
        from penstock.adapters.aws.queues import SqsQueue
        from penstock.adapters.aws.session import client

        events, sqs = client("events"), client("sqs")
        events.create_event_bus(Name="dev-shop-events")
        url = sqs.create_queue(QueueName="listener")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["shop.orders"]})
        events.put_rule(Name="all", EventBusName="dev-shop-events", EventPattern=pattern)
        events.put_targets(Rule="all", EventBusName="dev-shop-events", Targets=[{"Id": "1", "Arn": arn}])

        def heard() -> list[dict[str, Any]]:
            found = [json.loads(message.body) for message in SqsQueue(url).receive(wait_seconds=0)]
            own = {"account": "123456789012", "region": "eu-central-1"}
            return [own | {key: value for key, value in one.items() if key != "ingestion-time"} for one in found]

        return EventsUnderTest(publisher=EventBridgePublisher({"shop-events": "dev-shop-events"}), heard=heard)


def test_what_eventbridge_refuses_is_told() -> None:
    from penstock.adapters.aws.events import _refused
    from penstock.errors import AccessDeniedError, ThrottledError, ValidationError
    from penstock.testing.contracts.events import SHOP

    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
    assert isinstance(_refused(SHOP, "ThrottlingException", ""), ThrottledError)
    assert isinstance(_refused(SHOP, "MalformedDetail", ""), ValidationError)
    assert isinstance(_refused(SHOP, "NotAuthorizedForDetailTypeException", ""), AccessDeniedError)


def test_a_bus_that_was_not_granted_is_told(aws: str) -> None:
    from penstock.adapters.aws.events import EventBridgePublisher
    from penstock.errors import NotFoundError, UsageError
    from penstock.testing.contracts.events import PLACED, SHOP

    with pytest.raises(UsageError, match="shop-events"):
        EventBridgePublisher({}).put(SHOP, PLACED)
    with pytest.raises(NotFoundError):
        EventBridgePublisher({"shop-events": "absent"}).put(SHOP, PLACED)


def test_a_rehearsal_hears_what_is_put_on_each_bus(aws: str) -> None:
    from penstock.adapters.aws.events import EventBridgePublisher
    from penstock.adapters.aws.session import client
    from penstock.model.buses import EventBus
    from penstock.ports.events import BusEvent
    from penstock.rehearsal.bus_inbox import BusInbox

    for name in ("told", "heard"):
        client("events").create_event_bus(Name=f"dev-{name}")
    names = {"told": "dev-told", "heard": "dev-heard"}
    inbox = BusInbox(names)
    inbox.open()
    event = BusEvent(source="shop", detail_type="Placed", detail={"id": 7}, resources=("order/7",))
    put = {(bus, EventBridgePublisher(names).put(EventBus(name=bus), event)) for bus in ("told", "told", "heard")}
    found = list(inbox.read())
    assert {(bus, name) for bus, name, _ in found} == put
    assert [one for _, _, one in found] == [event] * 3
    assert list(inbox.read()) == []
