"""Python functions that Spark's SQL may call."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from penstock.adapters.spark.types import spark_type
from penstock.model.transformations import ScalarFunction

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register(session: SparkSession, functions: Iterable[ScalarFunction]) -> None:
    """Makes functions known to the engine. Its workers import them by name."""
    for function in functions:
        session.udf.register(function.name, _guarded(function), spark_type(function.returns))


def _guarded(function: ScalarFunction) -> Callable[..., Any]:
    """Returns the function as it is called: not at all where an argument is NULL that may not be; times in UTC."""
    call = function.call
    refused = [place for place, taken in enumerate(function.takes_null) if not taken]
    timed = "timestamp" in "".join(function.parameters)

    def guarded(*values: Any) -> Any:
        if any(values[place] is None for place in refused):
            return None
        if timed:
            # A worker hands over times in its own zone, without saying so.
            values = tuple(
                one.astimezone(datetime.UTC) if isinstance(one, datetime.datetime) else one for one in values
            )
        return call(*values)

    return guarded
