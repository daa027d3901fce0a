"""Glue's StartJobRun: runs a task of the pipeline as the job.

On a machine the run is over when ``startJobRun`` returns, with and without ``.sync``; without, its end is not told.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
https://docs.aws.amazon.com/glue/latest/webapi/API_JobRun.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.errors import TaskError
from penstock.model.metrics import Datapoint
from penstock.model.task import Task
from penstock.runtime.context import Context
from penstock.runtime.integrations.calls import JOB_TIMEOUT_MINUTES
from penstock.runtime.integrations.moments import moment
from penstock.runtime.integrations.request import Request


def start_job(request: Request) -> dict[str, Any]:
    """Runs a task with the job's arguments as its event; what it returns is not kept, as Glue keeps nothing.

    Raises:
        TaskError: ``States.TaskFailed`` with ``.sync`` of a run that failed; the cause is what is known of it.
    """
    name = request.text("JobName") or ""
    task = request.definition.tasks.get(name)
    if task is None:
        raise request.refusal("EntityNotFoundException", "Failed to start job run due to missing metadata")
    if "JobRunId" in request.arguments:
        raise request.refusal("InvalidInputException", "A machine cannot resume a job run: leave JobRunId out")
    arguments = request.object("Arguments")
    if not all(isinstance(value, str) for value in arguments.values()):
        raise request.unusable("The value for the field 'Arguments' must be an OBJECT of STRINGs")
    run_id = f"jr_{request.id.replace('-', '')}"
    began = request.ports.clock.now()
    problem = _run(request, task, arguments)
    if not request.service.runs_to_the_end:
        if problem:
            print(problem)  # noqa: T201 - the call's log is where the end of the run can be seen
        # The guide: JobName is taken from the request and put into the response.
        named = {} if request.service.sdk else {"JobName": name}
        return request.answer({**named, "JobRunId": run_id})
    described = _described(request, run_id, began, problem)
    if problem:
        raise TaskError(msgspec.json.encode(described).decode(), error="States.TaskFailed")
    return described


def _run(request: Request, task: Task, arguments: dict[str, Any]) -> str:
    """Calls the task, and publishes what its end means; returns why it failed, or nothing."""
    began = request.ports.clock.now()
    problem = _call(request, task, arguments)
    ended = request.ports.clock.now()
    points = [(task.errors, float(bool(problem))), (task.duration, (ended - began) * 1000)]
    request.ports.metrics.publish([Datapoint(metric, ended, value) for metric, value in points if metric is not None])
    return problem


def _call(request: Request, task: Task, arguments: dict[str, Any]) -> str:
    call = msgspec.structs.replace(request.call, task=task.name, event=msgspec.json.encode(arguments), resource="")
    try:
        task.handler(arguments, Context(request.definition, task, call, request.ports))
    except Exception as error:  # noqa: BLE001 - the border between a user's code and the engine
        return f"{type(error).__name__}: {error}"
    return ""


def _described(request: Request, run_id: str, began: float, problem: str) -> dict[str, Any]:
    ended = request.ports.clock.now()
    described: dict[str, Any] = {
        "Arguments": request.object("Arguments"),
        "Attempt": 0,
        "CompletedOn": moment(request.service, ended),
        "ExecutionTime": round(ended - began),
        "Id": run_id,
        "JobName": request.text("JobName"),
        "JobRunState": "FAILED" if problem else "SUCCEEDED",
        "LastModifiedOn": moment(request.service, ended),
        "PredecessorRuns": [],
        "StartedOn": moment(request.service, began),
        "Timeout": request.number("Timeout") or JOB_TIMEOUT_MINUTES,
    }
    if problem:
        described["ErrorMessage"] = problem
    return described


ACTIONS = {"startJobRun": start_job}
