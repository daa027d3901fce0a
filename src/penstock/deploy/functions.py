"""The functions of a deployment: one a task, and the one that seals the lake, which is deployed like a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from penstock.model.access import Grant, Kind, LakeAction
from penstock.model.deployment import SEALING_FUNCTION
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.runtime.aws.sealing import SealingFunction

# DuckDB starts in about 100 MB, and sorts on the disk what does not fit into the rest.
SEALING_MEMORY_MB = 1769
SEALING_SECONDS = 900
# One partition at a time: its raw objects, what was sealed before, what is sorted, and the new file.
SEALING_DISK_MB = 10_240


def functions(definition: Definition) -> dict[str, Task]:
    """Returns all functions, by name: the tasks, and what seals the lake as a task that nobody wrote."""
    sealing = sealing_task(definition)
    return definition.tasks if sealing is None else {**definition.tasks, sealing.name: sealing}


def sealing_task(definition: Definition) -> Task | None:
    """Returns the function that seals the lake; None where nothing is to be sealed."""
    if not (definition.deployment.sealing and definition.lake_tables):
        return None
    actions = (LakeAction.READ, LakeAction.QUARANTINE)
    return Task(
        name=SEALING_FUNCTION,
        handler=cast(Callable[[Any, Any], Any], SealingFunction),
        memory_mb=SEALING_MEMORY_MB,
        timeout_seconds=SEALING_SECONDS,
        grants=tuple(Grant(Kind.LAKE, table, action) for table in definition.lake_tables for action in actions),
        description="Seals the lake's closed partitions: one Parquet file each",
        place=f"pipeline {definition.name}",
    )
