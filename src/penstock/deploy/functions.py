"""The functions of a deployment: one a task; those that seal and upgrade are deployed like tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from penstock.model.access import Grant, Kind, LakeAction
from penstock.model.deployment import SEALING_FUNCTION, UPGRADING_FUNCTION
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.runtime.aws.sealing import SealingFunction
from penstock.runtime.aws.upgrading import UpgradingFunction

# DuckDB starts in about 100 MB, and sorts on the disk what does not fit into the rest.
SEALING_MEMORY_MB = 1769
SEALING_SECONDS = 900
# One partition at a time: its raw objects, what was sealed before, what is sorted, and the new file.
SEALING_DISK_MB = 10_240
UPGRADING_MEMORY_MB = 512
UPGRADING_SECONDS = 900


def functions(definition: Definition) -> dict[str, Task]:
    """Returns all functions, by name: the tasks, then those that nobody wrote."""
    own = (sealing_task(definition), upgrading_task(definition))
    return {**definition.tasks, **{task.name: task for task in own if task is not None}}


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


def upgrading_task(definition: Definition) -> Task | None:
    """Returns the function that brings the tables of warehouses up to date; None where there are none."""
    if not definition.warehouses:
        return None
    return Task(
        name=UPGRADING_FUNCTION,
        handler=cast(Callable[[Any, Any], Any], UpgradingFunction),
        memory_mb=UPGRADING_MEMORY_MB,
        timeout_seconds=UPGRADING_SECONDS,
        description="Brings the tables, views and users of warehouses up to date",
        place=f"pipeline {definition.name}",
    )
