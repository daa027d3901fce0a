"""What the end of an invocation means for metrics: errors, duration, and the heartbeats that dead-man alarms hear."""

from __future__ import annotations

from collections.abc import Mapping

from penstock import states
from penstock.define.derived import watched
from penstock.model.metrics import Datapoint, Metric
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Report
from penstock.ports.journal import Execution
from penstock.runtime.calls import CallBuilder


class TaskSignals:
    """The metrics of invocations in some pipelines."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._calls = CallBuilder(definitions)
        self._heartbeats: dict[str, dict[str, list[Metric]]] = {
            name: watched(definition) for name, definition in definitions.items()
        }

    def points(
        self,
        execution: Execution,
        command: states.InvokeTask,
        event: states.TaskSucceeded | states.TaskFailed,
        report: Report,
    ) -> list[Datapoint]:
        """Returns what to publish for one ended invocation."""
        found = self._calls.task(command)
        if found is None:
            return []
        pipeline, task = found
        failed = isinstance(event, states.TaskFailed)
        points = []
        if task.errors is not None:
            points.append(Datapoint(task.errors, event.at, float(failed)))
        if task.duration is not None:
            points.append(Datapoint(task.duration, event.at, report.duration_seconds * 1000))
        if not failed:
            points += [Datapoint(metric, event.at, 1.0) for metric in self._heartbeats[pipeline].get(task.name, ())]
        return points
