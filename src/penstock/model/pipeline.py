"""A pipeline's definition: everything that it is, as data."""

from __future__ import annotations

import msgspec

from penstock.model.alarms import Alarm, CompositeAlarm
from penstock.model.buses import EventBus
from penstock.model.dashboards import Dashboard
from penstock.model.datasets import HotTable, LakeTable
from penstock.model.deployment import Deployment
from penstock.model.inboxes import Inbox
from penstock.model.metrics import Metric
from penstock.model.queries import NamedQuery
from penstock.model.queues import Queue
from penstock.model.rehearsal import Rehearsed
from penstock.model.schedule import Schedule
from penstock.model.showing import Shown
from penstock.model.simulation import Simulated
from penstock.model.task import Task
from penstock.model.topics import Topic
from penstock.model.transformations import Transformation
from penstock.model.warehouses import Warehouse
from penstock.model.workflow import EventTrigger, InboxTrigger, ObjectTrigger, Workflow


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A checked pipeline. Names are unique within their kind.

    Attributes:
        rehearsal: with what it is rehearsed.
        simulation: with what it is simulated.
        shown: how its runs are shown to people.
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
    inbox_triggers: dict[str, InboxTrigger] = {}
    lake_tables: dict[str, LakeTable] = {}
    hot_tables: dict[str, HotTable] = {}
    topics: dict[str, Topic] = {}
    queues: dict[str, Queue] = {}
    inboxes: dict[str, Inbox] = {}
    warehouses: dict[str, Warehouse] = {}
    event_buses: dict[str, EventBus] = {}
    metrics: dict[str, Metric] = {}
    alarms: dict[str, Alarm] = {}
    composite_alarms: dict[str, CompositeAlarm] = {}
    dashboards: dict[str, Dashboard] = {}
    queries: dict[str, NamedQuery] = {}
    transformations: dict[str, Transformation] = {}
    deployment: Deployment = Deployment()
    rehearsal: Rehearsed = Rehearsed()
    simulation: Simulated = Simulated()
    shown: Shown = Shown()
