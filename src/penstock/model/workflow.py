"""Workflows: a state machine in Amazon States Language, and what starts it."""

from __future__ import annotations

import hashlib

import msgspec


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A state machine. ``definition`` is its Amazon States Language document, byte for byte as it is deployed."""

    name: str
    definition: bytes
    place: str = ""

    @property
    def version(self) -> str:
        """The definition's SHA-256: executions finish under the version that they were started with."""
        return hashlib.sha256(self.definition).hexdigest()


class ObjectTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """Starts a workflow for each object that is created in a lake table's raw zone, at least once."""

    name: str
    table: str
    workflow: str
    place: str = ""
