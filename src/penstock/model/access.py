"""Grants: which task may do what to which resource. The only source of permissions in every home."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """The capabilities that a task can be granted."""

    LAKE = "lake"
    HOT_TABLE = "hot_table"
    METRIC = "metric"
    NAMESPACE = "namespace"
    TOPIC = "topic"


class LakeAction(StrEnum):
    """What a task can do with a lake table."""

    APPEND = "append"
    READ = "read"
    QUARANTINE = "quarantine"


class HotAction(StrEnum):
    """What a task can do with a hot table."""

    PUT = "put"
    GET = "get"
    QUERY = "query"
    DELETE = "delete"


class MetricAction(StrEnum):
    """What a task can do with a metric."""

    PUBLISH = "publish"


class TopicAction(StrEnum):
    """What a task can do with a topic."""

    PUBLISH = "publish"


Action = LakeAction | HotAction | MetricAction | TopicAction


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
