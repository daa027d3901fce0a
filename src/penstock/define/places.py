"""Where in the user's file a thing was defined."""

from __future__ import annotations

import os
import sys


def caller_place() -> str:
    """Returns ``file:line`` of the nearest caller outside this package, relative to the working folder if below it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("penstock.define"):
        frame = frame.f_back
    return f"{shown_path(frame.f_code.co_filename)}:{frame.f_lineno}"


def shown_path(filename: str) -> str:
    """Returns the path as a person would type it."""
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative
