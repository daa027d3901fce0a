"""How often things happen: derived from the schedules along what triggers what."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from penstock.define.service_calls import service_calls
from penstock.errors import PenstockError
from penstock.model.access import Kind, LakeAction, MetricAction
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.model.workflow import INVOKE, State, arguments, states_of
from penstock.schedules import Timetable, parse

# Cadences of cron schedules depend on the date; any fixed day gives the same checks in every place and year.
REFERENCE_TIME = 1_767_225_600.0  # 2026-01-01T00:00:00Z
SAMPLED_SLOTS = 60


def task_states(definition: bytes) -> Iterator[tuple[str, State]]:
    """Yields (function name, state) of each Task state of an ASL document that calls a function, however deep."""
    for _, state in states_of(json.loads(definition)):
        if state.get("Type") == "Task" and str(state.get("Resource", "")).partition(".")[0] == INVOKE:
            yield str(arguments(state).get("FunctionName", "")), state


def job_names(definition: bytes) -> Iterator[str]:
    """Yields the name of each task that an ASL document runs as a Glue job."""
    for placed in service_calls(definition):
        if placed.call.service == "glue" and placed.arguments is not None:
            yield str(placed.arguments.get("JobName", ""))


def workflow_tasks(definition: Definition, workflow: str) -> list[Task]:
    """Returns the tasks of a workflow, each once: those that it calls, in order, then those that it runs as jobs."""
    prefix, document = f"{definition.name}-", definition.workflows[workflow].definition
    names = [name.removeprefix(prefix) for name, _ in task_states(document)]
    names += job_names(document)
    return [definition.tasks[name] for name in dict.fromkeys(names) if name in definition.tasks]


def schedule_cadences(definition: Definition, *, shortest: bool = False) -> dict[str, float]:
    """Returns each scheduled workflow's longest time between two starts, in seconds, its jitter included.

    Args:
        shortest: the shortest time instead, as between the hours of a working day.
    """
    cadences: dict[str, float] = {}
    for schedule in definition.schedules.values():
        try:
            timetable = parse(schedule.expression, schedule.timezone)
        except PenstockError:
            continue
        longest = timetable.cadence(REFERENCE_TIME) + schedule.jitter_seconds
        cadence = _shortest_gap(timetable) if shortest else longest
        if not math.isfinite(cadence):
            # It comes once at the most: there is no rhythm to miss.
            continue
        known = cadences.get(schedule.workflow)
        cadences[schedule.workflow] = cadence if known is None else min(known, cadence)
    return cadences


def _shortest_gap(timetable: Timetable) -> float:
    gap, before = math.inf, timetable.next(REFERENCE_TIME)
    for _ in range(SAMPLED_SLOTS):
        after = None if before is None else timetable.next(before)
        if before is None or after is None:
            return gap
        gap, before = min(gap, after - before), after
    return gap


def task_cadences(definition: Definition, *, shortest: bool = False) -> dict[str, float]:
    """Returns how often each task runs, in seconds, for those that a schedule starts, directly or through objects."""
    workflows = schedule_cadences(definition, shortest=shortest)
    tables: dict[str, float] = {}
    tasks: dict[str, float] = {}
    # Each pass carries cadences one trigger further; there are never more steps than triggers.
    for _ in range(len(definition.triggers) + 1):
        for workflow, cadence in workflows.items():
            if workflow not in definition.workflows:
                continue
            for task in workflow_tasks(definition, workflow):
                tasks[task.name] = min(cadence, tasks.get(task.name, cadence))
                for table in written_tables(task):
                    tables[table] = min(tasks[task.name], tables.get(table, tasks[task.name]))
        for trigger in definition.triggers.values():
            if trigger.table in tables:
                workflows[trigger.workflow] = tables[trigger.table]
    return tasks


def written_tables(task: Task) -> list[str]:
    """Returns the lake tables that a task may append to."""
    return [g.resource for g in task.grants if g.kind is Kind.LAKE and g.action == LakeAction.APPEND]


def metric_cadences(definition: Definition) -> dict[tuple[Any, ...], float]:
    """Returns how often each metric is published at its busiest, in seconds, where a schedule decides it."""
    found: dict[tuple[Any, ...], float] = {}
    for name, cadence in task_cadences(definition, shortest=True).items():
        task = definition.tasks[name]
        published = [m.key for m in (task.errors, task.duration) if m is not None]
        published += [metric.key for metric in definition.metrics.values() if may_publish(task, metric)]
        for key in published:
            found[key] = min(cadence, found.get(key, cadence))
    return found


def may_publish(task: Task, metric: Any) -> bool:
    """Tells whether a task's grants cover a metric, by itself or by its namespace."""
    return any(
        grant.action == MetricAction.PUBLISH
        and (
            (grant.kind is Kind.METRIC and grant.resource == metric.label)
            or (grant.kind is Kind.NAMESPACE and grant.resource == metric.namespace)
        )
        for grant in task.grants
    )


def published_metrics(definition: Definition) -> set[tuple[Any, ...]]:
    """Returns the keys of all metrics that something publishes."""
    found = {table.throttles.key for table in definition.hot_tables.values() if table.throttles is not None}
    for task in definition.tasks.values():
        found |= {metric.key for metric in (task.errors, task.duration) if metric is not None}
        found |= {metric.key for metric in definition.metrics.values() if may_publish(task, metric)}
    return found
