"""What a pipeline shows to people of a run: its own words, a page, and an example to begin with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

Summary = Callable[[Any], str]
Report = Callable[[Any, Any], str]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is shown.

    Attributes:
        summary: from the main workflow's output to lines of plain text.
        report: from that output, and a context that may read everything, to one HTML page.
        example: a file for the inbox, to begin with.
    """

    summary: Summary | None = None
    report: Report | None = None
    example: Path | None = None
    place: str = ""
