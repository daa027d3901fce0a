"""A map run as DescribeMapRun tells of it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html
"""

from __future__ import annotations

from typing import Any

from penstock.ports.map_runs import Ends, MapRun, MapRunStatus
from penstock.states import StartMapRun
from penstock.states.distributed import Counts


def describe_map_run(run: MapRun, command: StartMapRun) -> dict[str, Any]:
    """Returns a map run's fields by AWS's names; times are in seconds since the epoch.

    Args:
        command: what it was asked; items in it that no child has are pending, those of a reader are not known yet.
    """
    left = 0 if command.items is None else len(command.items) - run.given
    described: dict[str, Any] = {
        "mapRunArn": run.arn,
        "executionArn": run.execution,
        "status": (run.status if run.status.is_final else MapRunStatus.RUNNING).value,
        "startDate": run.started_at,
        "maxConcurrency": command.max_concurrency,
        "toleratedFailurePercentage": command.tolerated_failure_percentage or 0.0,
        "toleratedFailureCount": command.tolerated_failure_count or 0,
        "itemCounts": counts(run.items, pending=left).to_dict(),
        "executionCounts": counts(run.executions).to_dict() | {"pendingRedrive": run.waiting},
        "redriveCount": run.redrives,
    }
    if run.stopped_at is not None:
        described["stopDate"] = run.stopped_at
    return described


def counts(ends: Ends, *, pending: int = 0) -> Counts:
    """Returns ends as the rules of distributed Maps count them."""
    return Counts(
        pending=pending,
        running=ends.running,
        succeeded=ends.succeeded,
        failed=ends.failed,
        timed_out=ends.timed_out,
        aborted=ends.aborted,
    )
