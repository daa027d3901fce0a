"""Names of rotated log files, as logrotate and the loggers of Python and Java make them."""

from __future__ import annotations

import re

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip")
_DATE_OR_NUMBER = re.compile(r"[.-]\d[\dT_.:-]*", re.ASCII)


def is_rotated(name: str, live: str) -> bool:
    """Tells whether a name is that of an older generation of a log file.

    ``app.log.1``, ``app.log-20260220``, ``app.log.2026-02-20`` and ``app-2026-02-20.1.log`` are of ``app.log``;
    compressed files are not told of.
    """
    if name == live or name.endswith(COMPRESSED):
        return False
    if name.startswith(live):
        return _DATE_OR_NUMBER.fullmatch(name, len(live)) is not None
    stem, dot, extension = live.rpartition(".")
    if not dot or not stem or not name.startswith(stem) or not name.endswith(dot + extension):
        return False
    return _DATE_OR_NUMBER.fullmatch(name, len(stem), len(name) - len(extension) - 1) is not None
