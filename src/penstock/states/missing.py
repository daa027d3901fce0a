"""What a path that finds nothing means: an error in AWS's words, which depend on the field that the path stands in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from penstock.states.failures import REFERENCE_PATH_CONFLICT, RUNTIME, StateFailedError

Missing = Callable[[str, Any], StateFailedError]
"""A function of (path, what it was applied to)."""

_encode = msgspec.json.Encoder().encode


def shown(value: Any) -> str:
    """Returns a value as causes show it: JSON without blanks."""
    try:
        return _encode(value).decode()
    except (RecursionError, UnicodeError, ValueError, OverflowError):
        return "(no JSON)"


def in_field(name: str) -> Missing:
    """Returns the error of a path in a field, or in a template under a name."""
    return lambda path, value: (
        of_nothing(value)
        or StateFailedError(
            RUNTIME,
            f"The JSONPath '{path}' specified for the field '{name}' could not be found in the input '{shown(value)}'",
        )
    )


def as_argument(path: str, value: Any) -> StateFailedError:
    """Returns the error of a path that is an argument of an intrinsic function."""
    return of_nothing(value) or StateFailedError(
        RUNTIME, f"The JsonPath argument for the field '{path}' could not be found in the input '{shown(value)}'"
    )


def of_nothing(value: Any) -> StateFailedError | None:
    """Returns the error of any path that is applied to null, for a value that is null."""
    if value is not None:
        return None
    return StateFailedError(RUNTIME, "Unable to apply Path transformation to null or empty input.")


def of_state(path: str, value: Any) -> StateFailedError:
    """Returns the error of InputPath and OutputPath."""
    return of_nothing(value) or StateFailedError(RUNTIME, f"Invalid path '{path}' : No results for path: {path}")


def of_choice(path: str, value: Any) -> StateFailedError:
    """Returns the error of a Choice rule."""
    return of_nothing(value) or StateFailedError(
        RUNTIME, f"Invalid path '{path}': The choice state's condition path references an invalid value."
    )


def of_wait(name: str) -> Missing:
    """Returns the error of a Wait state's path."""
    return lambda path, value: StateFailedError(
        RUNTIME, f"The {name} parameter does not reference an input value: {path}"
    )


def of_reference(path: str, value: Any) -> StateFailedError:
    """Returns the error of a reference path whose steps cannot be taken."""
    return StateFailedError(
        REFERENCE_PATH_CONFLICT, f"Unable to apply ReferencePath {path} to input {shown(value)}", is_whole=True
    )


def of_step(step: str | int, value: Any) -> StateFailedError:
    """Returns the error of one step of a reference path."""
    return StateFailedError(
        REFERENCE_PATH_CONFLICT, f'Unable to apply step "{step}" to input {shown(value)}', is_whole=True
    )
