"""What a listed difference says."""

from __future__ import annotations

from dataclasses import dataclass

GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
SPEC = "https://states-language.net/spec.html"
WHOLE = "status output error events"
TAKEN = "status output events"


@dataclass(frozen=True)
class Difference:
    """What differs in some cases, and why.

    Attributes:
        cases: which aspects of an outcome differ, by the case's name; all of them do, and no others.
        right: penstock, moto, or open: AWS says neither.
        page: the guide's page, or the specification's section, that decides.
    """

    cases: dict[str, str]
    here: str
    moto: str
    right: str
    why: str
    page: str


def each(aspects: str, prefix: str, *names: str) -> dict[str, str]:
    """Returns cases of a group that differ in the same aspects."""
    return {f"{prefix}/{name}": aspects for name in names}
