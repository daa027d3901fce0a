"""The page about cleaning leads names every column, reason, issue and kind of merge that there is."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.pipelines.leads.columns import ALIASES, FIELDS_LIMIT
from penstock.pipelines.leads.duplicates_sql import ISSUES, steps
from penstock.pipelines.leads.records import REASONS
from penstock.pipelines.leads.records_sql import LONG_TEXT_LIMIT, TEXT_LIMIT

PAGE = (Path(__file__).parents[2] / "docs/reference/leads-cleaning.md").read_text("utf-8")
NAMED = set(re.findall(r"`([a-z_]+)`", PAGE))


def test_every_name_is_there() -> None:
    merges = set(re.findall(r"'((?:same|similar|mistyped)_[a-z_]+)'", " ".join(steps().values())))
    assert len(merges) == 6
    assert (set(ALIASES) | set(ISSUES) | set(REASONS) | merges) - NAMED == set()


def test_the_limits_are_those_of_the_code() -> None:
    for limit in (FIELDS_LIMIT, LONG_TEXT_LIMIT, TEXT_LIMIT):
        assert f"{limit:,}" in PAGE
