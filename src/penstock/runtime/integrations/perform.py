"""Makes a request to a service: finds out which, checks it, and returns what the state gets."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import msgspec

from penstock.errors import TaskError, ThrottledError, ValidationError
from penstock.model.integrations import parse_resource
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call
from penstock.runtime.integrations.request import Request, ServicePorts

# Each is imported when it is first called: a worker that calls tasks only needs none of them.
MODULES = {
    "dynamodb": "dynamodb", "s3": "objects", "sns": "topics", "sqs": "queues", "eventbridge": "events",
    "athena": "queries", "glue": "jobs",
}  # fmt: skip


def perform(definition: Definition, call: Call, ports: ServicePorts) -> bytes:
    """Makes the request of a call; returns the Task state's result as JSON.

    A call that is made again for the same attempt has its effect once where the port can tell.

    Raises:
        TaskError: the service refused, by the name that its integration gives the error.
    """
    service = parse_resource(call.resource)
    operation = None if service is None else service.operation
    if service is None or operation is None or operation.sdk_service not in MODULES:
        raise TaskError(f"Penstock cannot call {call.resource}", error="States.Runtime")
    if service.pattern not in operation.waits(sdk=service.sdk):
        raise TaskError(f"{call.resource} has no pattern {service.pattern}", error="States.Runtime")
    module = importlib.import_module(f"penstock.runtime.integrations.{MODULES[operation.sdk_service]}")
    act: Callable[[Request], dict[str, Any]] = module.ACTIONS[operation.action]
    request = Request(definition, call, service, operation, ports)
    try:
        return msgspec.json.encode(act(request))
    except ThrottledError as error:
        raise request.refusal("ThrottlingException", error.message) from error
    except ValidationError as error:
        if error.data.get("unusable"):
            raise request.unusable(error.message) from error
        message = f"{error.message}: {error.hint}" if error.hint else error.message
        raise request.refusal("ValidationException", message) from error
