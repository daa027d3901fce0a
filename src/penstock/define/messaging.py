"""Declaring what waits and what is told: queues and event buses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from penstock.define.places import caller_place
from penstock.define.units import days, seconds, whole_seconds
from penstock.define.watching import Watching
from penstock.errors import Finding
from penstock.model.buses import DETAIL_TYPE_LIMIT, SOURCE_LIMIT, EventBus
from penstock.model.pipeline import Definition
from penstock.model.queues import RETAIN_SECONDS, VISIBILITY_LIMIT_SECONDS, Queue
from penstock.model.workflow import EventTrigger

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
PATTERN_LIMIT = 2048


class Messaging(Watching):
    """The part of a pipeline by which its workflows, and others, speak to each other."""

    def queue(self, name: str, *, visibility: timedelta = seconds(30), retain: timedelta = days(4)) -> Queue:
        """Declares a queue.

        Args:
            visibility: for how long a received message is hidden; one that is not deleted by then comes again.
            retain: when a message that nobody deletes is gone.
        """
        queue = Queue(
            name=name,
            visibility_seconds=whole_seconds(visibility) or 0,
            retain_seconds=whole_seconds(retain) or 0,
            place=caller_place(),
        )
        return self._add("queues", queue)

    def event_bus(self, name: str) -> EventBus:
        """Declares an event bus; ``on_event`` says what its events start."""
        return self._add("event_buses", EventBus(name=name, place=caller_place()))


def listed(values: str | Sequence[str]) -> tuple[str, ...]:
    """Returns one value, or several, each once."""
    return (values,) if isinstance(values, str) else tuple(dict.fromkeys(values))


def check(definition: Definition) -> list[Finding]:
    """Returns what is wrong with queues, buses and what their events start."""
    return [*_queues(definition), *_buses(definition), *_triggers(definition)]


def _queues(definition: Definition) -> Iterator[Finding]:
    shortest, longest = RETAIN_SECONDS
    for queue in definition.queues.values():
        if not 0 <= queue.visibility_seconds <= VISIBILITY_LIMIT_SECONDS:
            yield Finding(queue.place, "queue-visibility", f"queue {queue.name!r} hides messages for "
                          f"{queue.visibility_seconds} s", "visibility= is at most 12 hours")  # fmt: skip
        if not shortest <= queue.retain_seconds <= longest:
            yield Finding(queue.place, "queue-retention", f"queue {queue.name!r} keeps messages for "
                          f"{queue.retain_seconds} s", "retain= is one minute to 14 days")  # fmt: skip


def _buses(definition: Definition) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
    for bus in definition.event_buses.values():
        if bus.name == "default" or bus.name.lower().startswith("aws."):
            yield Finding(bus.place, "name", f"event bus name {bus.name!r} is AWS's own", "choose another name")


def _triggers(definition: Definition) -> Iterator[Finding]:
    for trigger in definition.event_triggers.values():
        if trigger.bus not in definition.event_buses:
            yield Finding(trigger.place, "unknown-bus", f"trigger {trigger.name!r} listens to {trigger.bus!r}",
                          "give an event bus of this pipeline")  # fmt: skip
        if trigger.workflow not in definition.workflows:
            yield Finding(trigger.place, "unknown-workflow", f"trigger {trigger.name!r} starts {trigger.workflow!r}",
                          "give a workflow of this pipeline")  # fmt: skip
        if trigger.name in definition.triggers:
            yield Finding(trigger.place, "duplicate-name", f"trigger {trigger.name!r} is defined twice, first at "
                          f"{definition.triggers[trigger.name].place}", "give one of them another name=")  # fmt: skip
        yield from _pattern(trigger)


def _pattern(trigger: EventTrigger) -> Iterator[Finding]:
    def finding(message: str, hint: str) -> Finding:
        return Finding(trigger.place, "event-pattern", f"trigger {trigger.name!r} {message}", hint)

    values = [*trigger.source, *trigger.detail_type]
    if not values:
        yield finding("matches every event of its bus", "give source=, detail_type= or both")
    elif not all(isinstance(value, str) and value for value in values):
        yield finding("matches something that is no text", "source= and detail_type= are text, or lists of it")
    elif any(len(one) > SOURCE_LIMIT for one in trigger.source) or any(
        len(one) > DETAIL_TYPE_LIMIT for one in trigger.detail_type
    ):
        yield finding("matches what no event can have",
                      f"a source has at most {SOURCE_LIMIT} characters, a detail type {DETAIL_TYPE_LIMIT}")  # fmt: skip
    elif sum(len(value) + 3 for value in values) > PATTERN_LIMIT - 64:
        yield finding("has too long a pattern", f"EventBridge takes {PATTERN_LIMIT} characters: make several triggers")
    elif any(value.startswith("aws.") for value in trigger.source):
        yield finding("waits for events of AWS, which are on the default bus only", "choose a source of your own")
