"""Lines of log groups, in CloudWatch Logs.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence

import msgspec

from penstock.adapters.aws.session import calling, client

# A line can arrive so much later than its time says: it is looked for again.
LATE_SECONDS = 60


class LogLine(msgspec.Struct, frozen=True):
    """One line of a log, with the time, the group and the stream that it is from."""

    at: float
    group: str
    stream: str
    message: str


class CloudWatchLogs:
    """Reads log groups."""

    def __init__(self, *, region: str | None = None) -> None:
        self._client = client("logs", region=region)

    def read(
        self, groups: Sequence[str], start: float, end: float | None = None, *, pattern: str = ""
    ) -> Iterator[LogLine]:
        """Yields the lines from ``start`` to before ``end``, of all groups together in order of time.

        Args:
            pattern: a filter pattern, such as ``ERROR`` or ``{ $.level = "error" }``.
                https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

        Raises:
            NotFoundError: there is no such group: a task that never ran may have none.
        """
        return (line for _, line in self._events(groups, start, end, pattern))

    def follow(
        self, groups: Sequence[str], start: float, wait: Callable[[], bool], *, pattern: str = ""
    ) -> Iterator[LogLine]:
        """Yields the lines from ``start`` on and each new one, once, until ``wait`` is False.

        Args:
            wait: comes back when it is time to look again; False to give up.

        Raises:
            NotFoundError: there is no such group.
        """
        seen: dict[str, float] = {}
        newest = start
        while True:
            for event, line in self._events(groups, max(start, newest - LATE_SECONDS), None, pattern):
                if event not in seen:
                    yield line
                seen[event] = line.at
                newest = max(newest, line.at)
            seen = {event: at for event, at in seen.items() if at >= newest - LATE_SECONDS}
            if not wait():
                return

    def _events(
        self, groups: Sequence[str], start: float, end: float | None, pattern: str
    ) -> Iterator[tuple[str, LogLine]]:
        found = [self._of_group(group, start, end, pattern) for group in groups]
        return heapq.merge(*found, key=lambda event: event[1].at)

    def _of_group(self, group: str, start: float, end: float | None, pattern: str) -> Iterator[tuple[str, LogLine]]:
        which: dict[str, object] = {"logGroupName": group, "startTime": math.ceil(start * 1000)}
        if end is not None:
            # The service takes the end in.
            which["endTime"] = math.ceil(end * 1000) - 1
        if pattern:
            which["filterPattern"] = pattern
        with calling(f"read log group {group}"):
            for page in self._client.get_paginator("filter_log_events").paginate(**which):
                for one in page["events"]:
                    line = LogLine(one["timestamp"] / 1000, group, one["logStreamName"], one["message"].rstrip("\n"))
                    # Emulators leave the id out.
                    yield one.get("eventId") or repr(line), line
