"""What a rehearsal found, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.rehearsal.drift import Drift
from penstock.rehearsal.figures import TaskFigures
from penstock.rehearsal.parity import Comparison
from penstock.rehearsal.probes import Refused
from penstock.rehearsal.proof import Proof
from penstock.rehearsal.steps import Step

# What no emulator of today shows; only an account does.
NOT_COMPARED = (
    "the processor and the Python of Lambda: functions run on this machine's. Limits of memory, time and payload are"
    " those of the run with moto",
    "alarms with rules that the emulator lacks: it looks at one rolling window, mixes dimensions and knows nothing of"
    " missing data. Those are named above as left out",
    "CloudWatch taking metrics out of functions' logs: the emulator does not, so the rehearsal carries them over",
    "names of errors that Step Functions tells: the emulator says Runtime.HandlerError of all. Compared are those in"
    " the functions' logs",
    "states inside branches that call no function, and items of distributed Maps: the emulator's histories leave them"
    " out",
    "how services answer workflows: the emulator tells less than AWS. Compared is what the calls did. Reading and"
    " writing objects it does not have at all: the rehearsal adds them",
    "what Step Functions does among itself: rules for the ends of executions, redrives, results in parts",
    "mail: a queue hears the topics, and nothing is sent",
    "the slot that a schedule passes on: the emulator leaves <aws.scheduler.scheduled-time> as it is. Compared"
    " executions are started with a slot of their own",
    "networks, and what RDS and Glue do themselves: databases are PostgreSQL on this machine, and Spark is one process"
    " here; security groups and endpoints are made, and nothing enforces them",
    "TLS-only policies, X-Ray's traces, budgets, and what CloudTrail records",
    "Athena's answers: the emulator asks DuckDB, as this machine does",
    "edits of yours in a deploy folder: the rehearsal synthesizes anew",
)


class Report(msgspec.Struct, kw_only=True):
    """What a rehearsal found.

    Attributes:
        comparisons: of the deployed release in the emulator with this machine.
        second_comparisons: of the functions under Lambda's own runtime client and limits, on moto, with this machine.
        tasks: what the functions needed there.
        schedule_fired: whether the deployed schedules started their workflows; None without schedules.
        refused: grants that the emulator's IAM did not honour, and what it allowed without one.
        used, tried: how many grants were used, and how many things not granted were tried, each in a task's name.
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
    used: int = 0
    tried: int = 0
    proof: Proof | None = None
    calls: int = 0
    leftovers: list[str] = []
    not_compared: tuple[str, ...] = NOT_COMPARED

    @property
    def failures(self) -> list[str]:
        """What a person must look at; empty when the rehearsal passed."""
        found = _of_comparisons("in the emulator", self.comparisons)
        found += _of_comparisons("as Lambda functions", self.second_comparisons)
        if not self.comparisons:
            found.append("nothing was compared with this machine")
        if self.schedule_fired is False:
            found.append("a deployed schedule did not start its workflow")
        found += [f"{one.task}, {one.grant}: {one.reason}" for one in self.refused]
        found += ["least privilege was not proven"] if self.proof is None else _of_proof(self.proof)
        found += [
            f"{one.address} would change again in a second plan: {', '.join(one.attributes)}"
            for one in self.drift
            if not one.defect
        ]
        return found + [f"destroy left {one}" for one in self.leftovers]


def _of_comparisons(where: str, comparisons: Sequence[Comparison]) -> list[str]:
    return [
        f"{one.what}: {_counted(len(one.differences), 'difference')} {where}, the first: {one.differences[0]}"
        for one in comparisons
        if not one.is_equal
    ]


def _of_proof(proof: Proof) -> list[str]:
    found = [
        f"{one.call.role} was denied {one.call.action} on {one.call.resource}"
        f"{'' if one.times == 1 else f', {one.times} times'}: grant it in may=[…], or do without"
        for one in proof.denied
    ]
    found += [
        f"{one.role} may {one.action} on {one.resource}, and no call needed it: give the rehearsal an input that"
        " reaches it, or take the grant away"
        for one in proof.spare
    ]
    return found + [
        f"{one.role} may {one.action} on {one.resource}, which is more than can be rehearsed: name each action"
        for one in proof.broad
    ]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def document(report: Report) -> dict[str, Any]:
    """Returns a report as plain data, with the verdict."""
    return {"passed": not report.failures, "failures": report.failures, **msgspec.to_builtins(report)}
