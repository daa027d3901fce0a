"""Names of rotated log files, as logrotate and the loggers of Python and Java make them."""

from __future__ import annotations

import re

# What can be unpacked.
PACKED = (".gz", ".bz2", ".xz", ".zst")
_DATE_OR_NUMBER = re.compile(r"[.-]\d[\dT_.:-]*", re.ASCII)


def is_packed(name: str) -> bool:
    """Tells whether a name is that of a compressed file that can be unpacked."""
    return name.endswith(PACKED)


def unpacked_name(name: str) -> str:
    """Returns the name that a compressed file had before; that of another file as it is."""
    return name.rpartition(".")[0] if is_packed(name) else name


def is_rotated(name: str, live: str) -> bool:
    """Tells whether a name is that of an older generation of a log file, which is not compressed.

    ``app.log.1``, ``app.log-20260220``, ``app.log.2026-02-20`` and ``app-2026-02-20.1.log`` are of ``app.log``.
    """
    if name == live:
        return False
    if name.startswith(live):
        return _DATE_OR_NUMBER.fullmatch(name, len(live)) is not None
    stem, dot, extension = live.rpartition(".")
    if not dot or not stem or not name.startswith(stem) or not name.endswith(dot + extension):
        return False
    return _DATE_OR_NUMBER.fullmatch(name, len(stem), len(name) - len(extension) - 1) is not None
