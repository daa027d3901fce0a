"""What a pipeline is rehearsed with before it is deployed."""

from __future__ import annotations

from typing import Any

import msgspec


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What is played in a rehearsal.

    Attributes:
        inputs: of workflows, by name; one execution each, one after the other. ``""`` is the main workflow.
        files: by lake table or inbox, the content of a file that arrives in it.
        place: where the definition says so.
    """

    inputs: dict[str, tuple[dict[str, Any], ...]] = {}
    files: dict[str, bytes] = {}
    place: str = ""
