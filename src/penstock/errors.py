"""Every error that Penstock raises on purpose.

    PenstockError
    ├── DefinitionError      a pipeline definition cannot be used (all findings at once)
    ├── LoadError            a pipeline file, entry point or configuration cannot be loaded
    ├── NotFoundError        a named thing does not exist
    ├── UsageError           an argument or a configuration value makes no sense
    ├── AccessDeniedError    a task touched what it was not granted
    ├── TaskError            a task failed; carries the ASL error name and cause
    ├── InvalidWorkflowError an ASL document that cannot be run
    ├── QueryError           an SQL query was refused or failed
    ├── HomeError            the home folder cannot be used
    │   ├── JournalCorruptError
    │   └── StorageFullError
    ├── PortError            a port could not do what was asked
    │   ├── AlreadyExistsError      conditional create: the object is there already
    │   ├── ConditionFailedError    conditional write: the item is not as expected
    │   ├── ValidationError         the request breaks a rule of the port
    │   ├── ThrottledError          try again later          (retryable)
    │   └── UnavailableError        the service is down      (retryable)
    └── DeliveryError        a notification could not be delivered

An error is its class and its data: ``message`` says what happened, ``hint`` how to mend it, ``data``
holds whatever a program needs. All survive pickling, so they cross process borders unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar


class PenstockError(Exception):
    """Something went wrong that a person can act on."""

    code: ClassVar[str] = "Penstock"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.data)

    def to_dict(self) -> dict[str, Any]:
        """Returns the error as plain data, as ``--json`` prints it."""
        return {"error": self.code, "message": self.message, "hint": self.hint, **self.data}


def _rebuild(cls: type[PenstockError], message: str, hint: str, data: dict[str, Any]) -> PenstockError:
    error = cls.__new__(cls)
    PenstockError.__init__(error, message, hint=hint, **data)
    return error


class DefinitionError(PenstockError, ValueError):
    """A pipeline definition cannot be used; ``data["findings"]`` lists every mistake."""

    code = "Definition"


class LoadError(PenstockError, ImportError):
    """A pipeline file, entry point or configuration cannot be loaded."""

    code = "Load"


class NotFoundError(PenstockError, LookupError):
    """A named thing does not exist."""

    code = "NotFound"


class UsageError(PenstockError, ValueError):
    """An argument or a configuration value makes no sense."""

    code = "Usage"


class AccessDeniedError(PenstockError, PermissionError):
    """A task touched what it was not granted."""

    code = "AccessDenied"


class TaskError(PenstockError):
    """A task failed. ``error`` is the ASL error name that Retry and Catch match on."""

    code = "Task"

    def __init__(self, message: str, *, hint: str = "", error: str = "States.TaskFailed", **data: Any) -> None:
        super().__init__(message, hint=hint, error=error, **data)

    @property
    def error(self) -> str:
        return str(self.data["error"])


class InvalidWorkflowError(PenstockError, ValueError):
    """An ASL document that cannot be run; ``data["findings"]`` lists every mistake."""

    code = "InvalidWorkflow"


class QueryError(PenstockError, ValueError):
    """An SQL query was refused or failed."""

    code = "Query"


class HomeError(PenstockError):
    """The home folder cannot be used."""

    code = "Home"


class JournalCorruptError(HomeError):
    """A database of the home folder is damaged."""

    code = "JournalCorrupt"


class StorageFullError(HomeError):
    """The disk that holds the home folder is full."""

    code = "StorageFull"
    retryable = True


class PortError(PenstockError):
    """A port could not do what was asked."""

    code = "Port"


class AlreadyExistsError(PortError):
    """The object is there already; nothing was written."""

    code = "AlreadyExists"


class ConditionFailedError(PortError):
    """The item is not as the condition expects; nothing was written."""

    code = "ConditionFailed"


class ValidationError(PortError, ValueError):
    """The request breaks a rule of the port; trying again cannot help."""

    code = "Validation"


class ThrottledError(PortError):
    """Too much was asked at once; trying again later can help."""

    code = "Throttled"
    retryable = True


class UnavailableError(PortError):
    """The service behind the port does not answer; trying again later can help."""

    code = "Unavailable"
    retryable = True


class DeploymentError(PenstockError):
    """Terraform, or the account that it was pointed at, refused."""

    code = "Deployment"


class DeliveryError(PenstockError):
    """A notification could not be delivered."""

    code = "Delivery"


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One mistake in a definition.

    Attributes:
        where: the place, as ``file:line`` or as a JSON path.
        code: a stable word for the rule that was broken.
        message: what is wrong.
        hint: what to write instead.
        severity: ERROR, or WARNING for what is allowed and probably not meant.
    """

    where: str
    code: str
    message: str
    hint: str = ""
    severity: str = "ERROR"


def by_place(finding: Finding) -> tuple[str, int, Finding]:
    """Sorts findings by file and line number."""
    file, _, rest = finding.where.partition(":")
    line = re.match(r"\d+", rest)
    return file, int(line[0]) if line else 0, finding


def report(findings: Iterable[Finding]) -> str:
    """Returns the findings as numbered lines, each with its mend below it."""
    lines = []
    for number, finding in enumerate(findings, start=1):
        lines.append(f"{number}. {finding.where}: {finding.message} [{finding.code}]")
        if finding.hint:
            lines.append(f"   → {finding.hint}")
    return "\n".join(lines)
