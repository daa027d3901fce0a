"""Inboxes: where files of any kind arrive from outside, to be read whole by a task."""

from __future__ import annotations

import msgspec

from penstock.model.access import Grant, InboxAction, Kind


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """A place for files. What is in a file is for the task that reads it to say.

    Attributes:
        retain_seconds: when a file expires; None keeps it for ever.
    """

    name: str
    retain_seconds: int | None = None
    place: str = ""

    @property
    def read(self) -> Grant:
        return Grant(Kind.INBOX, self.name, InboxAction.READ)

    @property
    def list(self) -> Grant:
        return Grant(Kind.INBOX, self.name, InboxAction.LIST)
