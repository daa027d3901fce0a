"""Scores as SQL: a scorer is a sum of terms, each with its points and what is told of it to people.

Whoever scores, rules or a model, a lead's terms become one row of ``lead_scores``. The SQL is DuckDB's, made anew for
each run from what the user has written; every text of theirs goes into it as a quoted literal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from penstock.pipelines.leads.rules import GRADES, PARTS, Rule, Rules, kind_of

ACTIVITY = "last_activity_at"
REASONS_KEPT = 5
TERMS_LIMIT = 1000


class Term(msgspec.Struct, frozen=True):
    """What one rule, or one feature of a model, adds to a score.

    Attributes:
        points: an SQL expression over a lead's columns: a number, never null.
        because: an SQL expression: text, null where there is nothing to tell.
    """

    name: str
    part: str
    points: str
    because: str


class Scale(msgspec.Struct, frozen=True):
    """From a lead's parts, and their sum before any limit, to its score, grade and probability, as SQL.

    Attributes:
        points: how a term's points are kept; ``{}`` stands for them.
        hundredths: how they are told; ``{}`` stands for what is kept.
    """

    limits: Mapping[str, float] | None
    score: str
    grade_of: str
    grades: Mapping[str, float]
    probability: str = "CAST(NULL AS DOUBLE)"
    points: str = "CAST({} AS DECIMAL(9, 2))"
    hundredths: str = "{}"


def rules_steps(rules: Rules, *, run_id: str, as_of: date) -> dict[str, str]:
    """Returns the steps that score the rows of the step ``lead`` by rules; the last of them has the scores."""
    terms = [rule_term(rule, as_of) for rule in rules.rules]
    scale = Scale(
        limits={part: share.max for part, share in rules.parts.items()},
        score=f"round({' + '.join(PARTS)})",
        grade_of="score",
        grades=dict(rules.grades.items()),
    )
    return steps("rules", terms, scale, scorer=f"rules@{rules.digest}", run_id=run_id, as_of=as_of)


def steps(prefix: str, terms: Sequence[Term], scale: Scale, *, scorer: str, run_id: str, as_of: date) -> dict[str, str]:
    """Returns three steps: the points of each term, the parts that they add up to, and the rows of ``lead_scores``."""
    numbered = list(enumerate(terms))
    points = ", ".join(f"{scale.points.format(term.points)} AS p{n}" for n, term in numbered)
    parts = ", ".join(f"{_part(part, numbered, scale)} AS {part}" for part in PARTS)
    total = " + ".join(f"p{n}" for n, _ in numbered)
    shares = ", ".join(f"CAST({part} AS DOUBLE) AS {part}" for part in PARTS)
    return {
        f"{prefix}_points": f"SELECT *, {points} FROM lead",
        f"{prefix}_parts": f"SELECT *, {parts}, {total} AS total, {_weightiest(numbered)} AS w FROM {prefix}_points",
        f"{prefix}_score": (
            f"SELECT lead_id, {literal(run_id)} AS run_id, {literal(scorer)} AS scorer, {_day(as_of)} AS as_of, "
            f"score, {_grade(scale)} AS grade, {shares}, {_reasons(numbered, scale)} AS reasons, probability "
            f"FROM (SELECT *, CAST({scale.score} AS BIGINT) AS score, {_places()} "
            f"FROM (SELECT *, {scale.probability} AS probability FROM {prefix}_parts))"
        ),
    }


def _weightiest(numbered: Sequence[tuple[int, Term]]) -> str:
    """Returns the weightiest terms, the first of them first, as whole numbers: the weight in hundredths, and the term.

    Of terms of one weight the first is the first. Whole numbers are compared many times faster than texts.
    """
    codes = ", ".join(
        f"CAST(round(abs(p{n}) * 100) AS BIGINT) * {TERMS_LIMIT} + {TERMS_LIMIT - 1 - n}" for n, _ in numbered
    )
    return f"list_aggregate([{codes}], 'max', {REASONS_KEPT})"


def _places() -> str:
    """Returns the terms that are told, by their numbers; null where no further one counts."""
    return ", ".join(
        f"CASE WHEN w[{place}] >= {TERMS_LIMIT} THEN {TERMS_LIMIT - 1} - w[{place}] % {TERMS_LIMIT} END AS t{place}"
        for place in range(1, REASONS_KEPT + 1)
    )


def _reasons(numbered: Sequence[tuple[int, Term]], scale: Scale) -> str:
    """Returns the weightiest terms as a JSON array. Each is made only where it is told: texts are what takes time."""
    told = " ".join(
        f"""WHEN {n} THEN concat('{{"rule":"{term.name}","points":', {scale.hundredths.format(f"p{n}")}, """
        f"""',"because":', to_json(coalesce({term.because}, {literal(term.name)})), '}}')"""
        for n, term in numbered
    )
    places = ", ".join(f"CASE t{place} {told} END" for place in range(1, REASONS_KEPT + 1))
    return f"concat('[', concat_ws(',', {places}), ']')"


def _part(part: str, numbered: Sequence[tuple[int, Term]], scale: Scale) -> str:
    total = " + ".join(f"p{n}" for n, term in numbered if term.part == part) or "0.0"
    if scale.limits is None:
        return f"round({total}, 2)"
    return f"least({scale.limits[part]!r}, greatest(0.0, round({total}, 2)))"


def _grade(scale: Scale) -> str:
    cases = " ".join(f"WHEN {scale.grade_of} >= {float(scale.grades[grade])!r} THEN '{grade}'" for grade in GRADES)
    return f"CASE {cases} ELSE 'D' END"


# -- rules ------------------------------------------------------------------------------------------------------------


def rule_term(rule: Rule, as_of: date) -> Term:
    """Returns a rule as SQL."""
    points = _points(rule, as_of)
    if rule.fades is not None:
        points = f"({points}) * coalesce({halving(ACTIVITY, rule.fades, as_of)}, 1.0)"
    return Term(rule.name, rule.part, f"coalesce({points}, 0.0)", _because(rule))


def _points(rule: Rule, as_of: date) -> str:
    column = rule.column
    if rule.values is not None:
        cases = " ".join(f"WHEN {literal(value)} THEN {number(points)}" for value, points in rule.values.items())
        chosen = f"CASE CAST({column} AS VARCHAR) {cases} ELSE {number(rule.otherwise)} END"
        return f"CASE WHEN {column} IS NULL THEN {number(rule.missing)} ELSE {chosen} END"
    if rule.ranges is not None:
        # The last that begins at or below the number.
        cases = " ".join(f"WHEN {column} >= {number(one.start)} THEN {number(one.points)}" for one in rule.ranges[::-1])
        return f"CASE WHEN {column} IS NULL THEN {number(rule.missing)} {cases} ELSE 0.0 END"
    if rule.each is not None:
        counted = f"{number(rule.each)} * {column}"
        cap = number(rule.cap or 0.0)
        limited = f"least({cap}, {counted})" if rule.each >= 0 else f"greatest(-{cap}, {counted})"
        return f"CASE WHEN {column} IS NOT NULL THEN {limited} END"
    if rule.words is not None:
        return (
            f"CASE WHEN regexp_matches(lower({column}), {literal(pattern(rule.words))}) THEN {number(rule.points)} END"
        )
    if rule.present is not None:
        return f"CASE WHEN {column} IS NOT NULL THEN {number(rule.present)} END"
    return f"{number(rule.fresh or 0.0)} * ({halving(column, rule.half_life_days or 1.0, as_of)})"


def halving(column: str, half_life_days: float, as_of: date) -> str:
    """Returns what halves with each span of days since a time, as SQL: 1 on the day itself and after it, null for none.

    The greatest of a number and of null is the number.
    """
    days = f"greatest(0, date_diff('day', CAST({column} AS DATE), {_day(as_of)}))"
    return f"CASE WHEN {column} IS NOT NULL THEN pow(0.5, {days} / {number(half_life_days)}) END"


def pattern(words: Sequence[str]) -> str:
    """Returns a regular expression, in the syntax of RE2, of one of the words, whole."""
    # What both libraries take as it is needs no backslash, and RE2 refuses one before a letter that it does not know.
    escaped = "|".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", word.strip().lower()) for word in words)
    return rf"(^|[^\pL\pN])({escaped})([^\pL\pN]|$)"


def _because(rule: Rule) -> str:
    if "{value}" not in rule.because:
        return literal(rule.because)
    before, _, after = rule.because.partition("{value}")
    value = shown(rule.column)
    return f"{literal(before)} || {value} || {literal(after.replace('{value}', ''))}"


def shown(column: str) -> str:
    """Returns a column as people read it, as SQL."""
    kind = kind_of(column)
    if kind == "time":
        return f"strftime({column}, '%Y-%m-%d')"
    if kind == "number":
        return f"format('{{:,}}', CAST({column} AS BIGINT))"
    if kind == "flag":
        return f"CAST({column} AS VARCHAR)"
    return f"substr(replace({column}, '_', ' '), 1, 80)"


# -- SQL --------------------------------------------------------------------------------------------------------------


def literal(text: str) -> str:
    """Returns text as a literal of SQL."""
    return "'" + text.replace("\x00", "").replace("'", "''") + "'"


def number(value: float) -> str:
    """Returns a number as a literal of SQL that is a double."""
    return f"CAST({value!r} AS DOUBLE)"


def _day(day: date) -> str:
    return f"DATE '{day.isoformat()}'"
