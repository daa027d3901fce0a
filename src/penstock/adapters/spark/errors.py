"""What Spark says of a transformation → errors that say what to do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from penstock.errors import QueryError

MESSAGE_LIMIT = 2000
_RAISED = re.compile(r"^(\w+(?:\.\w+)*(?:Error|Exception)): (.*)$", re.MULTILINE)
_REASON = re.compile(r"(?:^|: )\[([A-Z_.]+)\] (.*)")


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raises the engine's errors as ours.

    Args:
        what: the transformation and the part of it that failed.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        raise _error(str(error), type(error).__name__, what) from error


def _error(text: str, kind: str, what: str) -> QueryError:
    if "PythonException" in kind or "api.python.PythonException" in text:
        raised = _RAISED.findall(text)
        reason = f"{raised[-1][0]}: {raised[-1][1]}" if raised else text.splitlines()[0]
        return QueryError(
            f"{what}: a function failed: {reason[:MESSAGE_LIMIT]}",
            hint="let the function return None for what it cannot take",
        )
    found = _REASON.search(text)
    reason = found[2] if found else text.partition("\n")[0]
    return QueryError(f"{what}: {reason[:MESSAGE_LIMIT]}", hint="check the step's SQL; it is translated from DuckDB's")
