"""A deployed pipeline, looked at."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.adapters.aws.alarms import AlarmStatus, CloudWatchAlarms
from penstock.adapters.aws.executions import DeployedExecution, StepFunctionsExecutions
from penstock.adapters.aws.queues import SqsQueue
from penstock.errors import NotFoundError
from penstock.model.pipeline import Definition

if TYPE_CHECKING:
    from penstock.adapters.aws.logs import LogLine

NEWEST = 10
FOLLOW_SECONDS = 2.0


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen.

    Attributes:
        executions: the newest of each workflow, newest first.
        dead_letters: how many messages wait in the queue of what failed.
    """

    executions: list[DeployedExecution]
    alarms: list[AlarmStatus]
    dead_letters: int


def look(definition: Definition, outputs: Mapping[str, Any]) -> Look:
    """Returns how a deployed pipeline is doing.

    Args:
        outputs: of its Terraform.
    """
    region = outputs["region"]
    service = StepFunctionsExecutions(outputs["state_machines"], region=region)
    newest = [one for name in definition.workflows for one in itertools.islice(service.list(name), NEWEST)]
    states = CloudWatchAlarms(definition.name, outputs.get("name_prefix", ""), region=region).states()
    own = {*definition.alarms, *definition.composite_alarms}
    counts = SqsQueue(outputs["dead_letters"], region=region).counts()
    return Look(
        executions=sorted(newest, key=lambda one: -one.started_at),
        alarms=[one for one in states if one.alarm in own or one.alarm.startswith(f"{definition.name}-")],
        dead_letters=counts.waiting,
    )


def log_groups(definition: Definition, outputs: Mapping[str, Any], task: str | None = None) -> list[str]:
    """Returns the log groups of a pipeline's functions, or of one task's.

    Raises:
        NotFoundError: there is no such task.
    """
    if task is not None and task not in outputs["functions"]:
        raise NotFoundError(
            f"pipeline {definition.name!r} has no task {task!r}", hint=f"its tasks are: {', '.join(definition.tasks)}"
        )
    wanted = [task] if task is not None else list(outputs["functions"])
    return [f"/aws/lambda/{outputs['functions'][name]}" for name in wanted]


def read_logs(groups: Sequence[str], since: float, *, pattern: str = "", follow: bool = False) -> Iterator[LogLine]:
    """Yields the lines of log groups since a time, and each new one where they are followed."""
    from penstock.adapters.aws.logs import CloudWatchLogs

    service = CloudWatchLogs()
    if not follow:
        return service.read(groups, since, pattern=pattern)
    return service.follow(groups, since, _pause, pattern=pattern)


def _pause() -> bool:
    time.sleep(FOLLOW_SECONDS)
    return True
