"""A mistake that was found in a definition: what, where and how to mend it."""

from __future__ import annotations

import re
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


def by_place(finding: Finding) -> tuple[str, int, Finding]:
    """Sorts findings by file and line number."""
    file, _, rest = finding.where.partition(":")
    line = re.match(r"\d+", rest)
    return file, int(line[0]) if line else 0, finding


def report(findings: Iterable[Finding]) -> str:
    """Returns the findings as numbered lines, each with its mend below it."""
    lines = []
    for number, finding in enumerate(findings, start=1):
        lines.append(f"{number}. {finding.where}: {finding.message} [{finding.code}]")
        if finding.hint:
            lines.append(f"   → {finding.hint}")
    return "\n".join(lines)
