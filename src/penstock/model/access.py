"""Grants: which task or workflow may do what to which resource. The only source of permissions in every home."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """The capabilities that a task or a workflow can be granted."""

    LAKE = "lake"
    HOT_TABLE = "hot_table"
    METRIC = "metric"
    NAMESPACE = "namespace"
    TOPIC = "topic"
    QUEUE = "queue"
    INBOX = "inbox"
    WAREHOUSE = "warehouse"
    EVENT_BUS = "event_bus"
    WORKFLOW = "workflow"


class LakeAction(StrEnum):
    """What can be done with a lake table. ``LIST`` and ``QUERY`` are for workflows."""

    APPEND = "append"
    READ = "read"
    QUARANTINE = "quarantine"
    LIST = "list"
    QUERY = "query"


class HotAction(StrEnum):
    """What can be done with a hot table. ``UPDATE`` is for workflows."""

    PUT = "put"
    GET = "get"
    QUERY = "query"
    DELETE = "delete"
    UPDATE = "update"


class MetricAction(StrEnum):
    """What a task can do with a metric."""

    PUBLISH = "publish"


class TopicAction(StrEnum):
    """What a task can do with a topic."""

    PUBLISH = "publish"


class QueueAction(StrEnum):
    """What can be done with a queue."""

    SEND = "send"
    RECEIVE = "receive"


class InboxAction(StrEnum):
    """What a task can do with an inbox."""

    READ = "read"
    LIST = "list"


class WarehouseAction(StrEnum):
    """What a task can do with a warehouse. ``WRITE`` reads within its transactions."""

    WRITE = "write"
    READ = "read"


class BusAction(StrEnum):
    """What can be done with an event bus."""

    PUT = "put"


class WorkflowAction(StrEnum):
    """What can be done with a workflow."""

    START = "start"


Action = (
    LakeAction
    | HotAction
    | MetricAction
    | TopicAction
    | QueueAction
    | InboxAction
    | WarehouseAction
    | BusAction
    | WorkflowAction
)


WORKFLOW_ONLY: dict[Kind, frozenset[str]] = {
    Kind.LAKE: frozenset({LakeAction.LIST, LakeAction.QUERY}),
    Kind.HOT_TABLE: frozenset({HotAction.UPDATE}),
    Kind.WORKFLOW: frozenset(WorkflowAction),
}
"""What a task's context has no operation for: states of a workflow do it."""


class Grant(msgspec.Struct, frozen=True, order=True):
    """The permission to perform one action on one resource.

    Attributes:
        kind: the capability.
        resource: the name of the resource within its pipeline.
        action: an operation of that capability.
    """

    kind: Kind
    resource: str
    action: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.resource}.{self.action}"
