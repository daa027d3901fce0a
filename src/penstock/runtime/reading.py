"""Looking at a pipeline's data from outside a task: everything can be read, nothing can be written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from penstock.model.access import Grant, HotAction, InboxAction, Kind, LakeAction
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.ports.invoke import Call
from penstock.runtime.context import Context, Ports

# Of what is read at leisure, nothing is to be killed.
LONGEST_SECONDS = 86_400.0
MEMORY_MB = 3008


def reading_context(
    definition: Definition, ports: Ports, *, execution: str = "", more: tuple[Grant, ...] = ()
) -> Context:
    """Returns a context as of a task that may read everything of a pipeline.

    Args:
        execution: the one that is looked at.
        more: what else it may do.
    """
    task = Task(
        name="reader",
        handler=_no_handler,
        memory_mb=MEMORY_MB,
        timeout_seconds=LONGEST_SECONDS,
        grants=(*_reads(definition), *more),
    )
    now = ports.clock.now()
    call = Call(
        token=f"reader/{execution}",
        key=f"reader/{execution}",
        execution=execution,
        pipeline=definition.name,
        task=task.name,
        state=task.name,
        event=msgspec.json.encode(None),
        started_at=now,
        slot=None,
        attempt=0,
        timeout_seconds=LONGEST_SECONDS,
    )
    return Context(definition, task, call, ports)


def _reads(definition: Definition) -> Iterator[Grant]:
    for table in definition.lake_tables.values():
        yield Grant(Kind.LAKE, table.name, LakeAction.READ)
    for hot_table in definition.hot_tables.values():
        yield from (Grant(Kind.HOT_TABLE, hot_table.name, action) for action in (HotAction.GET, HotAction.QUERY))
    for warehouse in definition.warehouses.values():
        yield warehouse.read
    for inbox in definition.inboxes.values():
        yield from (Grant(Kind.INBOX, inbox.name, action) for action in InboxAction)


def _no_handler(event: Any, context: Any) -> None:
    """Nobody calls a reader."""
