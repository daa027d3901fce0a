"""The rest of the script: scores by the same rules with pandas, and ``to_sql`` with SQLAlchemy."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy
from bench.peers.leads_pandas import clean

from penstock.pipelines.leads.rules import PARTS, Rule, Rules, shipped_rules

# What the script calls otherwise.
COLUMNS = {"phone_e164": "phone", "country_iso2": "country", "events_attended": None}
REASONS_KEPT = 5
CHUNK_ROWS = 10_000


def run(path: Path, as_of: date, url: str, told: Callable[[str], None]) -> dict[str, int]:
    """Cleans, deduplicates, scores and stores a file; returns how much there was."""
    leads, rejects = clean(path, as_of, told)
    rules = shipped_rules()
    scores = score(leads, rules, as_of)
    told("scored")
    run_id = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    leads["lead_id"] = [hashlib.sha256(identity.encode()).hexdigest()[:32] for identity in leads["identity"]]
    scores["lead_id"], scores["run_id"], rejects["run_id"], leads["run_id"] = leads["lead_id"], run_id, run_id, run_id
    runs = pd.DataFrame([{"run_id": run_id, "as_of": as_of, "stored": len(leads), "rejected": len(rejects)}])
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        upsert(connection, leads, "bench_leads", ["lead_id"], ["email", "email_domain", "last_activity_at"])
        upsert(connection, scores.drop(columns="lead"), "bench_lead_scores", ["lead_id", "run_id"], ["run_id", "grade"])
        upsert(connection, rejects, "bench_lead_rejects", ["run_id", "line"], [])
        upsert(connection, runs, "bench_pipeline_runs", ["run_id"], [])
    told("stored")
    grades = {grade: int((scores["grade"] == grade).sum()) for grade in "ABCD"}
    return {"leads": len(leads), "rejects": len(rejects), **grades}


def upsert(connection: Any, frame: pd.DataFrame, table: str, key: list[str], indexes: list[str]) -> None:
    """Writes rows in place of those with their keys, as pandas' users do: ``to_sql`` beside the table, then a merge."""
    names, keys = ", ".join(f'"{name}"' for name in frame.columns), ", ".join(key)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in frame.columns if name not in key)
    frame.head(0).to_sql(table, connection, index=False, if_exists="append")
    connection.execute(sqlalchemy.text(f"CREATE UNIQUE INDEX IF NOT EXISTS {table}_key ON {table} ({keys})"))
    for name in indexes:
        connection.execute(sqlalchemy.text(f"CREATE INDEX IF NOT EXISTS {table}_{name} ON {table} ({name})"))
    frame.to_sql(f"{table}_new", connection, index=False, if_exists="replace", chunksize=CHUNK_ROWS)
    merge = (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}_new WHERE true ON CONFLICT ({keys}) DO UPDATE SET"
    )
    connection.execute(sqlalchemy.text(f"{merge} {changes}"))
    connection.execute(sqlalchemy.text(f"DROP TABLE {table}_new"))


def score(leads: pd.DataFrame, rules: Rules, as_of: date) -> pd.DataFrame:
    """Returns each lead's parts, score, grade and reasons."""
    points = {rule.name: points_of(leads, rule, as_of).round(2) for rule in rules.rules}
    made = pd.DataFrame({"lead": leads["group"]})
    for part in PARTS:
        total = sum(points[rule.name] for rule in rules.rules if rule.part == part)
        made[part] = pd.Series(total, index=leads.index).round(2).clip(0, rules.parts[part].max)
    made["score"] = (made[list(PARTS)].sum(axis=1).round(6) + 0.5).astype(int)
    made["grade"] = [next((g for g in "ABC" if one >= rules.grades[g]), "D") for one in made["score"]]
    texts = {rule.name: text_of(leads, rule) for rule in rules.rules}
    rows = zip(*(zip(points[name], texts[name], strict=True) for name in points), strict=True)
    made["reasons"] = [reasons([*points], row) for row in rows]
    return made


def reasons(names: list[str], row: tuple[tuple[float, str], ...]) -> str:
    """Returns the weightiest reasons of one lead."""
    found = [(name, p, text) for name, (p, text) in zip(names, row, strict=True) if p]
    found.sort(key=lambda one: abs(one[1]), reverse=True)
    return json.dumps([{"rule": n, "points": p, "because": text} for n, p, text in found[:REASONS_KEPT]])


def column_of(leads: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Returns a column by the pipeline's name; nothing where the script has none."""
    own = COLUMNS.get(name, name)
    return leads[own] if own in leads else pd.Series(None, index=leads.index, dtype=object)


def points_of(leads: pd.DataFrame, rule: Rule, as_of: date) -> pd.Series[Any]:
    """Returns what a rule gives each lead."""
    column = column_of(leads, rule.column)
    if rule.values is not None:
        text = column.astype(str).str.lower() if rule.column == "demo_requested" else column
        points = text.map(rule.values).fillna(rule.otherwise).where(column.notna(), rule.missing)
    elif rule.ranges is not None:
        points = pd.Series(0.0, index=leads.index)
        for one in rule.ranges:
            points = points.mask(column >= one.start, one.points)
        points = points.where(column.notna(), rule.missing)
    elif rule.each is not None:
        points = (column.astype(float).fillna(0) * rule.each).clip(upper=rule.cap)
    elif rule.words is not None:
        pattern = rf"(?:^|\W)(?:{'|'.join(map(re.escape, rule.words))})(?:\W|$)"
        points = column.fillna("").astype(str).str.lower().str.contains(pattern).astype(float) * rule.points
    elif rule.present is not None:
        points = column.notna().astype(float) * rule.present
    else:
        points = halved(column, rule.half_life_days or 1, as_of).fillna(0) * (rule.fresh or 0)
    if rule.fades is not None:
        points = points * halved(leads["last_activity_at"], rule.fades, as_of).fillna(1)
    return points.astype(float)


def halved(column: pd.Series[Any], half_life_days: float, as_of: date) -> pd.Series[Any]:
    """Returns what halves with each span of days."""
    days = (pd.Timestamp(as_of) - column.dt.normalize()).dt.days.clip(lower=0)
    return 0.5 ** (days / half_life_days)


def text_of(leads: pd.DataFrame, rule: Rule) -> list[str]:
    """Returns what is told of a rule, by lead."""
    return [rule.because.replace("{value}", str(value)) for value in column_of(leads, rule.column)]
