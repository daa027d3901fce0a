"""The same definitions in ``penstock.states`` and in moto's Step Functions: where they differ is listed, with why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.differential.case import ASPECTS, Case, Outcome
from tests.differential.cases import CASES, GROUPS
from tests.differential.differences import DIFFERENCES, table
from tests.differential.here import outcome_here
from tests.differential.moto_executor import moto, outcomes_in_moto

DOCUMENT = Path(__file__).parents[2] / "docs/explanation/states-and-moto.md"
EXPECTED = {name: aspects for one in DIFFERENCES for name, aspects in one.cases.items()}


# An execution that moto cannot go on with ends its thread.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("group", GROUPS)
def test_same_outcomes_but_where_a_difference_is_listed(group: str) -> None:
    pytest.importorskip("moto")
    here = {case.name: outcome_here(case) for case in GROUPS[group]}
    with moto() as client:
        there = outcomes_in_moto(client, GROUPS[group])
    # Threads that parse at once disturb each other in CPython 3.11 (an AST's depth is counted for all of them), and
    # moto runs all cases in threads: what differs is asked again by itself.
    for case in [one for one in GROUPS[group] if _unexpected(one, here[one.name], there[one.name])]:
        with moto() as client:
            there |= outcomes_in_moto(client, [case])
    wrong = [_unexpected(case, here[case.name], there[case.name]) for case in GROUPS[group]]
    assert not any(wrong), "\n".join(filter(None, wrong))


def _unexpected(case: Case, here: Outcome, there: Outcome) -> str:
    """Returns what is to be said of a case that does not differ as listed."""
    differing = " ".join(aspect for aspect in ASPECTS if getattr(here, aspect) != getattr(there, aspect))
    listed = EXPECTED.get(case.name, "")
    if differing == listed:
        return ""
    return f"{case.name} differs in ({differing}), listed is ({listed})\n  here: {here}\n  moto: {there}"


def test_every_case_and_every_difference_is_of_one_name() -> None:
    names = Counter(case.name for case in CASES)
    assert max(names.values()) == 1
    assert len(EXPECTED) == sum(len(one.cases) for one in DIFFERENCES)
    assert not set(EXPECTED) - set(names)


def test_the_document_has_the_figures_and_the_table() -> None:
    text = DOCUMENT.read_text("utf-8")
    for what, count in (("definitions", len(CASES)), ("with the same outcome", len(CASES) - len(EXPECTED))):
        assert f"| {what} | {count} |" in text
    written = text.partition("<!-- differences -->\n")[2].partition("\n<!-- end -->")[0]
    assert written == table(), "python -m tests.differential.differences prints it"
