"""How a map run's items stand, and whether too many of them failed.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_MapRunItemCounts.html and
https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from penstock.states import failures
from penstock.states.failures import StateFailedError

THRESHOLD_CAUSE = "The specified tolerated failure threshold was exceeded"
# The statuses in which an execution ends, and what counts them.
COUNTERS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timed_out", "ABORTED": "aborted"}


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many items, or child executions, stand where; by DescribeMapRun's names in Python's spelling."""

    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0
    results_written: int = 0

    @property
    def total(self) -> int:
        """All that are known of."""
        return self.pending + self.running + self.succeeded + self.failed + self.timed_out + self.aborted

    @property
    def unsuccessful(self) -> int:
        """Those that count against the tolerated failures: failed or timed out, but not aborted."""
        return self.failed + self.timed_out

    def begun(self, count: int) -> Counts:
        """Returns the counts after some were begun that were not counted before."""
        return msgspec.structs.replace(self, running=self.running + count)

    def ended(self, status: str, count: int) -> Counts:
        """Returns the counts after running ones ended."""
        name = COUNTERS[status]
        return msgspec.structs.replace(self, running=self.running - count, **{name: getattr(self, name) + count})

    def resumed(self, status: str, count: int) -> Counts:
        """Returns the counts after ones that had ended run again."""
        name = COUNTERS[status]
        return msgspec.structs.replace(self, running=self.running + count, **{name: getattr(self, name) - count})

    def to_dict(self) -> dict[str, int]:
        """Returns them as DescribeMapRun does."""
        return {
            "pending": self.pending, "running": self.running, "succeeded": self.succeeded, "failed": self.failed,
            "timedOut": self.timed_out, "aborted": self.aborted, "total": self.total,
            "resultsWritten": self.results_written,
        }  # fmt: skip


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """How many items may fail. Neither set: none. Both set: the run fails when either is exceeded.

    Attributes:
        count: ``ToleratedFailureCount``.
        percentage: ``ToleratedFailurePercentage``, of all items, from 0 to 100.
    """

    count: int | None = None
    percentage: float | None = None

    def is_exceeded(self, counts: Counts, *, total: int | None) -> bool:
        """Tells whether too many items failed.

        Args:
            counts: of items, not of batches.
            total: how many items there are; None while they are still being read, when a share of them cannot be told
                but for one of nothing.
        """
        failed = counts.unsuccessful
        if not failed:
            return False
        if self.count is None and self.percentage is None:
            return True
        if self.count is not None and failed > self.count:
            return True
        if self.percentage is None:
            return False
        if total is None:
            return self.percentage == 0
        return Fraction(failed * 100) > Fraction(self.percentage) * total


def threshold_exceeded() -> StateFailedError:
    """Returns the failure of a Map of which too many items failed."""
    return StateFailedError(failures.EXCEED_TOLERATED_FAILURE_THRESHOLD, THRESHOLD_CAUSE)
