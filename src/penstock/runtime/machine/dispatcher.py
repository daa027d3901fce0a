"""The dispatcher: makes executions of created objects and of events on buses, at least once and never twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from penstock.errors import NotFoundError
from penstock.faultpoints import fault_point
from penstock.model.pipeline import Definition
from penstock.model.workflow import EventTrigger, InboxTrigger, ObjectTrigger
from penstock.ports.bus import Bus, ObjectCreated
from penstock.ports.clock import Clock
from penstock.ports.events import EventStore, PutEvent
from penstock.ports.journal import Execution, Journal
from penstock.ports.objects import ObjectStore
from penstock.runtime.names import event_id, object_id
from penstock.watch.message import ACCOUNT

BATCH = 200


class Dispatcher:
    """Starts what the triggers of some pipelines ask for."""

    def __init__(
        self,
        *,
        journal: Journal,
        bus: Bus,
        events: EventStore,
        objects: ObjectStore,
        clock: Clock,
        definitions: Mapping[str, Definition],
        owner: str,
    ) -> None:
        self._journal = journal
        self._bus = bus
        self._events = events
        self._objects = objects
        self._clock = clock
        self._definitions = definitions
        self._owner = owner
        self._triggers: dict[tuple[str, str], list[ObjectTrigger | InboxTrigger]] = defaultdict(list)
        for name, definition in definitions.items():
            for trigger in definition.triggers.values():
                self._triggers[name, trigger.table].append(trigger)
            for arrival in definition.inbox_triggers.values():
                self._triggers[name, arrival.inbox].append(arrival)
        self._buses = {bus: name for name, definition in definitions.items() for bus in definition.event_buses}

    def tick(self) -> list[Execution]:
        """Dispatches what is due; returns the new executions, which this process owns."""
        return self._tick_objects() + self._tick_events()

    def is_idle(self) -> bool:
        """Tells whether nothing is due."""
        return not self._bus.due(tuple(self._definitions), 1) and not self._events.due(tuple(self._buses), 1)

    def _tick_objects(self) -> list[Execution]:
        events = self._bus.due(tuple(self._definitions), BATCH)
        if not events:
            return []
        created = []
        with self._journal.transaction():
            for event in events:
                for trigger in self._triggers[event.pipeline, event.table]:
                    execution = self._execution(event, trigger)
                    if self._journal.create(execution):
                        created.append(execution)
            self._bus.dispatched([event.key for event in events])
        fault_point("dispatcher.after_dispatch")
        return created

    def _tick_events(self) -> list[Execution]:
        events = self._events.due(tuple(self._buses), BATCH)
        if not events:
            return []
        created = []
        with self._journal.transaction():
            for event in events:
                definition = self._definitions[self._buses[event.bus]]
                for trigger in definition.event_triggers.values():
                    if trigger.bus != event.bus or not trigger.matches(event.source, event.detail_type):
                        continue
                    execution = self._execution_of(event, definition, trigger)
                    if self._journal.create(execution):
                        created.append(execution)
            self._events.dispatched([event.id for event in events])
        fault_point("dispatcher.after_dispatch")
        return created

    def settle(self, events: Sequence[ObjectCreated]) -> None:
        """Decides announcements whose writers are gone: an object that is there is an event, any other is nothing."""
        for event in events:
            info = self._objects.head(event.key)
            if info is None:
                self._bus.withdraw(event.key)
            else:
                self._bus.confirm(msgspec.structs.replace(event, size=info.size))

    def settle_dead(self, alive: Sequence[str]) -> None:
        """Settles the announcements of processes that died."""
        self.settle(self._bus.announced(alive=alive))

    def settle_execution(self, execution: str) -> None:
        """Settles the announcements of an execution, one of whose tasks died."""
        self.settle(self._bus.announced(execution=execution))

    def _execution(self, event: ObjectCreated, trigger: ObjectTrigger | InboxTrigger) -> Execution:
        definition = self._definitions[event.pipeline]
        execution = object_id(event.pipeline, trigger.name, event.key)
        noun = "inbox" if isinstance(trigger, InboxTrigger) else "table"
        return Execution(
            id=execution,
            pipeline=event.pipeline,
            workflow=trigger.workflow,
            version=definition.workflows[trigger.workflow].version,
            input=msgspec.json.encode({noun: event.table, "key": event.key, "size": event.size}),
            source=f"object:{event.key}",
            root=self._root(event.execution) or execution,
            created_at=self._clock.now(),
            owner=self._owner,
        )

    def _execution_of(self, event: PutEvent, definition: Definition, trigger: EventTrigger) -> Execution:
        execution = event_id(definition.name, trigger.name, event.id)
        return Execution(
            id=execution,
            pipeline=definition.name,
            workflow=trigger.workflow,
            version=definition.workflows[trigger.workflow].version,
            input=msgspec.json.encode(event.envelope(region=definition.region, account=ACCOUNT)),
            source=f"event:{event.id}",
            root=self._root(event.execution) or execution,
            created_at=self._clock.now(),
            owner=self._owner,
        )

    def _root(self, cause: str) -> str | None:
        if not cause:
            return None
        try:
            return self._journal.get(cause).root
        except NotFoundError:
            return None
