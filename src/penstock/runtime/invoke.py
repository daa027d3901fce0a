"""One call of one task: decode, call, check the result, turn what went wrong into an error and its cause.

The names of errors are Lambda's, so that Retry and Catch match the same things in every home:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.errors import PenstockError, TaskError
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.ports.invoke import RESPONSE_LIMIT_BYTES, Call, Reply
from penstock.runtime.context import Context, Ports

CAUSE_LIMIT_CHARACTERS = 32_768
STACK_LINES = 40


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
        """Calls a task. Never raises: whatever goes wrong is in the reply."""
        try:
            definition = self._definitions[call.pipeline]
            task = definition.tasks[call.task]
            if self._ports is None:
                self._ports = self._open_ports()
            context = Context(definition, task, call, self._ports)
            result = task.handler(msgspec.json.decode(call.event), context)
            return Reply(output=encode_result(task, result))
        except SystemExit as error:
            return Reply(error="Runtime.ExitError", cause=f"the handler left with exit status {error.code}")
        except BaseException as error:  # noqa: BLE001 - the border between a user's code and the engine
            return Reply(error=error_name(error), cause=describe(error))


def encode_result(task: Task, result: Any) -> bytes:
    """Returns a handler's result as JSON.

    Raises:
        TaskError: ``Runtime.MarshalError`` for what JSON cannot hold, ``Function.ResponseSizeTooLarge`` past 6 MB.
    """
    path = _not_finite(result, "$", 0)
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


def _not_finite(value: Any, path: str, depth: int) -> str | None:
    """Returns the path of a NaN or an infinity, which the encoder would write as null."""
    if isinstance(value, float):
        return None if math.isfinite(value) else path
    if depth > 100:
        return None
    if isinstance(value, dict):
        children: Any = ((f"{path}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        children = ((f"{path}[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, msgspec.Struct):
        children = ((f"{path}.{name}", getattr(value, name)) for name in value.__struct_fields__)
    else:
        return None
    return next((found for where, item in children if (found := _not_finite(item, where, depth + 1))), None)


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
