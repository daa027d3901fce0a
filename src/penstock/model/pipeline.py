"""A pipeline's definition: everything that it is, as data."""

from __future__ import annotations

import msgspec

from penstock.model.alarms import Alarm, CompositeAlarm
from penstock.model.buses import EventBus
from penstock.model.dashboards import Dashboard
from penstock.model.datasets import HotTable, LakeTable
from penstock.model.deployment import Deployment
from penstock.model.metrics import Metric
from penstock.model.queries import NamedQuery
from penstock.model.queues import Queue
from penstock.model.rehearsal import Rehearsed
from penstock.model.schedule import Schedule
from penstock.model.task import Task
from penstock.model.topics import Topic
from penstock.model.workflow import EventTrigger, ObjectTrigger, Workflow


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A checked pipeline. Names are unique within their kind.

    Attributes:
        rehearsal: with what it is rehearsed.
    """

    name: str
    namespace: str
    description: str = ""
    region: str = "us-east-1"
    tags: dict[str, str] = {}
    tasks: dict[str, Task] = {}
    workflows: dict[str, Workflow] = {}
    schedules: dict[str, Schedule] = {}
    triggers: dict[str, ObjectTrigger] = {}
    event_triggers: dict[str, EventTrigger] = {}
    lake_tables: dict[str, LakeTable] = {}
    hot_tables: dict[str, HotTable] = {}
    topics: dict[str, Topic] = {}
    queues: dict[str, Queue] = {}
    event_buses: dict[str, EventBus] = {}
    metrics: dict[str, Metric] = {}
    alarms: dict[str, Alarm] = {}
    composite_alarms: dict[str, CompositeAlarm] = {}
    dashboards: dict[str, Dashboard] = {}
    queries: dict[str, NamedQuery] = {}
    deployment: Deployment = Deployment()
    rehearsal: Rehearsed = Rehearsed()
