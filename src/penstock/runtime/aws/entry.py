"""Lambda's entry point: ``penstock.runtime.aws.entry.handler``.

Whatever can be done once is done when the module is imported, in the phase that Lambda calls init.
https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import LoadError
from penstock.model.deployment import SEALING_FUNCTION, UPGRADING_FUNCTION
from penstock.model.metrics import Datapoint, Metric
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call, Reply
from penstock.runtime.aws.events import Batch, Origin, read_event
from penstock.runtime.aws.log import call_line, write_line
from penstock.runtime.aws.manifest import Manifest, read_manifest
from penstock.runtime.aws.ports import LambdaPorts
from penstock.runtime.aws.trace import send_subsegment, trace_header
from penstock.runtime.invoke import TaskCaller


class Function:
    """One task, as a Lambda function.

    Args:
        definition: of its pipeline.
        task: the task's name.
        manifest: what was derived at synthesis.
    """

    def __init__(self, definition: Definition, task: str, manifest: Manifest) -> None:
        self._definition = definition
        self._task = definition.tasks[task]
        self._heartbeats: tuple[Metric, ...] = manifest.heartbeats.get(task, ())
        self._ports = LambdaPorts()
        self._caller = TaskCaller({definition.name: definition}, lambda: self._ports)
        self._is_cold = True

    def __call__(self, event: Any, context: Any) -> Any:
        """Answers one invocation.

        Raises:
            Exception: the task failed; its class has the name that Retry and Catch know.
        """
        origin = Origin(
            self._definition.name,
            self._task.name,
            str(context.aws_request_id),
            self._ports.clock.now(),
            context.get_remaining_time_in_millis() / 1000,
        )
        asked = read_event(event, origin)
        if isinstance(asked, Batch):
            replies = [
                (name, self._perform(_with_rest(call, context), origin.request_id)) for name, call in asked.calls
            ]
            failed = [(name, reply) for name, reply in replies if reply.error is not None]
            if failed and not asked.reports:
                raise failure(failed[0][1])
            return {"batchItemFailures": [{"itemIdentifier": name} for name, _ in failed]}
        reply = self._perform(asked, origin.request_id)
        if reply.error is not None:
            raise failure(reply)
        return msgspec.json.decode(reply.output or b"null")

    def _perform(self, call: Call, request_id: str) -> Reply:
        began, started_at = time.perf_counter(), self._ports.clock.now()
        reply = self._caller(call)
        ended_at = self._ports.clock.now()
        reply = msgspec.structs.replace(reply, duration_seconds=time.perf_counter() - began)
        points = self._points(reply, ended_at)
        if points:
            self._ports.metrics.publish(points)
        send_subsegment(call, reply, started_at, ended_at)
        trace_id = trace_header().get("Root", "")
        write_line(call_line(call, reply, request_id=request_id, cold=self._is_cold, trace_id=trace_id))
        self._is_cold = False
        return reply

    def _points(self, reply: Reply, at: float) -> list[Datapoint]:
        task, points = self._task, []
        if task.errors is not None:
            points.append(Datapoint(task.errors, at, float(reply.error is not None)))
        if task.duration is not None:
            points.append(Datapoint(task.duration, at, reply.duration_seconds * 1000))
        if reply.error is None:
            points += [Datapoint(metric, at, 1.0) for metric in self._heartbeats]
        return points


def _with_rest(call: Call, context: Any) -> Call:
    """Returns a call with what its predecessors have left of the invocation's time."""
    return msgspec.structs.replace(call, timeout_seconds=context.get_remaining_time_in_millis() / 1000)


def failure(reply: Reply) -> Exception:
    """Returns an exception whose class has an error's name: Lambda tells Step Functions that name.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    try:
        cause = msgspec.json.decode(reply.cause or "", type=dict[str, Any])
    except msgspec.DecodeError:
        cause = {"errorMessage": reply.cause or ""}
    lines = [str(cause[name]) for name in ("errorMessage", "hint") if cause.get(name)]
    named: type[Exception] = type(str(reply.error), (Exception,), {"__module__": "builtins"})
    return named("\n".join(lines))


# Named by a text alone, so that the zips of tasks do not hold them.
OWN_MODULES = {
    SEALING_FUNCTION: "penstock.runtime.aws.sealing",
    UPGRADING_FUNCTION: "penstock.runtime.aws.upgrading",
}


def load(folder: Path, task: str) -> Callable[[Any, Any], Any]:
    """Returns the function of a folder that a zip was unpacked into.

    Raises:
        LoadError: the pipeline is not there, or has no such task.
    """
    manifest = read_manifest(folder)
    module, _, attribute = manifest.pipeline.partition(":")
    definition = getattr(importlib.import_module(module), attribute).declared()
    if task in OWN_MODULES and task not in definition.tasks:
        made: Callable[[Any, Any], Any] = importlib.import_module(OWN_MODULES[task]).load(definition)
        return made
    if task not in definition.tasks:
        raise LoadError(f"pipeline {definition.name!r} has no task {task!r}", hint="deploy what `penstock synth` wrote")
    return Function(definition, task, manifest)


if "LAMBDA_TASK_ROOT" in os.environ:
    handler = load(Path(os.environ["LAMBDA_TASK_ROOT"]), os.environ["PENSTOCK_TASK"])
