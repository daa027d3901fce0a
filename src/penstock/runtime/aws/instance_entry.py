"""An instance's entry point: ``python -m penstock.runtime.aws.instance_entry SCHEDULE``, as its cron has it.

The folder is that of the release; what tasks have in their environment as functions is in a file, by task. The exit
status is 0 if the workflow succeeded.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call, Reply
from penstock.runtime.aws.emf import EmbeddedMetrics
from penstock.runtime.aws.instance import WorkflowRun
from penstock.runtime.aws.manifest import read_manifest
from penstock.runtime.aws.ports import InstancePorts, LambdaClock, LineFile, open_invoker
from penstock.runtime.invoke import TaskCaller

# Of the instance's memory, what one task may have: the system, its agents and the process that calls need the rest.
TASK_PERCENT = 70
PREFIX = "PENSTOCK_METRICS_PREFIX"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the workflow of a schedule; returns the exit status.

    Raises:
        PenstockError: the release is not whole, or has no such schedule.
    """
    asked = _asked(arguments)
    environments: dict[str, dict[str, str]] = json.loads(asked.environment.read_bytes())
    module, _, attribute = read_manifest(asked.release).pipeline.partition(":")
    definition = fitted(getattr(importlib.import_module(module), attribute).declared(), memory_mb())
    lines, clock = LineFile(asked.log), LambdaClock()
    prefix = next((one[PREFIX] for one in environments.values() if PREFIX in one), "")
    invoker = open_invoker(performer(definition, environments, lines))
    try:
        metrics = EmbeddedMetrics(clock, lines.write, prefix)
        run = WorkflowRun(definition, invoker=invoker, metrics=metrics, clock=clock, write=lines.write)
        return 1 if run.of_schedule(asked.schedule).error else 0
    finally:
        invoker.close()


def performer(
    definition: Definition, environments: Mapping[str, Mapping[str, str]], lines: LineFile
) -> Callable[[Call], Reply]:
    """Returns what calls tasks, each in the environment that it would have as a function."""
    callers: dict[str, TaskCaller] = {}
    known = {name for one in environments.values() for name in one}

    def perform(call: Call) -> Reply:
        for name in known:
            os.environ.pop(name, None)
        os.environ.update(environments.get(call.task, {}))
        if call.task not in callers:
            callers[call.task] = TaskCaller({definition.name: definition}, lambda: InstancePorts(lines))
        return callers[call.task](call)

    return perform


def fitted(definition: Definition, available_mb: int) -> Definition:
    """Returns a definition whose tasks ask for no more memory than one may have."""
    most = available_mb * TASK_PERCENT // 100
    tasks = {
        name: msgspec.structs.replace(task, memory_mb=min(task.memory_mb, most))
        for name, task in definition.tasks.items()
    }
    return msgspec.structs.replace(definition, tasks=tasks)


def memory_mb() -> int:
    """Returns how much memory the instance has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_048_576


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock-instance", description=__doc__)
    parser.add_argument("schedule", help="whose workflow to run")
    parser.add_argument("--release", type=Path, required=True, help="where the release is")
    parser.add_argument("--environment", type=Path, required=True, help="a JSON document: variables, by task")
    parser.add_argument("--log", type=Path, required=True, help="the file that lines are added to")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
