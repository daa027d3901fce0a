"""Errors inside an execution. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""

from __future__ import annotations

from typing import Any

import msgspec

ALL = "States.ALL"
BRANCH_FAILED = "States.BranchFailed"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
EXCEED_TOLERATED_FAILURE_THRESHOLD = "States.ExceedToleratedFailureThreshold"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
ITEM_READER_FAILED = "States.ItemReaderFailed"
REFERENCE_PATH_CONFLICT = "States.ReferencePathConflict"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"

# No wildcard takes these.
TERMINAL = frozenset({DATA_LIMIT_EXCEEDED, RUNTIME})
PAYLOAD_LIMIT_BYTES = 256 * 1024
_encode = msgspec.json.Encoder().encode
CAUSE_LIMIT_CHARACTERS = 32_768
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html
HISTORY_LIMIT = 25_000
HISTORY_LIMIT_CAUSE = f"The execution reached the maximum number of history events ({HISTORY_LIMIT})."


class StateFailedError(Exception):
    """A state failed with an error and a cause that Retry and Catch can see.

    Attributes:
        location: the field whose JSONata expression failed.
        is_whole: the cause is AWS's whole text, which does not begin with the state that was executed.
        is_terminal: it fails the execution at once, whatever would retry or catch it.
    """

    def __init__(
        self, error: str, cause: str, *, location: str = "", is_whole: bool = False, is_terminal: bool = False
    ) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause
        self.location = location
        self.is_whole = is_whole
        self.is_terminal = is_terminal


class HistoryFullError(Exception):
    """The history has room for the execution's end only."""


def matches(names: tuple[str, ...], error: str, *, from_branch: bool = False) -> bool:
    """Tells whether a list of error names means an error.

    ``States.Runtime`` is never retried nor caught. ``States.TaskFailed`` means any error but a timeout.

    Args:
        error: ``States.HeartbeatTimeout`` is a ``States.Timeout`` too.
        from_branch: a branch of a Parallel failed, so that ``States.BranchFailed`` means it too.
    """
    if error == RUNTIME:
        return False
    if error in names:
        return True
    if error in TERMINAL:
        return False
    if error == HEARTBEAT_TIMEOUT and TIMEOUT in names:
        return True
    if TASK_FAILED in names and error not in {TIMEOUT, HEARTBEAT_TIMEOUT}:
        return True
    return ALL in names or (from_branch and BRANCH_FAILED in names)


def check_size(value: Any, what: str, *, is_terminal: bool = False) -> None:
    """Fails a state whose payload is larger than the quota, or nested deeper than can be written.

    https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-task-executions

    Args:
        is_terminal: nothing can catch it.
    """
    try:
        size = len(_encode(value))
    except RecursionError:
        cause = f"{what} which is nested too deeply."
        raise StateFailedError(DATA_LIMIT_EXCEEDED, cause, is_whole=True, is_terminal=is_terminal) from None
    except (UnicodeError, ValueError, OverflowError) as error:
        raise StateFailedError(RUNTIME, f"{what} that is no JSON: {error}") from None
    if size > PAYLOAD_LIMIT_BYTES:
        cause = f"{what} with a size exceeding the maximum number of bytes service limit."
        raise StateFailedError(DATA_LIMIT_EXCEEDED, cause, is_whole=True, is_terminal=is_terminal)
