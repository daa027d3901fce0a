"""How often each part of a pipeline runs in a month of 30 days, if nothing fails."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from penstock.cost.usage import Usage
from penstock.model.access import BusAction, Kind, LakeAction
from penstock.model.pipeline import Definition
from penstock.model.schedule import Schedule
from penstock.model.workflow import arguments, machines_in
from penstock.schedules import parse

MONTH_DAYS = 30
MONTH_HOURS = 24.0 * MONTH_DAYS
# One whole year, of which a month is the 30 / 365: days of a week and lengths of months even out.
YEAR_START, YEAR_DAYS = 1_767_225_600.0, 365  # 2026-01-01T00:00:00Z


class Walk(msgspec.Struct, frozen=True):
    """One execution of a workflow, along its longest way without a failure.

    Attributes:
        transitions: states entered; each is a transition.
        calls: how often each task is called.
    """

    transitions: float
    calls: dict[str, float]


class Month(msgspec.Struct, frozen=True):
    """Executions by workflow, and the moments at which they begin."""

    runs: dict[str, float]
    starts: dict[str, float]


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """A month.

    Attributes:
        slots: starts by schedules.
        runs: executions, by workflow.
        starts: moments at which executions begin, by workflow: objects that are written together begin theirs at once.
        calls: invocations, by task.
        callers: the workflows that call a task, by task.
        objects: objects written, by lake table.
        events: events put, by event bus.
        transitions: of all executions together.
    """

    slots: float
    runs: dict[str, float]
    starts: dict[str, float]
    calls: dict[str, float]
    callers: dict[str, frozenset[str]]
    objects: dict[str, float]
    events: dict[str, float]
    transitions: float


def traffic(definition: Definition, usage: Usage) -> Traffic:
    """Returns what runs how often: schedules start workflows, whose objects and events start others by triggers."""
    walks = {
        name: walk(json.loads(workflow.definition), definition, usage)
        for name, workflow in definition.workflows.items()
    }
    slots = {name: slots_a_month(schedule) for name, schedule in definition.schedules.items()}
    own = defaultdict[str, float](float, usage.runs)
    for name, count in slots.items():
        own[definition.schedules[name].workflow] += count
    month = Month(dict(own), dict(own))
    # A chain of triggers is no longer than there are triggers; a circle would have no end.
    for _ in (*definition.triggers, *definition.event_triggers):
        month = _triggered(definition, usage, walks, own, month)
    return Traffic(
        slots=sum(slots.values()),
        runs=month.runs,
        starts=month.starts,
        calls=_together(_together([walks[name]], count) for name, count in month.runs.items()).calls,
        callers=_callers(walks),
        objects=_written(definition, usage, walks, month)[0],
        events=_put(definition, usage, walks, month)[0],
        transitions=sum(walks[name].transitions * count for name, count in month.runs.items()),
    )


def slots_a_month(schedule: Schedule) -> float:
    """Returns how often a schedule starts its workflow; ``at(…)`` once."""
    if schedule.expression.startswith("at("):
        return 1.0
    table = parse(schedule.expression, schedule.timezone)
    return table.count(YEAR_START - 1, YEAR_START - 1 + YEAR_DAYS * 86_400) * MONTH_DAYS / YEAR_DAYS


def walk(machine: dict[str, Any], definition: Definition, usage: Usage) -> Walk:
    """Returns one execution of a state machine."""
    return _Walker(definition, usage).machine(machine)


class _Walker:
    def __init__(self, definition: Definition, usage: Usage) -> None:
        self._prefix = f"{definition.name}-"
        self._usage = usage

    def machine(self, machine: dict[str, Any]) -> Walk:
        return self._from(machine["StartAt"], machine["States"], {})

    def _from(self, name: str, states: dict[str, Any], known: dict[str, Walk]) -> Walk:
        """A state that is met again while it is being followed ends the way: how often a loop turns is unknown."""
        if name in known:
            return known[name]
        known[name] = Walk(0.0, {})
        state = states[name]
        ways = [state["Next"]] if "Next" in state else []
        ways += [choice["Next"] for choice in state.get("Choices", ())]
        ways += [state["Default"]] if "Default" in state else []
        following = [self._from(way, states, known) for way in ways]
        longest = max(following, key=lambda one: one.transitions, default=Walk(0.0, {}))
        known[name] = _together([Walk(1.0, self._called(state)), *self._inside(state), longest])
        return known[name]

    def _inside(self, state: dict[str, Any]) -> list[Walk]:
        walks = [self.machine(inner) for inner in machines_in(state)]
        return [_together(walks, self._usage.map_items)] if state["Type"] == "Map" else walks

    def _called(self, state: dict[str, Any]) -> dict[str, float]:
        if state["Type"] != "Task":
            return {}
        function = str(arguments(state).get("FunctionName", state["Resource"])).rpartition(":function:")[2]
        return {function.removeprefix(self._prefix): 1.0}


def _together(walks: Iterable[Walk], times: float = 1.0) -> Walk:
    transitions, calls = 0.0, defaultdict[str, float](float)
    for one in walks:
        transitions += one.transitions * times
        for task, count in one.calls.items():
            calls[task] += count * times
    return Walk(transitions, dict(calls))


def _triggered(
    definition: Definition, usage: Usage, walks: dict[str, Walk], own: dict[str, float], month: Month
) -> Month:
    """Returns the month in which the objects and the events of the given one start workflows too."""
    objects, moments = _written(definition, usage, walks, month)
    events, puts = _put(definition, usage, walks, month)
    runs, starts = defaultdict(float, own), defaultdict(float, own)
    for trigger in definition.triggers.values():
        runs[trigger.workflow] += objects.get(trigger.table, 0.0)
        starts[trigger.workflow] += moments.get(trigger.table, 0.0)
    for one in definition.event_triggers.values():
        runs[one.workflow] += events.get(one.bus, 0.0)
        starts[one.workflow] += puts.get(one.bus, 0.0)
    return Month(dict(runs), dict(starts))


def _written(
    definition: Definition, usage: Usage, walks: dict[str, Walk], month: Month
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns objects by table, and at how many moments they come."""
    return _left(walks, month, lambda task: appended(definition, task), usage.objects_per_call)


def _put(
    definition: Definition, usage: Usage, walks: dict[str, Walk], month: Month
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns events by bus, and at how many moments they come."""
    return _left(
        walks, month, lambda task: granted(definition, task, Kind.EVENT_BUS, BusAction.PUT), usage.events_per_call
    )


def _left(
    walks: dict[str, Walk], month: Month, resources: Callable[[str], list[str]], per_call: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns what calls of tasks leave, by resource, and at how many moments: one execution's comes at once."""
    counts, moments = defaultdict[str, float](float), defaultdict[str, float](float)
    for name, runs in month.runs.items():
        left = set()
        for task, calls in walks[name].calls.items():
            for resource in resources(task):
                counts[resource] += calls * runs * per_call
                left.add(resource)
        for resource in left:
            moments[resource] += month.starts[name]
    return dict(counts), dict(moments)


def _callers(walks: dict[str, Walk]) -> dict[str, frozenset[str]]:
    tasks = {task for one in walks.values() for task in one.calls}
    return {task: frozenset(name for name, one in walks.items() if task in one.calls) for task in sorted(tasks)}


def appended(definition: Definition, task: str) -> list[str]:
    """Returns the lake tables that a task may append to."""
    return granted(definition, task, Kind.LAKE, LakeAction.APPEND)


def granted(definition: Definition, task: str, kind: Kind, action: str) -> list[str]:
    """Returns the resources of a kind on which a task may perform an action."""
    found = definition.tasks.get(task)
    return [g.resource for g in (found.grants if found else ()) if g.kind is kind and g.action == action]
