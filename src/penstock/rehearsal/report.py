"""What a rehearsal found, for people and programs."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.rehearsal.drift import Drift
from penstock.rehearsal.figures import TaskFigures
from penstock.rehearsal.parity import Comparison
from penstock.rehearsal.probes import Refused
from penstock.rehearsal.proof import Proof

# What no emulator of today shows; only an account does.
NOT_COMPARED = (
    "functions run on this machine's Python and processor; in the emulator without Lambda's limits, which the run with"
    " moto applies",
    "alarms are evaluated by the emulator over one rolling window, without their dimensions and their rules for"
    " missing data",
    "metrics that functions write into their logs are carried to CloudWatch by the rehearsal: the emulator does not",
    "names of errors: the emulator calls every exception Runtime.HandlerError; compared are those of the functions'"
    " logs",
    "states inside of branches that are no tasks: the emulator's history has none of them",
    "mails are heard by a queue that subscribes to the topics; nothing is mailed",
    "the schedule's slot: the emulator leaves <aws.scheduler.scheduled-time> as it is, so that the compared"
    " executions are started with a slot of their own",
    "TLS-only policies, X-Ray traces, budgets and CloudTrail's records",
    "Athena's answers: the emulator's SQL is DuckDB's, as this machine's",
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step and how long it took."""

    name: str
    seconds: float
    result: str = ""


class Report(msgspec.Struct, kw_only=True):
    """What a rehearsal found.

    Attributes:
        comparisons: of the deployed release in the emulator with this machine.
        second_comparisons: of the functions under Lambda's own runtime client and limits, on moto, with this machine.
        tasks: what the functions needed there.
        schedule_fired: whether the deployed schedules started their workflows; None without schedules.
        refused: grants that the emulator's IAM did not honour, and what it allowed without one.
        leftovers: what was still there after destroy.
    """

    pipeline: str
    steps: list[Step] = []
    schedule_fired: bool | None = None
    comparisons: list[Comparison] = []
    second_comparisons: list[Comparison] = []
    tasks: list[TaskFigures] = []
    drift: list[Drift] = []
    refused: list[Refused] = []
    proof: Proof | None = None
    calls: int = 0
    leftovers: list[str] = []
    not_compared: tuple[str, ...] = NOT_COMPARED

    @property
    def failures(self) -> list[str]:
        """What a person must look at; empty when the rehearsal passed."""
        compared = [*self.comparisons, *self.second_comparisons]
        found = [f"{one.what}: {len(one.differences)} differ" for one in compared if not one.is_equal]
        found += [
            f"{one.address} would change again: {', '.join(one.attributes)}" for one in self.drift if not one.defect
        ]
        found += [f"{one.task}, {one.grant}: {one.reason}" for one in self.refused]
        if self.schedule_fired is False:
            found.append("no deployed schedule started its workflow")
        if self.proof is None:
            found.append("least privilege was not proven")
        else:
            found += [
                f"{one.call.role} was denied {one.call.action} on {one.call.resource}" for one in self.proof.denied
            ]
            found += [f"{one.role} may {one.action} on {one.resource}, and never needed it" for one in self.proof.spare]
            found += [f"{one.role} may {one.action} on {one.resource}, which is too broad" for one in self.proof.broad]
        return found + [f"destroy left {one}" for one in self.leftovers]


def document(report: Report) -> dict[str, Any]:
    """Returns a report as plain data, with the verdict."""
    return {"passed": not report.failures, "failures": report.failures, **msgspec.to_builtins(report)}
