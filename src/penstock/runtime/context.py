"""What a task receives beside its event: who it is, and the resources that it was granted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, overload

from penstock.errors import AccessDeniedError, ValidationError
from penstock.model.access import Grant, Kind, MetricAction
from penstock.model.buses import EventBus
from penstock.model.datasets import HotTable, LakeTable
from penstock.model.inboxes import Inbox
from penstock.model.metrics import Datapoint, Metric
from penstock.model.pipeline import Definition
from penstock.model.queues import Queue
from penstock.model.task import Task
from penstock.model.topics import Topic
from penstock.model.transformations import Transformation
from penstock.model.warehouses import Warehouse
from penstock.ports.bus import Announcer
from penstock.ports.clock import Clock
from penstock.ports.events import EventPublisher
from penstock.ports.hot import HotStore
from penstock.ports.invoke import Call
from penstock.ports.metrics import MetricPublisher
from penstock.ports.notify import Publisher
from penstock.ports.objects import ObjectStore
from penstock.ports.queues import QueueStore
from penstock.ports.rows import RowReader
from penstock.ports.transform import Transformer
from penstock.ports.warehouse import WarehouseStore
from penstock.runtime.handles import HotHandle, LakeHandle, MetricHandle, Scope, TopicHandle
from penstock.runtime.inbox_handles import InboxHandle
from penstock.runtime.queue_handles import EventBusHandle, QueueHandle
from penstock.runtime.transform_handle import TransformationHandle
from penstock.runtime.warehouse_handles import WarehouseHandle

Resource = LakeTable | HotTable | Metric | Topic | Queue | EventBus | Inbox | Warehouse | Transformation
Handle = (
    LakeHandle
    | HotHandle
    | MetricHandle
    | TopicHandle
    | QueueHandle
    | EventBusHandle
    | InboxHandle
    | WarehouseHandle
    | TransformationHandle
)
PublishedMetric = tuple[Metric, float] | tuple[Metric, float, float]


class Ports(Protocol):
    """What a home offers to tasks; each is opened when a task first needs it.

    Attributes:
        scratch: a folder for work in progress.
        writer: names the process that answers for announced objects.
    """

    @property
    def objects(self) -> ObjectStore: ...
    @property
    def hot(self) -> HotStore: ...
    @property
    def metrics(self) -> MetricPublisher: ...
    @property
    def bus(self) -> Announcer: ...
    @property
    def topics(self) -> Publisher: ...
    @property
    def queues(self) -> QueueStore: ...
    @property
    def events(self) -> EventPublisher: ...
    @property
    def warehouses(self) -> WarehouseStore: ...
    @property
    def rows(self) -> RowReader: ...
    @property
    def transformer(self) -> Transformer: ...
    @property
    def scratch(self) -> Path: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def writer(self) -> str: ...


class Context:
    """One call's view of its home. ``context[resource]`` gives a handle on a resource that the task was granted.

    Attributes:
        execution_id: the execution that the call belongs to.
        state: the name of the workflow's state.
        idempotency_key: the same for every attempt of this visit of this state.
        attempt: counts from 0.
        started_at: when the execution began, in seconds since the epoch; the same for every attempt.
        scheduled_time: the schedule's logical time, in seconds since the epoch; None without a schedule.
    """

    def __init__(self, definition: Definition, task: Task, call: Call, ports: Ports) -> None:
        self.pipeline = definition.name
        self.region = definition.region
        self.task = task.name
        self.execution_id = call.execution
        self.state = call.state
        self.idempotency_key = call.key
        self.attempt = call.attempt
        self.started_at = call.started_at
        self.scheduled_time = call.slot
        self.memory_mb = task.memory_mb
        self._clock = ports.clock
        self._deadline = ports.clock.monotonic() + call.timeout_seconds
        self._namespace = definition.namespace
        self._grants = frozenset(task.grants)
        self._task = task
        self._ports = ports
        self._scope = Scope(definition, call, ports, self._require)

    @overload
    def __getitem__(self, resource: LakeTable) -> LakeHandle: ...
    @overload
    def __getitem__(self, resource: HotTable) -> HotHandle: ...
    @overload
    def __getitem__(self, resource: Metric) -> MetricHandle: ...
    @overload
    def __getitem__(self, resource: Topic) -> TopicHandle: ...
    @overload
    def __getitem__(self, resource: Queue) -> QueueHandle: ...
    @overload
    def __getitem__(self, resource: Warehouse) -> WarehouseHandle: ...
    @overload
    def __getitem__(self, resource: EventBus) -> EventBusHandle: ...
    @overload
    def __getitem__(self, resource: Transformation) -> TransformationHandle: ...
    @overload
    def __getitem__(self, resource: Inbox) -> InboxHandle: ...
    def __getitem__(self, resource: Resource) -> Handle:
        """Returns the handle of a resource. Each of its operations asks for its own grant."""
        match resource:
            case LakeTable():
                return LakeHandle(self._scope, resource)
            case HotTable():
                return HotHandle(self._scope, resource)
            case Metric():
                return MetricHandle(self, resource)
            case Topic():
                return TopicHandle(self._scope, resource)
            case Queue():
                return QueueHandle(self._scope, resource)
            case Warehouse():
                return WarehouseHandle(self._scope, resource)
            case Transformation():
                return TransformationHandle(self._scope, resource, self.memory_mb)
            case EventBus():
                return EventBusHandle(self._scope, resource)
            case Inbox():
                return InboxHandle(self._scope, resource)
            case _:
                raise TypeError(f"a context has no {resource!r}; give a lake table, a hot table, a metric, a topic, a "
                                "queue, an event bus, an inbox, a warehouse or a transformation")  # fmt: skip

    def publish(self, data: Iterable[PublishedMetric]) -> None:
        """Publishes metric values: (metric, value) or (metric, value, time in seconds since the epoch).

        A call that is tried again publishes each batch once: batches are told apart by their order.

        Raises:
            AccessDeniedError: a metric was not granted.
            ValidationError: a value is not a finite number, or too old or too new for a metric.
        """
        points = []
        covered: set[int] = set()
        for metric, value, *at in data:
            # Of one batch, the metrics stay where they are.
            if id(metric) not in covered:
                if not self._covers(metric):
                    self._deny(metric.publish)
                covered.add(id(metric))
            points.append(Datapoint(metric, at[0] if at else self.now(), _number(metric, value)))
        if points:
            self._ports.metrics.publish(points, token=self._scope.next_token("metrics"))

    def now(self) -> float:
        """Returns the present time in seconds since the epoch."""
        return self._clock.now()

    def remaining_seconds(self) -> float:
        """Returns how long the call may still take."""
        return max(0.0, self._deadline - self._clock.monotonic())

    def _covers(self, metric: Metric) -> bool:
        if metric.publish in self._grants:
            return True
        namespace = Grant(Kind.NAMESPACE, self._namespace, MetricAction.PUBLISH)
        return metric.namespace == self._namespace and namespace in self._grants

    def _require(self, grant: Grant) -> None:
        if grant not in self._grants:
            self._deny(grant)

    def _deny(self, grant: Grant) -> None:
        noun = grant.kind.value.replace("_", " ")
        raise AccessDeniedError(
            f"task {self.task!r} may not {grant.action} {noun} {grant.resource!r}",
            hint=f"add `<{grant.resource}>.{grant.action}` to its may=[…] at {self._task.place}",
            task=self.task,
            resource=grant.resource,
            action=str(grant.action),
            place=self._task.place,
        )


def _number(metric: Metric, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValidationError(f"metric {metric.label!r} cannot be {value!r}", hint="publish a number") from error
