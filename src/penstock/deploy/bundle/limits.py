"""Lambda's limits on what a function brings along.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import math

from penstock.deploy.bundle.archive import Archive
from penstock.errors import UsageError

MEGABYTE = 1024 * 1024
UPLOAD_BYTES = 50 * MEGABYTE
UNZIPPED_BYTES = 250 * MEGABYTE


def check_upload(what: str, archive: Archive) -> None:
    """Checks that a zip can be uploaded directly.

    Raises:
        UsageError: it is larger than 50 MB.
    """
    if archive.zipped_bytes > UPLOAD_BYTES:
        raise UsageError(
            f"{what} is a zip of {archive.zipped_bytes / MEGABYTE:.1f} MB; Lambda takes {UPLOAD_BYTES // MEGABYTE}",
            hint="import fewer or smaller libraries, or put large data into a lake table",
        )


def check_unzipped(task: str, total_bytes: int, parts: dict[str, int]) -> None:
    """Checks that a function and its layers fit.

    Args:
        parts: what is in them, with its size in bytes.

    Raises:
        UsageError: they are not smaller than 250 MB.
    """
    if total_bytes >= UNZIPPED_BYTES:
        largest = sorted(parts, key=lambda name: (-parts[name], name))[:3]
        named = ", ".join(f"{name} {parts[name] / MEGABYTE:.0f} MB" for name in largest)
        raise UsageError(
            f"task {task!r} is {total_bytes / MEGABYTE:.0f} MB with its layers; Lambda takes "
            f"{UNZIPPED_BYTES // MEGABYTE}. The largest: {named}",
            hint="import less, or split the task",
        )


def check_memory(task: str, memory_mb: int, peak_mb: float) -> None:
    """Checks that a function can start in the memory that it is given.

    Raises:
        UsageError: its start alone takes more.
    """
    if peak_mb > memory_mb:
        raise UsageError(
            f"task {task!r} takes {peak_mb:.0f} MB to start, and has {memory_mb} MB",
            hint=f"give it memory={max(128, math.ceil(peak_mb * 1.5 / 64) * 64)}, or import less at the top",
        )
