"""What a model sees of a lead. Each feature is said twice, for training in Python and for scoring in SQL."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from penstock.pipelines.leads.scoring import halving, literal, number

Kind = Literal["is", "log", "missing", "flag", "present", "fresh"]
Part = Literal["fit", "intent", "recency", "engagement"]
# Neither the status nor the notes: sales people write into them what has become of the lead.
CHOICES: Mapping[str, Part] = {
    "seniority": "fit", "department": "fit", "email_kind": "fit", "country_iso2": "fit", "industry": "fit",
    "source": "intent",
}  # fmt: skip
NUMBERS: Mapping[str, Part] = {
    "employees": "fit", "annual_revenue": "fit", "downloads": "intent", "visits": "engagement",
    "page_views": "engagement", "email_opens": "engagement", "email_clicks": "engagement",
    "events_attended": "engagement",
}  # fmt: skip
MAY_LACK = ("employees", "annual_revenue")
HALF_LIFE_DAYS = 30.0
# A value is a feature of its own where so many leads have it.
FEWEST_OF_A_VALUE = 20
MOST_VALUES = 20


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One number about a lead.

    Attributes:
        kind: ``is``: 1 where the column has the value; ``log``: the logarithm of 1 + the number, 0 where there is none;
            ``missing``: 1 where there is none; ``flag``: 1 where it is true; ``present``: 1 where there is a value;
            ``fresh``: 1 on the day, halving every 30 days before it.
    """

    kind: Kind
    column: str
    part: Part
    value: str = ""

    def of(self, lead: Mapping[str, Any], as_of: date) -> float:
        """Returns the feature of a lead, given by its columns."""
        given = lead.get(self.column)
        if self.kind == "is":
            return float(given == self.value)
        if self.kind == "log":
            return 0.0 if given is None else math.log1p(max(0.0, float(given)))
        if self.kind == "missing":
            return float(given is None)
        if self.kind == "flag":
            return float(bool(given))
        if self.kind == "present":
            return float(given is not None)
        return 0.0 if given is None else 0.5 ** (max(0, (as_of - _day(given)).days) / HALF_LIFE_DAYS)

    def sql(self, as_of: date) -> str:
        """Returns the same as an SQL expression over a lead's columns."""
        column = self.column
        if self.kind == "is":
            return f"(CASE WHEN {column} = {literal(self.value)} THEN 1.0 ELSE 0.0 END)"
        if self.kind == "log":
            return f"coalesce(ln(1 + greatest(CAST(0 AS DOUBLE), CAST({column} AS DOUBLE))), 0.0)"
        if self.kind in {"missing", "present"}:
            there = "IS NULL" if self.kind == "missing" else "IS NOT NULL"
            return f"(CASE WHEN {column} {there} THEN 1.0 ELSE 0.0 END)"
        if self.kind == "flag":
            return f"(CASE WHEN {column} THEN 1.0 ELSE 0.0 END)"
        return f"coalesce({halving(column, HALF_LIFE_DAYS, as_of)}, 0.0)"


def features_of(leads: Iterable[Mapping[str, Any]]) -> list[Feature]:
    """Returns the features that leads give rise to: of texts, the values that enough of them have."""
    counts: dict[str, Counter[str]] = {column: Counter() for column in CHOICES}
    for lead in leads:
        for column, counter in counts.items():
            if lead.get(column) is not None:
                counter[str(lead[column])] += 1
    found = []
    for column, part in CHOICES.items():
        common = sorted(counts[column].items(), key=lambda one: (-one[1], one[0]))[:MOST_VALUES]
        found += [
            Feature(kind="is", column=column, part=part, value=value)
            for value, count in common
            if count >= FEWEST_OF_A_VALUE
        ]
    for column, part in NUMBERS.items():
        found.append(Feature(kind="log", column=column, part=part))
        if column in MAY_LACK:
            found.append(Feature(kind="missing", column=column, part=part))
    found.append(Feature(kind="flag", column="demo_requested", part="intent"))
    found.append(Feature(kind="present", column="phone_e164", part="fit"))
    found.append(Feature(kind="fresh", column="last_activity_at", part="recency"))
    return found


def columns_of(features: Sequence[Feature]) -> list[str]:
    """Returns the columns that features look at, each once."""
    return list(dict.fromkeys(feature.column for feature in features))


def weighted_sql(features: Sequence[tuple[Feature, float]], as_of: date) -> str:
    """Returns the sum of features, each by its weight, as SQL."""
    return " + ".join(f"{number(weight)} * {feature.sql(as_of)}" for feature, weight in features)


def label(column: str) -> str:
    """Returns a column's name as people say it."""
    return column.removesuffix("_at").removesuffix("_iso2").removesuffix("_e164").replace("_", " ")


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
