"""The error of a file that cannot be read at all: nothing of it is kept, and the message says what to do."""

from __future__ import annotations

from typing import Any

from penstock import TaskError

ERROR = "Leads.UnreadableInput"


def unreadable(message: str, hint: str, **data: Any) -> TaskError:
    """Returns the error that fails the run; trying again cannot help."""
    return TaskError(message, hint=hint, error=ERROR, **data)
