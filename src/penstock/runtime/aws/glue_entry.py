"""A Glue job's entry point: runs one task, with its transformations on Spark.

The job's script is ``from penstock.runtime.aws.glue_entry import main; main()``. What it needs to know are arguments of
the job that begin with ``--penstock-``; the others, but for Glue's own, are the task's event, as ``glue:startJobRun``
gives them. What the task returns is not kept, as Glue keeps nothing; a task that fails fails the run, with its cause.
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.errors import LoadError, TaskError
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call
from penstock.runtime.aws.log import call_line, write_line
from penstock.runtime.aws.manifest import read_manifest
from penstock.runtime.aws.ports import GluePorts
from penstock.runtime.invoke import TaskCaller

OWN = "--penstock-"
# What Glue gives every script, and what chooses how it runs it; the prefixes are of Glue's own parameters.
GLUES = (
    "--JOB_", "--TempDir", "--WORKFLOW_", "--enable-", "--additional-", "--extra-", "--job-", "--conf", "--class",
    "--scriptLocation", "--python-", "--user-jars", "--datalake-", "--spark-", "--continuous-log", "--RedshiftTempDir",
    "--SECURITY_CONFIGURATION", "--encryption-type", "--region",
)  # fmt: skip


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to do.

    Attributes:
        pipeline: ``module:attribute`` of the Pipeline.
        environment: the physical names of what the task was granted.
        event: the arguments that are the task's own.
        run: Glue's name of the run.
    """

    pipeline: str
    task: str
    environment: dict[str, str] = {}
    event: dict[str, str] = {}
    run: str = "local"


def read_arguments(arguments: Sequence[str], folder: Path | None = None) -> Job:
    """Returns what a script was started with.

    Args:
        folder: where the code was unpacked to, with the manifest that names the pipeline.

    Raises:
        LoadError: it does not say which task it runs.
    """
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if folder is not None:
        given[f"{OWN}pipeline"] = read_manifest(folder).pipeline
    try:
        return Job(
            pipeline=given[f"{OWN}pipeline"],
            task=given[f"{OWN}task"],
            environment=json.loads(given.get(f"{OWN}environment", "{}")),
            event={name: value for name, value in given.items() if not name.startswith((OWN, *GLUES))},
            run=given.get("--JOB_RUN_ID", "local"),
        )
    except KeyError as error:
        raise LoadError(f"the job has no argument {error}", hint="deploy what `penstock synth` wrote") from None


def main(arguments: Sequence[str] | None = None, folder: Path | None = None) -> None:
    """Runs the task that the arguments name. Arguments as for ``read_arguments``.

    Raises:
        TaskError: it failed.
    """
    job = read_arguments(sys.argv[1:] if arguments is None else arguments, folder)
    os.environ.update(job.environment)
    definition = _definition(job)
    task = definition.tasks[job.task]
    ports = GluePorts()
    began = ports.clock.now()
    call = Call(
        token=job.run,
        key=job.run,
        execution=job.run,
        pipeline=definition.name,
        task=task.name,
        state=task.name,
        event=msgspec.json.encode(job.event),
        started_at=began,
        slot=None,
        attempt=0,
        timeout_seconds=task.timeout_seconds,
    )
    started = time.perf_counter()
    reply = TaskCaller({definition.name: definition}, lambda: ports)(call)
    reply = msgspec.structs.replace(reply, duration_seconds=time.perf_counter() - started)
    points = [(task.errors, float(reply.error is not None)), (task.duration, reply.duration_seconds * 1000)]
    ports.metrics.publish([Datapoint(metric, ports.clock.now(), value) for metric, value in points if metric])
    write_line(call_line(call, reply, request_id=job.run, cold=True, trace_id=""))
    if reply.error is not None:
        raise TaskError(_told(reply.cause), error=reply.error)


def _definition(job: Job) -> Definition:
    module, _, attribute = job.pipeline.partition(":")
    definition: Definition = getattr(importlib.import_module(module), attribute).declared()
    if job.task not in definition.tasks:
        raise LoadError(f"pipeline {definition.name!r} has no task {job.task!r}", hint="deploy what was synthesized")
    return definition


def _told(cause: str | None) -> str:
    try:
        described: Mapping[str, str] = json.loads(cause or "")
        return "\n".join(str(described[name]) for name in ("errorMessage", "hint") if described.get(name))
    except (ValueError, AttributeError, TypeError):
        return cause or "the task failed"


if __name__ == "__main__":
    main()
