"""What a drill found, for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.rehearsal.parity import Comparison
from penstock.rehearsal.steps import Step

# What no emulator shows; only an account does.
NOT_SHOWN = (
    "times are those of an emulator on this machine: AWS takes longer to make a table or a function, and runs more"
    " executions at once",
    "restores of tables from point-in-time backups, which take AWS minutes to hours",
    "how far replication lags behind: the emulator copies at once, S3 mostly within 15 minutes",
    "deletion protection of tables and the policies that keep people from deleting: the drill switches the former off",
)


class Recovery(msgspec.Struct, kw_only=True):
    """One loss, and how it was made good.

    Attributes:
        way: the commands that bring it back in an account.
        steps: what was done, with its time.
        seconds: from the loss until everything was as before.
        comparisons: what was there before, with what is there after.
        not_drilled: why this was left out; empty when it was done.
    """

    loss: str
    way: str = ""
    steps: list[Step] = []
    seconds: float = 0.0
    comparisons: list[Comparison] = []
    not_drilled: str = ""


class DrillReport(msgspec.Struct, kw_only=True):
    """What a drill found."""

    pipeline: str
    steps: list[Step] = []
    recoveries: list[Recovery] = []
    not_shown: tuple[str, ...] = NOT_SHOWN

    @property
    def failures(self) -> list[str]:
        """What is not as it was before; empty when everything came back."""
        return [
            f"{recovery.loss}: {one.what}: {len(one.differences)} differ"
            for recovery in self.recoveries
            for one in recovery.comparisons
            if not one.is_equal
        ]


def same(what: str, before: Iterable[str], after: Iterable[str]) -> Comparison:
    """Returns what was there before, compared with what is there after; a thing may be there several times."""
    old, new = Counter(before), Counter(after)
    differences = [f"lost: {one}" for one in sorted((old - new).elements())]
    differences += [f"not there before: {one}" for one in sorted((new - old).elements())]
    return Comparison(what=what, compared=old.total(), differences=differences)


def document(report: DrillReport) -> dict[str, Any]:
    """Returns a report as plain data, with the verdict."""
    return {"passed": not report.failures, "failures": report.failures, **msgspec.to_builtins(report)}
