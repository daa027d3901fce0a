"""What every pipeline gets without asking: a dead-man alarm for each collector and each dataset."""

from __future__ import annotations

import msgspec

from penstock.define.cadence import task_cadences, written_tables
from penstock.model.access import HotAction, Kind
from penstock.model.alarms import Alarm
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.watch.dead_man import derive

NAMESPACE = "Penstock"


def heartbeat(pipeline: str, *, task: str = "", dataset: str = "") -> Metric:
    """Returns the metric that has one datapoint for each success of a task, or each write to a dataset."""
    kind, name = ("Task", task) if task else ("Dataset", dataset)
    return Metric(NAMESPACE, "Successes", ((kind, name), ("Pipeline", pipeline)), "Count")


def watched(definition: Definition) -> dict[str, list[Metric]]:
    """Returns the heartbeat metrics of each scheduled task that writes data, by task name."""
    beats: dict[str, list[Metric]] = {}
    for name in task_cadences(definition):
        task = definition.tasks[name]
        tables = written_tables(task)
        tables += [g.resource for g in task.grants if g.kind is Kind.HOT_TABLE and g.action == HotAction.PUT]
        if tables:
            beats[name] = [heartbeat(definition.name, task=name)]
            beats[name] += [heartbeat(definition.name, dataset=table) for table in dict.fromkeys(tables)]
    return beats


def with_dead_man_alarms(definition: Definition) -> Definition:
    """Returns the definition with an alarm for each watched task and dataset."""
    cadences = task_cadences(definition)
    shortest: dict[Metric, float] = {}
    for name, metrics in watched(definition).items():
        for metric in metrics:
            shortest[metric] = min(cadences[name], shortest.get(metric, cadences[name]))
    alarms: dict[str, Alarm] = dict(definition.alarms)
    for metric, cadence in shortest.items():
        kind, name = metric.dimensions[0]
        alarm = derive(f"dead-man-{kind.lower()}-{name}", metric, cadence, tuple(definition.topics))
        alarms.setdefault(alarm.name, alarm)
    return msgspec.structs.replace(definition, alarms=alarms)
