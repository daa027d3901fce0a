"""Glue jobs of a rehearsed pipeline: what the emulator runs them with, and whose they are."""

from __future__ import annotations

import importlib.util
import json
import sys

from penstock.errors import UsageError
from penstock.model.pipeline import Definition
from penstock.model.task import Task

OF_EMULATOR = "PENSTOCK_JOBS"


def told(definition: Definition) -> dict[str, str]:
    """Returns the variable by which the emulator can run jobs; nothing without any. See ``ministack_jobs``.

    Raises:
        UsageError: PySpark is not installed.
    """
    if not definition.deployment.jobs:
        return {}
    if importlib.util.find_spec("pyspark") is None:
        raise UsageError("a rehearsal runs Glue jobs with PySpark", hint="pip install 'penstock[spark]'")
    return {OF_EMULATOR: json.dumps({"python": sys.executable})}


def job_task(definition: Definition, arn: str) -> Task:
    """Returns the task that a job runs, by the job's ARN."""
    named = arn.rpartition("/")[2]
    found = [name for name in definition.deployment.jobs if named.endswith(f"{definition.name}-{name}")]
    return definition.tasks[max(found, key=len)]
