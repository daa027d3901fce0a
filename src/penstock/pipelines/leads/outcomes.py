"""Leads whose outcome is known: from the warehouse, and from a file that says who bought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from penstock.errors import UsageError
from penstock.pipelines.leads.features import CHOICES, NUMBERS
from penstock.pipelines.leads.reading import read
from penstock.pipelines.leads.training import Example

COLUMNS = (*CHOICES, *NUMBERS, "demo_requested", "phone_e164", "last_activity_at")
YES = frozenset({"yes", "y", "true", "t", "1", "won", "bought", "converted", "customer", "closed won"})
NO = frozenset({"no", "n", "false", "f", "0", "lost", "not bought", "closed lost"})


def examples_of(warehouse: Any, file: Path | None = None) -> list[Example]:
    """Returns the leads of the warehouse whose outcome is known, each as of the run that wrote it last.

    Args:
        warehouse: the handle of the warehouse.
        file: says of e-mail addresses whether they bought; it counts for more than the warehouse.

    Raises:
        UsageError: the file cannot be read, or says an outcome that is none.
    """
    given = {} if file is None else dict(_given(file))
    where = "" if given else "WHERE l.outcome IS NOT NULL"
    found = warehouse.query(
        f"SELECT l.lead_id, l.email, l.outcome, {', '.join(f'l.{one}' for one in COLUMNS)}, r.as_of, s.score "
        "FROM leads l JOIN pipeline_runs r ON r.run_id = l.run_id "
        "LEFT JOIN lead_scores s ON s.lead_id = l.lead_id AND s.run_id = l.run_id "
        f"AND SUBSTR(s.scorer, 1, 6) = 'rules@' {where}"
    )
    return [one for one in (_example(row, given) for row in found.records()) if one is not None]


def last_day(examples: list[Example]) -> date:
    """Returns the last day whose leads are among examples."""
    if not examples:
        raise UsageError("no lead's outcome is known", hint="give a file with email and outcome by --outcomes FILE")
    return max(one.as_of for one in examples)


def _example(row: Mapping[str, Any], given: Mapping[str, bool]) -> Example | None:
    bought = given.get(str(row["email"]), row["outcome"])
    if bought is None:
        return None
    score = None if row["score"] is None else float(row["score"])
    return Example(row, row["as_of"], bool(bought), score)


def _given(file: Path) -> Iterator[tuple[str, bool]]:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", hint="give a file that you may read") from error
    with stream:
        for batch in read(stream, file.name):
            for one in batch.records:
                if one.email and one.outcome:
                    yield one.email.strip().lower(), _outcome(one.outcome, file, one.line)


def _outcome(text: str, file: Path, line: int) -> bool:
    said = " ".join(text.strip().lower().replace("_", " ").replace("-", " ").split())
    if said in YES:
        return True
    if said in NO:
        return False
    raise UsageError(f"{file}, record {line}: {text[:40]!r} is no outcome", hint="say yes or no, won or lost, 1 or 0")
