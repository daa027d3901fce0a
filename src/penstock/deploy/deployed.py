"""A deployed pipeline, looked at."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.adapters.aws.alarms import AlarmStatus, CloudWatchAlarms
from penstock.adapters.aws.executions import DeployedExecution, StepFunctionsExecutions
from penstock.adapters.aws.queues import SqsQueue
from penstock.deploy.release import RECORD
from penstock.errors import DeploymentError, NotFoundError
from penstock.model.pipeline import Definition
from penstock.ports.journal import Status

if TYPE_CHECKING:
    from penstock.adapters.aws.logs import LogLine
    from penstock.deploy.terraform_command import Terraform

NEWEST = 10
FOLLOW_SECONDS = 2.0
# Of a list, the service tells no reasons: these are asked for one by one.
FAILED = frozenset({Status.FAILED, Status.TIMED_OUT, Status.ABORTED})
NEEDED = ("region", "functions", "state_machines", "dead_letters")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen.

    Attributes:
        executions: the newest of each workflow, newest first; of those that failed, with the reason.
        dead_letters: how many messages wait in the queue of what failed.
    """

    executions: list[DeployedExecution]
    alarms: list[AlarmStatus]
    dead_letters: int


def releases(out: Path) -> dict[str, Path]:
    """Returns the folders of releases, by the name of the pipeline."""
    return {path.parent.name: path.parent for path in sorted(out.glob(f"*/{RECORD}"))}


def find_release(out: Path, pipeline: str) -> Path:
    """Returns the folder of a pipeline's release.

    Raises:
        NotFoundError: there is none.
    """
    found = releases(out)
    if pipeline not in found:
        others = f"there are: {', '.join(found)}" if found else "`penstock synth` and `penstock deploy` make one"
        raise NotFoundError(f"there is no release of {pipeline!r} in {out}", hint=f"{others}; or give --out")
    return found[pipeline]


def read_outputs(terraform: Terraform, pipeline: str) -> dict[str, Any]:
    """Returns the outputs of a deployment.

    Raises:
        NotFoundError: nothing is deployed.
        DeploymentError: it was deployed in part, or Terraform fails.
    """
    if not terraform.is_initialized:
        terraform.init()
    outputs = terraform.outputs()
    if not outputs:
        raise NotFoundError(f"{pipeline!r} is not deployed", hint=f"penstock deploy {pipeline}")
    missing = [name for name in NEEDED if name not in outputs]
    if missing:
        raise DeploymentError(
            f"the deployment of {pipeline!r} is not complete: it has no {', '.join(missing)}",
            hint=f"penstock deploy {pipeline}",
        )
    return outputs


def look(definition: Definition, outputs: Mapping[str, Any]) -> Look:
    """Returns how a deployed pipeline is doing.

    Args:
        outputs: of its Terraform.
    """
    region = outputs["region"]
    service = StepFunctionsExecutions(outputs["state_machines"], region=region)
    newest = [one for name in outputs["state_machines"] for one in itertools.islice(service.list(name), NEWEST)]
    states = CloudWatchAlarms(definition.name, outputs.get("name_prefix", ""), region=region).states()
    # The last two come with every deployment.
    own = {*definition.alarms, *definition.composite_alarms}
    own |= {f"{definition.name}-killed", f"{definition.name}-dead-letters"}
    return Look(
        executions=[_explained(service, one) for one in sorted(newest, key=lambda one: -one.started_at)],
        alarms=[one for one in states if one.alarm in own],
        dead_letters=SqsQueue(outputs["dead_letters"], region=region).counts().waiting,
    )


def log_groups(pipeline: str, outputs: Mapping[str, Any], task: str | None = None) -> list[str]:
    """Returns the log groups of a pipeline's functions, or of one task's.

    Raises:
        NotFoundError: there is no such task.
    """
    functions = outputs["functions"]
    if task is not None and task not in functions:
        raise NotFoundError(
            f"no task {task!r} of pipeline {pipeline!r} is deployed", hint=f"its tasks are: {', '.join(functions)}"
        )
    wanted = [task] if task is not None else list(functions)
    return [f"/aws/lambda/{functions[name]}" for name in wanted]


def read_logs(
    groups: Sequence[str], since: float, *, region: str, pattern: str = "", follow: bool = False
) -> Iterator[LogLine]:
    """Yields the lines of log groups since a time, and each new one where they are followed."""
    from penstock.adapters.aws.logs import CloudWatchLogs

    service = CloudWatchLogs(region=region)
    if not follow:
        return service.read(groups, since, pattern=pattern)
    return service.follow(groups, since, _pause, pattern=pattern)


def _explained(service: StepFunctionsExecutions, one: DeployedExecution) -> DeployedExecution:
    if one.status not in FAILED:
        return one
    # What went in and out is the pipeline's data, and nobody asked for it.
    return msgspec.structs.replace(service.describe(one.arn), input=None, output=None)


def _pause() -> bool:
    time.sleep(FOLLOW_SECONDS)
    return True
