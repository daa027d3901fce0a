"""What the doctor says: a rule that was broken, where, and the mend."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from penstock.deploy.doctor.plan import Plan


class Severity(enum.StrEnum):
    """How bad it is: data or secrets are at stake, it will not do what it is for, or it costs more than it has to."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_ORDER = {severity: place for place, severity in enumerate(Severity)}


class Fault(msgspec.Struct, frozen=True):
    """What one rule found.

    Attributes:
        address: of the resource in Terraform, or of a variable: ``var.name``.
        message: what is wrong; never the value of a secret.
        hint: the mend, if it can be said better than by the rule's own.
    """

    address: str
    message: str
    hint: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the doctor looks for.

    Attributes:
        code: stable, in kebab case; it is what users silence.
        what: the fault in a few words.
        why: what comes of it.
        mend: what to write instead.
        page: where AWS says so.
        check: yields every fault of a plan; a pure function.
    """

    code: str
    severity: Severity
    what: str
    why: str
    mend: str
    page: str
    check: Callable[[Plan], Iterator[Fault]]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One broken rule at one resource.

    Attributes:
        code: the rule's.
        address: of the resource in Terraform, or of a variable: ``var.name``.
        message: what is wrong; never the value of a secret.
        hint: what to write instead.
        page: where AWS says so.
    """

    severity: Severity
    code: str
    address: str
    message: str
    hint: str
    page: str


def by_severity(finding: Finding) -> tuple[int, str, str, str]:
    """Sorts findings: the worst first, then by resource."""
    return _ORDER[finding.severity], finding.address, finding.code, finding.message


def report(findings: Iterable[Finding]) -> str:
    """Returns the findings as numbered lines, each with its mend below it."""
    lines = []
    for number, one in enumerate(findings, start=1):
        lines.append(f"{number}. {one.severity}: {one.address}: {one.message} [{one.code}]")
        lines.append(f"   → {one.hint}")
    return "\n".join(lines)
