"""What a pipeline shows to people of a run: its own words, a page, and an example to begin with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

Summary = Callable[[Any, Any], str]
Report = Callable[[Any, Any], str]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is shown.

    Attributes:
        summary: from the main workflow's output, and a context that may read everything, to lines of plain text.
        report: from the same to one HTML page.
        example: a file for the inbox, to begin with.
        example_input: an input of the main workflow, where it takes no files.
    """

    summary: Summary | None = None
    report: Report | None = None
    example: Path | None = None
    example_input: Any = None
    place: str = ""
