"""One file of leads: cleaned, scored and stored as one run, which is there as a whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from penstock import Context
from penstock.pipelines.leads import phones_sql
from penstock.pipelines.leads.anomalies import GRADES, Anomaly, find_anomalies, reject_rate
from penstock.pipelines.leads.cleaning import tables as cleaning_tables
from penstock.pipelines.leads.model import model_steps
from penstock.pipelines.leads.plain_text import source
from penstock.pipelines.leads.records import PipelineRun
from penstock.pipelines.leads.scoring import rules_steps
from penstock.pipelines.leads.settings import Scorers

ID_DIGITS = 32
LAST_RUNS = 100
LARGE_BYTES = 4 * 1024 * 1024
# What an earlier file said first stays; all else is as the latest file says.
KEPT = ("first_seen_at",)


class Tally(msgspec.Struct, frozen=True):
    """What a run comes to."""

    records_read: int
    records_stored: int
    records_merged: int
    records_rejected: int
    average_score: float | None
    grade_a: int
    grade_b: int
    grade_c: int
    grade_d: int


class Resources(msgspec.Struct, frozen=True):
    """What a run works with, as the pipeline declares it."""

    inbox: Any
    warehouse: Any
    transformation: Any


def run_id_of(digest: str, scorers: Scorers, as_of: date) -> str:
    """Returns the id of a run: the same content, scored by the same on the same day, is the same run."""
    model = "" if scorers.model is None else scorers.model.version
    said = "\n".join([digest, scorers.rules.digest, model, as_of.isoformat()])
    return hashlib.sha256(said.encode()).hexdigest()[:ID_DIGITS]


def process(context: Context, key: str, resources: Resources, scorers: Scorers) -> dict[str, Any]:
    """Cleans, scores and stores a file of the inbox; returns what came of it, also where that was done before.

    Raises:
        TaskError: ``Leads.UnreadableInput``: nothing can be made of the file; or the warehouse's own errors.
    """
    with context[resources.inbox].open(key) as file:
        run_id = run_id_of(file.digest, scorers, day_of(file.arrived_at))
        repeated = bool(_runs(context, resources, "WHERE run_id = :run_id", {"run_id": run_id}))
        if not repeated:
            facts = PipelineRun(
                run_id=run_id,
                input_name=file.name,
                input_digest=file.digest,
                arrived_at=datetime.fromtimestamp(file.arrived_at, UTC),
                as_of=day_of(file.arrived_at),
                rules_version=scorers.rules.digest,
                model_version=None if scorers.model is None else scorers.model.version,
                records_read=0,
                records_stored=0,
                records_merged=0,
                records_rejected=0,
            )
            _store(context, file, facts, resources, scorers)
    return told(context, run_id, resources, repeated=repeated)


def day_of(at: float) -> date:
    """Returns the day, in UTC, of a time in seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).date()


def told(context: Context, run_id: str, resources: Resources, *, repeated: bool = False) -> dict[str, Any]:
    """Returns what people are told of a run, from what is stored of it."""
    runs = _runs(context, resources)
    (run,) = [one for one in runs if one["run_id"] == run_id] or _runs(
        context, resources, "WHERE run_id = :run_id", {"run_id": run_id}
    )
    ask = context[resources.warehouse].query
    scorer = f"model@{run['model_version']}" if run["model_version"] else f"rules@{run['rules_version']}"
    return {
        "run_id": run_id,
        "input": run["input_name"],
        "as_of": run["as_of"].isoformat(),
        "scorer": scorer,
        "read": run["records_read"],
        "stored": run["records_stored"],
        "merged": run["records_merged"],
        "rejected": run["records_rejected"],
        "reject_rate": round(reject_rate(run), 2),
        "average_score": run["average_score"],
        "grades": {grade[-1].upper(): run[grade] for grade in GRADES},
        "reasons": _reasons(ask, run_id),
        "scores": _bins(ask, run_id, scorer),
        "anomalies": [one.message for one in _anomalies(run, runs)],
        "repeated": repeated,
    }


def _reasons(ask: Any, run_id: str) -> dict[str, int]:
    found = ask(
        "SELECT reason, COUNT(*) AS n FROM lead_rejects WHERE run_id = :run_id GROUP BY reason ORDER BY n DESC, reason",
        {"run_id": run_id},
    )
    return {str(reason): int(count) for reason, count in found.rows}


def _bins(ask: Any, run_id: str, scorer: str) -> list[int]:
    """Returns how many scores lie in 0 to 9, 10 to 19, … 90 to 100."""
    found = ask(
        "SELECT score, COUNT(*) AS n FROM lead_scores WHERE run_id = :run_id AND scorer = :scorer GROUP BY score",
        {"run_id": run_id, "scorer": scorer},
    )
    bins = [0] * 10
    for score, count in found.rows:
        bins[min(int(score) // 10, 9)] += int(count)
    return bins


def scored(transformation: Any, scorers: Scorers, *, run_id: str, as_of: date, is_large: bool = False) -> Any:
    """Returns the transformation with the steps that score as somebody has chosen, in place of the declared ones.

    Args:
        is_large: there are so many records that it pays to decide their telephone numbers in the engine.
    """
    made = {**rules_steps(scorers.rules, run_id=run_id, as_of=as_of)}
    if scorers.model is not None:
        made |= model_steps(scorers.model, run_id=run_id, as_of=as_of)
    cleaning = cleaning_steps(transformation)
    if is_large:
        cleaning["phone_text"] = phones_sql.decided()
    return msgspec.structs.replace(transformation, steps={**cleaning, **made, **ending(made)})


def cleaning_steps(transformation: Any) -> dict[str, str]:
    """Returns the steps of a declared transformation before those that score."""
    return {name: sql for name, sql in transformation.steps.items() if name.partition("_")[0] not in _SCORING}


def ending(scoring: Mapping[str, str]) -> dict[str, str]:
    """Returns the steps after those that score: all scores, and what the run comes to by the last scorer."""
    found = [name for name in scoring if name.endswith("_score")]
    grades = ", ".join(
        f"count(*) FILTER (WHERE grade = '{grade[-1].upper()}') AS {grade}" for grade in GRADES
    )  # fmt: skip
    return {
        "scores": " UNION ALL ".join(f"SELECT * FROM {name}" for name in found),
        "tally": (
            "SELECT CAST(merged + rejected AS BIGINT) AS records_read, stored AS records_stored, "
            "CAST(merged - stored AS BIGINT) AS records_merged, rejected AS records_rejected, average_score, "
            f"{', '.join(GRADES)} FROM "
            "(SELECT coalesce(sum(merged_from), 0) AS merged, count(*) AS stored FROM lead) leads, "
            "(SELECT count(*) AS rejected FROM reject) rejects, "
            f"(SELECT round(avg(score), 2) AS average_score, {grades} FROM scores"
            f" WHERE starts_with(scorer, '{found[-1].removesuffix('_score')}@')) graded"
        ),
    }


_SCORING = frozenset({"rules", "model", "scores", "tally"})


def _store(context: Context, file: Any, facts: PipelineRun, resources: Resources, scorers: Scorers) -> None:
    # It also says which library is missing.
    given = cleaning_tables(facts.run_id, facts.as_of, **scorers.rules.cleaning_options)
    is_large = file.size > LARGE_BYTES
    made = scored(resources.transformation, scorers, run_id=facts.run_id, as_of=facts.as_of, is_large=is_large)
    with context[made].run(incoming=source(file, file.name), **given) as result:
        ((tally,),) = result.batches("tally")
        # The transaction begins when everything is computed, so that it is short.
        with context[resources.warehouse].transaction(facts.run_id) as tables:
            if tables.done:
                return
            tables.upsert("leads", result.file("lead"), keep=KEPT)
            tables.insert("lead_scores", result.file("scores"))
            tables.insert("lead_rejects", result.file("reject"))
            earlier = tables.query(_LAST).records()
            run = msgspec.structs.replace(facts, **msgspec.structs.asdict(tally))
            unusual = _anomalies(msgspec.structs.asdict(run), earlier)
            tables.finish(msgspec.structs.replace(run, status="warning" if unusual else "succeeded"))


_LAST = f"SELECT * FROM pipeline_runs ORDER BY arrived_at DESC, run_id LIMIT {LAST_RUNS}"


def _runs(context: Context, resources: Resources, where: str = "", parameters: Any = None) -> list[dict[str, Any]]:
    sql = f"SELECT * FROM pipeline_runs {where}" if where else _LAST
    return list(context[resources.warehouse].query(sql, parameters).records())


def _anomalies(run: Mapping[str, Any], runs: list[dict[str, Any]]) -> list[Anomaly]:
    earlier = [one for one in runs if one["run_id"] != run["run_id"] and one["arrived_at"] <= run["arrived_at"]]
    return find_anomalies(run, earlier)
