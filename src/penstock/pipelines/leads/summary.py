"""A run in the words of the people who sell: how many, how good, why the rest was left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock.pipelines.leads.records import REASONS

GRADE_WORDS = {"A": "call today", "B": "call this week", "C": "keep warm", "D": "leave to the newsletter"}
BAR_CHARACTERS = 24


def summary(output: Any) -> str:
    """Returns what a run's output says to people, as lines of text."""
    runs = output.get("runs", []) if isinstance(output, dict) else []
    if not runs:
        return "No new file in the inbox: nothing was to be done."
    return "\n\n".join("\n".join(_lines(run)) for run in runs)


def _lines(run: dict[str, Any]) -> Iterator[str]:
    read, stored = run["read"], run["stored"]
    yield f"{run['input']}: {read:,} record{'' if read == 1 else 's'}, {stored:,} lead{'' if stored == 1 else 's'}"
    if run["repeated"]:
        yield "This file was processed before, by the same rules: nothing has changed."
    yield from _quality(run)
    if run["merged"]:
        yield f"  {run['merged']:,} more named somebody who was in the file already, and were merged."
    yield from _rejects(run)
    for anomaly in run["anomalies"]:
        yield f"  Unusual: {anomaly}."
    yield f"  Scored by {scorer_words(run['scorer'])}, as of {run['as_of']}; run {run['run_id']}"
    if run["grades"].get("A"):
        by = " --model" if run["scorer"].startswith("model@") else ""
        yield f"  Whom to call today: penstock leads export today.csv --grade A{by}"


def scorer_words(scorer: str) -> str:
    """Returns who scored, as people read it: ``rules@72882d79`` are the rules, version 72882d79."""
    kind, _, version = scorer.partition("@")
    return f"the {kind}, version {version}"


def because(reasons: str, most: int = 3) -> str:
    """Returns the weightiest reasons of a score as people read them."""
    return "; ".join(f"{one['because']} ({one['points']:+.3g})" for one in json.loads(reasons)[:most])


def _quality(run: dict[str, Any]) -> Iterator[str]:
    stored = run["stored"]
    if not stored:
        return
    yield f"  Average score {run['average_score']:.1f} of 100"
    for grade, count in run["grades"].items():
        bar = "█" * round(BAR_CHARACTERS * count / stored)
        yield f"  {grade}  {count:>9,}  {count / stored:>6.1%}  {bar:<{BAR_CHARACTERS}}  {GRADE_WORDS[grade]}"


def _rejects(run: dict[str, Any]) -> Iterator[str]:
    if not run["rejected"]:
        return
    yield f"  {run['rejected']:,} could not be used ({run['reject_rate']:.1f} %):"
    for reason, count in run["reasons"].items():
        yield f"    {count:>9,}  {REASONS.get(reason, reason)}"
