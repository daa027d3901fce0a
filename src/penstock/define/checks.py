"""All checks of a definition as a whole. Each returns findings; none stops the others."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from penstock.define.arriving import check as check_arrivals
from penstock.define.asking import Translate
from penstock.define.asking import check as check_queries
from penstock.define.cadence import metric_cadences, published_metrics, task_states, workflow_tasks, written_tables
from penstock.define.messaging import check as check_messaging
from penstock.define.parts import noun_of
from penstock.define.rehearsing import check as check_rehearsal
from penstock.define.service_calls import check_workflow, known_resources
from penstock.define.simulating import check as check_simulation
from penstock.define.tables import check as check_tables
from penstock.define.transforming import check as check_transformations
from penstock.define.warehousing import check as check_warehouses
from penstock.errors import Finding, PenstockError
from penstock.model.access import WORKFLOW_ONLY, Grant, Kind, LakeAction
from penstock.model.endpoints import check_endpoint
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.schedules import parse
from penstock.states import lint
from penstock.watch.cannot_fire import check as check_alarms

# The narrower of our folder names and the AWS service's own rule for each kind.
NAME_RULES: dict[str, tuple[str, str]] = {
    "tasks": (r"[A-Za-z][A-Za-z0-9_-]{0,47}", "1 to 48 letters, digits, hyphens and underscores"),
    "workflows": (r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens and underscores"),
    "schedules": (r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens and underscores"),
    "triggers": (r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens and underscores"),
    "event_triggers": (r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens and underscores"),
    "inbox_triggers": (r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens and underscores"),
    "inboxes": (r"[a-z][a-z0-9_-]{0,63}", "1 to 64 lower-case letters, digits, hyphens and underscores"),
    "transformations": (r"[A-Za-z][A-Za-z0-9_-]{0,47}", "1 to 48 letters, digits, hyphens and underscores"),
    "lake_tables": (r"[a-z][a-z0-9_]{0,127}", "lower-case letters, digits and underscores"),
    "hot_tables": (r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, `_`, `-` and `.`"),
    "topics": (r"[A-Za-z0-9_-]{1,256}", "1 to 256 letters, digits, hyphens and underscores"),
    # Names in an account may begin with a prefix of 16 characters.
    "queues": (r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens and underscores"),
    "event_buses": (r"[A-Za-z0-9._-]{1,240}", "1 to 240 letters, digits, `.`, `_` and `-`"),
    # Alembic's table in the database is called after it.
    "warehouses": (r"[a-z][a-z0-9_]{0,31}", "1 to 32 lower-case letters, digits and underscores"),
    "alarms": (r"[^\x00-\x1f]{1,255}", "1 to 255 characters"),
    "composite_alarms": (r"[^\x00-\x1f]{1,255}", "1 to 255 characters"),
    "queries": (r"[A-Za-z][A-Za-z0-9_-]{0,111}", "1 to 112 letters, digits, hyphens and underscores"),
    "dashboards": (r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, hyphens and underscores"),
}


def check(definition: Definition, place: str, translate: Translate | None = None) -> list[Finding]:
    """Returns every mistake of a definition; ``place`` is where the pipeline itself was defined."""
    return [
        *_names(definition, place),
        *_tags(definition, place),
        *_tasks(definition),
        *_grants(definition),
        *check_tables(definition),
        *check_warehouses(definition),
        *_workflows(definition),
        *_schedules(definition),
        *_triggers(definition),
        *check_messaging(definition),
        *check_arrivals(definition),
        *check_transformations(definition),
        *check_rehearsal(definition),
        *check_simulation(definition),
        *_topics(definition),
        *_dashboards(definition),
        *check_queries(definition, translate),
        *check_alarms(definition, published_metrics(definition), _metric_cadences(definition)),
    ]


def _metric_cadences(definition: Definition) -> dict[Any, float]:
    try:
        return metric_cadences(definition)
    except (ValueError, AttributeError, TypeError):
        # A workflow that is no ASL document: the workflow check reports it.
        return {}


def _names(definition: Definition, place: str) -> Iterator[Finding]:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", definition.name):
        yield Finding(place, "name", f"pipeline name {definition.name!r} cannot be used",
                      "1 to 32 lower-case letters, digits and hyphens, a letter first")  # fmt: skip
    for kind, (pattern, rule) in NAME_RULES.items():
        for name, thing in getattr(definition, kind).items():
            if not re.fullmatch(pattern, name):
                yield Finding(thing.place, "name", f"{noun_of(kind)} name {name!r} cannot be used", f"use {rule}")


def _tags(definition: Definition, place: str) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    for key, value in definition.tags.items():
        if not isinstance(key, str) or not isinstance(value, str) or not 0 < len(key) <= 128 or len(value) > 256:
            yield Finding(place, "tag", f"tag {key!r}: {value!r} cannot be used",
                          "a key has 1 to 128 characters, a value at most 256, both text")  # fmt: skip
        elif key.lower().startswith("aws:"):
            yield Finding(place, "tag", f"tag {key!r} begins with `aws:`", "that prefix is AWS's own; choose another")


def _tasks(definition: Definition) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    for task in definition.tasks.values():
        if not 128 <= task.memory_mb <= 10_240:
            yield Finding(task.place, "task-memory", f"task {task.name!r} asks for {task.memory_mb} MB",
                          "memory= is 128 to 10240 (MB)")  # fmt: skip
        if not 0 < task.timeout_seconds <= 900:
            yield Finding(task.place, "task-timeout", f"task {task.name!r} has a timeout of {task.timeout_seconds:g} s",
                          "timeout= is up to 900 seconds; split longer work into several tasks")  # fmt: skip
        if not _accepts_two(task):
            yield Finding(task.place, "task-signature", f"task {task.name!r} does not take (event, context)",
                          f"write `def {task.name}(event, context):`")  # fmt: skip


def _accepts_two(task: Task) -> bool:
    try:
        inspect.signature(task.handler).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


def _grants(definition: Definition) -> Iterator[Finding]:
    resources = known_resources(definition)
    for holder, place, grants in _granted(definition):
        for grant in grants:
            noun = grant.kind.value.replace("_", " ")
            held = f"{holder} may {grant.action} {noun} {grant.resource!r}"
            if grant.resource not in resources[grant.kind]:
                yield Finding(place, "unknown-resource", f"{held}, which {definition.name!r} does not have",
                              "declare it in this pipeline, or take the grant away")  # fmt: skip
            if grant.action in WORKFLOW_ONLY.get(grant.kind, ()) and holder.startswith("task"):
                yield Finding(place, "useless-grant", f"{held}, which only a workflow's states can do",
                              "give it to the workflow: workflow(…, may=[…])")  # fmt: skip


def _granted(definition: Definition) -> Iterator[tuple[str, str, tuple[Grant, ...]]]:
    """Yields who may do something, where that is written, and the grants."""
    for task in definition.tasks.values():
        yield f"task {task.name!r}", task.place, task.grants
    for workflow in definition.workflows.values():
        yield f"workflow {workflow.name!r}", workflow.place, workflow.may


def _workflows(definition: Definition) -> Iterator[Finding]:
    for workflow in definition.workflows.values():
        mistakes = lint(workflow.definition)
        for mistake in mistakes:
            where = f"{workflow.place} ({workflow.name} {mistake.where})"
            yield Finding(where, mistake.code, mistake.message, mistake.hint)
        if mistakes:
            continue
        for name, _ in task_states(workflow.definition):
            task = name.removeprefix(f"{definition.name}-")
            if not name.startswith(f"{definition.name}-") or task not in definition.tasks:
                yield Finding(workflow.place, "unknown-task", f"workflow {workflow.name!r} invokes {name!r}",
                              f"invoke one of {', '.join(_functions(definition)) or 'the tasks, once there are any'}"
                              )  # fmt: skip
        yield from check_workflow(definition, workflow)


def _functions(definition: Definition) -> list[str]:
    return [f"{definition.name}-{task}" for task in definition.tasks]


def _schedules(definition: Definition) -> Iterator[Finding]:
    for schedule in definition.schedules.values():
        if schedule.workflow not in definition.workflows:
            message = f"schedule {schedule.name!r} starts {schedule.workflow!r}"
            yield Finding(schedule.place, "unknown-workflow", message, "give a workflow of this pipeline")
        try:
            timetable = parse(schedule.expression, schedule.timezone)
        except PenstockError as error:
            yield Finding(schedule.place, "schedule", f"schedule {schedule.name!r}: {error.message}", error.hint)
            continue
        if not timetable.is_satisfiable:
            yield Finding(schedule.place, "schedule", f"schedule {schedule.name!r} never comes: {schedule.expression}",
                          "name a day that exists")  # fmt: skip
        # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_FlexibleTimeWindow.html
        if not 0 <= schedule.jitter_seconds <= 1440 * 60:
            yield Finding(schedule.place, "schedule", f"schedule {schedule.name!r} has a jitter of "
                          f"{schedule.jitter_seconds} s", "jitter= is at most 24 hours")  # fmt: skip


def _triggers(definition: Definition) -> Iterator[Finding]:
    for trigger in definition.triggers.values():
        if trigger.table not in definition.lake_tables:
            yield Finding(trigger.place, "unknown-table", f"trigger {trigger.name!r} watches {trigger.table!r}",
                          "give a lake table of this pipeline")  # fmt: skip
        try:
            tasks = workflow_tasks(definition, trigger.workflow)
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        if Grant(Kind.LAKE, trigger.table, LakeAction.APPEND) in definition.workflows[trigger.workflow].may:
            yield Finding(trigger.place, "endless-loop", f"objects of {trigger.table!r} start {trigger.workflow!r}, "
                          f"which may append to {trigger.table!r}: an endless loop",
                          f"append to another table, or take {trigger.table}.append from may=")  # fmt: skip
        for task in tasks:
            if trigger.table in written_tables(task):
                yield Finding(trigger.place, "endless-loop", f"objects of {trigger.table!r} start {task.name!r}, "
                              f"which may append to {trigger.table!r}: an endless loop",
                              f"append to another table, or take {trigger.table}.append from may=")  # fmt: skip


def _topics(definition: Definition) -> Iterator[Finding]:
    for topic in definition.topics.values():
        for subscription in topic.subscriptions:
            mistake = check_endpoint(subscription.endpoint)
            if mistake:
                yield Finding(topic.place, "endpoint", f"topic {topic.name!r}: {mistake}",
                              "such as mailto:you@example.com, console:, file: or slack://${SLACK_TOKEN}")  # fmt: skip


def _dashboards(definition: Definition) -> Iterator[Finding]:
    alarms = set(definition.alarms) | set(definition.composite_alarms)
    for dashboard in definition.dashboards.values():
        for widget in dashboard.widgets:
            for name in set(widget.alarms) - alarms:
                yield Finding(dashboard.place, "unknown-alarm", f"dashboard {dashboard.name!r} shows alarm {name!r}",
                              "name an alarm of this pipeline")  # fmt: skip
