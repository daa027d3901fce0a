"""What is put on the event buses of an emulator: a queue for each bus, that hears all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.adapters.aws.queues import SqsQueue
from penstock.adapters.aws.session import calling, client
from penstock.ports.events import BusEvent

RULE = "penstock-rehearsal"
# Whatever its source is, it has one.
PATTERN = json.dumps({"source": [{"prefix": ""}]})


class BusInbox:
    """Hears event buses.

    Args:
        buses: the name of each in the emulator, by its name in the definition.
    """

    def __init__(self, buses: Mapping[str, str]) -> None:
        self._buses = dict(buses)
        self._queues: dict[str, SqsQueue] = {}

    def open(self) -> None:
        """Makes the queues, and a rule on each bus that fills its queue."""
        sqs, events = client("sqs"), client("events")
        for number, (name, bus) in enumerate(self._buses.items()):
            with calling(f"listen to bus {name}"):
                url = sqs.create_queue(QueueName=f"{RULE}-{number}")["QueueUrl"]
                asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
                events.put_rule(Name=RULE, EventBusName=bus, EventPattern=PATTERN)
                target = {"Id": "queue", "Arn": asked["Attributes"]["QueueArn"]}
                events.put_targets(Rule=RULE, EventBusName=bus, Targets=[target])
            self._queues[name] = SqsQueue(url)

    def read(self) -> Iterator[tuple[str, str, BusEvent]]:
        """Yields bus, id and event of what has been heard since the last time."""
        for name, queue in self._queues.items():
            while found := queue.receive(wait_seconds=0):
                for one in found:
                    envelope = json.loads(one.body)
                    yield name, str(envelope["id"]), _event(envelope)
                    queue.delete([one.receipt])


def _event(envelope: Mapping[str, Any]) -> BusEvent:
    return BusEvent(
        source=envelope["source"],
        detail_type=envelope["detail-type"],
        detail=envelope["detail"],
        resources=tuple(envelope.get("resources", ())),
    )
