"""Python functions that DuckDB's SQL may call."""

from __future__ import annotations

import contextlib
import datetime
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from penstock.errors import UsageError
from penstock.model.column_types import duckdb_type
from penstock.model.transformations import ScalarFunction

if TYPE_CHECKING:
    import duckdb


def register(connection: duckdb.DuckDBPyConnection, functions: Iterable[ScalarFunction]) -> None:
    """Makes functions known to the engine.

    Raises:
        UsageError: NumPy, by which the engine hands over values, is not installed.
    """
    import duckdb

    for function in functions:
        parameters: Any = [duckdb_type(kind) for kind in function.parameters]
        returns: Any = duckdb_type(function.returns)
        try:
            connection.create_function(
                function.name, _guarded(function), parameters, returns, null_handling=_nulls("special")
            )
        except duckdb.InvalidInputException as error:
            if "numpy" not in str(error):
                raise
            raise UsageError(
                f"function {function.name!r} needs NumPy, which is not installed", hint="pip install numpy"
            ) from error


def forget(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Lets go of functions, which the engine would otherwise hold beyond its own end."""
    import duckdb

    for name in names:
        with contextlib.suppress(duckdb.Error):
            connection.remove_function(name)


def _nulls(word: str) -> Any:
    return word


def _guarded(function: ScalarFunction) -> Any:
    """Returns the function as it is called: not at all where an argument is NULL that may not be; times in UTC."""
    call = _in_utc(function)
    refused = [place for place, taken in enumerate(function.takes_null) if not taken]
    if not refused:
        return call
    if len(function.takes_null) == 1:
        return lambda value: None if value is None else call(value)

    def guarded(*values: Any) -> Any:
        return None if any(values[place] is None for place in refused) else call(*values)

    # The engine counts a function's parameters by its signature.
    guarded.__signature__ = inspect.signature(call)  # type: ignore[attr-defined]
    return guarded


def _in_utc(function: ScalarFunction) -> Callable[..., Any]:
    """Returns the function with times that have their zone; the engine's have none, and are in UTC."""
    call = function.call
    if "timestamp" not in (*function.parameters, function.returns):
        return call

    def with_zones(*values: Any) -> Any:
        found = call(*(one.replace(tzinfo=datetime.UTC) if isinstance(one, datetime.datetime) else one
                       for one in values))  # fmt: skip
        return found.astimezone(datetime.UTC).replace(tzinfo=None) if isinstance(found, datetime.datetime) else found

    return with_zones
