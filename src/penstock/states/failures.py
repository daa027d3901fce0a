"""Errors inside an execution. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""

from __future__ import annotations

ALL = "States.ALL"
BRANCH_FAILED = "States.BranchFailed"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
NO_CHOICE_MATCHED = "States.NoChoiceMatched"
PARAMETER_PATH_FAILURE = "States.ParameterPathFailure"
RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"

# States.ALL takes everything but these.
TERMINAL = frozenset({DATA_LIMIT_EXCEEDED, RUNTIME})
PAYLOAD_LIMIT_BYTES = 256 * 1024


class StateFailedError(Exception):
    """A state failed with an error and a cause that Retry and Catch can see."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


def matches(names: tuple[str, ...], error: str, *, from_task: bool, from_branch: bool) -> bool:
    """Tells whether a list of error names means an error.

    Args:
        from_task: a Task state failed, so that ``States.TaskFailed`` means any error but a timeout.
        from_branch: a branch of a Parallel failed, so that ``States.BranchFailed`` means it too.
    """
    if error in names:
        return True
    if ALL in names and error not in TERMINAL:
        return True
    if from_branch and BRANCH_FAILED in names and error not in TERMINAL:
        return True
    if error == HEARTBEAT_TIMEOUT and TIMEOUT in names:
        return True
    return from_task and TASK_FAILED in names and error not in TERMINAL | {TIMEOUT, HEARTBEAT_TIMEOUT}
