"""What functions needed of what they have, from the reports in a home's journal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from penstock.model.pipeline import Definition
from penstock.ports.invoke import Report
from penstock.ports.journal import Execution
from penstock.rehearsal.function_log import ended_calls
from penstock.runtime.machine.home import Home

TaskReport = tuple[str, Report]


class TaskFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A task's calls.

    Attributes:
        peak_memory_mb: the most that the processes of any call held.
        longest_seconds: the longest call, without the start of its process.
    """

    name: str
    calls: int
    peak_memory_mb: float
    memory_mb: int
    longest_seconds: float
    timeout_seconds: float


def reports_of(home: Home, executions: Iterable[Execution]) -> list[TaskReport]:
    """Returns the reports of executions' calls, each with the name of its task; empty for one that said nothing."""
    found = []
    for execution in executions:
        for recorded in home.journal.events(execution.id):
            if recorded.report is not None:
                report = msgspec.json.decode(recorded.report, type=Report)
                calls = list(ended_calls(report.log.splitlines()))
                found.append((calls[0].task if calls else "", report))
    return found


def figures(definition: Definition, reports: Iterable[TaskReport]) -> list[TaskFigures]:
    """Returns what each task that was called needed."""
    by_task: dict[str, list[Report]] = {}
    for name, report in reports:
        by_task.setdefault(name, []).append(report)
    return [
        TaskFigures(
            name=name,
            calls=len(by_task[name]),
            peak_memory_mb=round(max(report.memory_mb for report in by_task[name]), 1),
            memory_mb=task.memory_mb,
            longest_seconds=round(max(report.duration_seconds for report in by_task[name]), 3),
            timeout_seconds=task.timeout_seconds,
        )
        for name, task in definition.tasks.items()
        if name in by_task
    ]
