"""One call of one task: decode, call, check the result, turn what went wrong into an error and its cause.

The names of errors are Lambda's, so that Retry and Catch match the same things in every home:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec

from penstock.errors import PenstockError, TaskError
from penstock.faultpoints import Killed
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.ports.invoke import RESPONSE_LIMIT_BYTES, Call, Reply
from penstock.runtime.context import Context, Ports
from penstock.runtime.finite import not_finite

CAUSE_LIMIT_CHARACTERS = 32_768
STACK_LINES = 40


@runtime_checkable
class Serving(Protocol):
    """A home that does itself what services do elsewhere: in AWS it is Step Functions that calls them."""

    def serve(self, definition: Definition, call: Call) -> bytes:
        """Makes the request of a service integration; returns its result as JSON.

        Raises:
            TaskError: the service refused.
        """
        ...


class TaskCaller:
    """Calls the tasks of some pipelines.

    Args:
        open_ports: called once, in the process that calls the tasks.
    """

    def __init__(self, definitions: Mapping[str, Definition], open_ports: Callable[[], Ports]) -> None:
        self._definitions = definitions
        self._open_ports = open_ports
        self._ports: Ports | None = None

    def __call__(self, call: Call) -> Reply:
        """Calls a task, or a service. Never raises: whatever goes wrong is in the reply."""
        try:
            definition = self._definitions[call.pipeline]
            if self._ports is None:
                self._ports = self._open_ports()
            if call.resource:
                return _service_reply(definition, call, self._ports)
            task = definition.tasks[call.task]
            context = Context(definition, task, call, self._ports)
            result = task.handler(msgspec.json.decode(call.event), context)
            return Reply(output=encode_result(task, result))
        except SystemExit as error:
            return Reply(error="Runtime.ExitError", cause=f"the handler left with exit status {error.code}")
        except Killed:
            raise
        except BaseException as error:  # noqa: BLE001 - the border between a user's code and the engine
            return Reply(error=error_name(error), cause=describe(error))


def _service_reply(definition: Definition, call: Call, ports: Ports) -> Reply:
    """Makes the request of a service integration. Its errors carry the service's own text, not a handler's stack."""
    if not isinstance(ports, Serving):
        return Reply(error="States.Runtime", cause=f"there is nothing here that answers {call.resource}")
    try:
        return Reply(output=ports.serve(definition, call))
    except TaskError as error:
        return Reply(error=error.error, cause=error.message[:CAUSE_LIMIT_CHARACTERS])


def encode_result(task: Task, result: Any) -> bytes:
    """Returns a handler's result as JSON.

    Raises:
        TaskError: ``Runtime.MarshalError`` for what JSON cannot hold, ``Function.ResponseSizeTooLarge`` past 6 MB.
    """
    path = not_finite(result)
    if path is not None:
        raise TaskError(
            f"the result of {task.name!r} has a number that JSON cannot hold at {path}",
            hint="return None, or leave the value out",
            error="Runtime.MarshalError",
        )
    try:
        encoded = msgspec.json.encode(result)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise TaskError(
            f"the result of {task.name!r} cannot be JSON: {error}",
            hint="return text, numbers, true, false, None, lists and dictionaries",
            error="Runtime.MarshalError",
        ) from None
    if len(encoded) > RESPONSE_LIMIT_BYTES:
        raise TaskError(
            f"the result of {task.name!r} has {len(encoded)} bytes; at most {RESPONSE_LIMIT_BYTES} can be returned",
            hint="append the data to a lake table and return its key",
            error="Function.ResponseSizeTooLarge",
        )
    return encoded


def error_name(error: BaseException) -> str:
    """Returns the name by which Retry and Catch know an exception: its class, or what a TaskError says."""
    return error.error if isinstance(error, TaskError) else type(error).__name__


def describe(error: BaseException) -> str:
    """Returns an exception as Lambda reports it: a JSON document with message, type and stack."""
    frames = traceback.format_tb(error.__traceback__)
    # The first frame is ours; a person wants to see their own.
    stack = [line for frame in frames[1:] for line in frame.splitlines()][-STACK_LINES:]
    described: dict[str, Any] = {"errorMessage": _text(error), "errorType": error_name(error)}
    if isinstance(error, PenstockError) and error.hint:
        described["hint"] = error.hint
    text = json.dumps({**described, "stackTrace": stack})
    if len(text) > CAUSE_LIMIT_CHARACTERS:
        text = json.dumps({**described, "errorMessage": _text(error)[:8192], "stackTrace": []})
    return text


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception whose own text raises
        return "(its message cannot be shown)"
