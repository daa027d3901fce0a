"""Declaring what arrives from outside, and what people are shown of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from penstock.define.asking import Asking
from penstock.define.cadence import workflow_tasks
from penstock.define.places import caller_place
from penstock.define.units import whole_seconds
from penstock.errors import Finding
from penstock.model.access import InboxAction, Kind
from penstock.model.inboxes import Inbox
from penstock.model.pipeline import Definition
from penstock.model.showing import Report, Shown, Summary
from penstock.model.task import Task
from penstock.model.workflow import EventTrigger, ObjectTrigger


class Arriving(Asking):
    """The part of a pipeline that takes files of any kind, and tells people what became of them."""

    _shown: Shown = Shown()

    def inbox(self, name: str, *, retain: timedelta | None = None) -> Inbox:
        """Declares an inbox: files arrive by ``penstock run --input FILE``, in a folder, or as objects in AWS.

        Args:
            retain: when a file expires; never when absent.
        """
        return self._add("inboxes", Inbox(name=name, retain_seconds=whole_seconds(retain), place=caller_place()))

    def summary(self, function: Summary) -> Summary:
        """Says what ``penstock run`` prints at the end: ``function(output, context)`` returns lines of plain text.

        ``output`` is that of the execution that was started; all that followed from it is done. ``context`` is as of a
        task that may read everything of the pipeline and write nothing.
        """
        self._shown = msgspec.structs.replace(self._shown, summary=function, place=caller_place())
        return function

    def report(self, function: Report) -> Report:
        """Says what ``penstock run --report FILE`` writes: ``function(output, context)`` returns one HTML page.

        Both are as for ``summary``.
        """
        self._shown = msgspec.structs.replace(self._shown, report=function, place=caller_place())
        return function

    def example(self, given: Path | Mapping[str, Any]) -> None:
        """Gives what ``penstock run --example`` begins with: a file for the inbox, or an input of the main workflow."""
        changes = {"example": given} if isinstance(given, Path) else {"example_input": dict(given)}
        self._shown = msgspec.structs.replace(self._shown, **changes, place=caller_place())


def check(definition: Definition) -> list[Finding]:
    """Returns what is wrong with inboxes, with what they start and with what is shown."""
    return [*_inboxes(definition), *_triggers(definition), *_shown(definition)]


def _inboxes(definition: Definition) -> Iterator[Finding]:
    for inbox in definition.inboxes.values():
        if inbox.name in definition.lake_tables:
            yield Finding(inbox.place, "duplicate-name", f"inbox {inbox.name!r} is called as a lake table is; their "
                          "files arrive in one folder", "give the inbox another name")  # fmt: skip


def _triggers(definition: Definition) -> Iterator[Finding]:
    others: dict[str, ObjectTrigger | EventTrigger] = {**definition.triggers, **definition.event_triggers}
    for trigger in definition.inbox_triggers.values():
        if trigger.inbox not in definition.inboxes:
            yield Finding(trigger.place, "unknown-inbox", f"trigger {trigger.name!r} watches {trigger.inbox!r}",
                          "give an inbox of this pipeline")  # fmt: skip
        if trigger.workflow not in definition.workflows:
            yield Finding(trigger.place, "unknown-workflow", f"trigger {trigger.name!r} starts {trigger.workflow!r}",
                          "give a workflow of this pipeline")  # fmt: skip
            continue
        if trigger.name in others:
            yield Finding(trigger.place, "duplicate-name", f"trigger {trigger.name!r} is defined twice, first at "
                          f"{others[trigger.name].place}", "give one of them another name=")  # fmt: skip
        if not any(
            (grant.kind, grant.resource, grant.action) == (Kind.INBOX, trigger.inbox, InboxAction.READ)
            for task in _tasks(definition, trigger.workflow)
            for grant in task.grants
        ):
            yield Finding(trigger.place, "unread-inbox", f"files of {trigger.inbox!r} start {trigger.workflow!r}, none "
                          "of whose tasks may read them", f"add `{trigger.inbox}.read` to the may=[…] of one"
                          )  # fmt: skip


def _tasks(definition: Definition, workflow: str) -> list[Task]:
    try:
        return workflow_tasks(definition, workflow)
    except (ValueError, KeyError, AttributeError, TypeError):
        # A workflow that is no ASL document: the workflow check reports it.
        return []


def _shown(definition: Definition) -> Iterator[Finding]:
    shown = definition.shown
    if shown.example is not None and not definition.inbox_triggers:
        yield Finding(shown.place, "useless-example", "there is an example, and no inbox that it could arrive in",
                      "declare inbox(…), and on_object(…) with what its files start")  # fmt: skip
