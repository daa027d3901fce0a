"""Ending what takes too long, or what the person at the terminal gave up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from penstock.adapters.local.query_errors import too_long

if TYPE_CHECKING:
    import duckdb

INTERRUPT_EVERY_SECONDS = 0.05
Work = TypeVar("Work")


def within(
    seconds: float, allowed_seconds: float, connection: duckdb.DuckDBPyConnection, work: Callable[[], Work]
) -> Work:
    """Returns the outcome of work with a connection, which ends at the latest when the time is over.

    It goes on in a thread of its own, since DuckDB looks for Ctrl-C at some moments only; this one can wait for both.

    Args:
        seconds: how many are left.
        allowed_seconds: how many there were, for the error.
    """
    outcome: Future[Work] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="query", daemon=True)
    thread.start()
    try:
        if wait([outcome], timeout=max(seconds, 0.0)).not_done:
            raise too_long(allowed_seconds)
        return outcome.result()
    finally:
        while thread.is_alive():
            # Again until it gives up: an interrupt between two statements is lost.
            if not outcome.done():
                connection.interrupt()
            thread.join(INTERRUPT_EVERY_SECONDS)
