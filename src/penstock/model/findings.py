"""A mistake that was found in a definition: what, where and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Finding(msgspec.Struct, frozen=True, order=True):
    """One mistake.

    Attributes:
        where: the place, as ``file:line`` or as a JSON path.
        code: a stable word for the rule that was broken.
        message: what is wrong.
        hint: what to write instead.
    """

    where: str
    code: str
    message: str
    hint: str = ""


def report(findings: Iterable[Finding]) -> str:
    """Returns the findings as numbered lines, each with its mend below it."""
    lines = []
    for number, finding in enumerate(findings, start=1):
        lines.append(f"{number}. {finding.where}: {finding.message} [{finding.code}]")
        if finding.hint:
            lines.append(f"   → {finding.hint}")
    return "\n".join(lines)
