"""A run as one page for people, with charts: what came in, how good it is, whom to call, and why the rest was left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from penstock import Context
from penstock.pipelines.leads import charts
from penstock.pipelines.leads.anomalies import reject_rate
from penstock.pipelines.leads.processing import Resources
from penstock.pipelines.leads.records import REASONS
from penstock.pipelines.leads.summary import GRADE_WORDS, because, scorer_words

BEST_LEADS = 25
REJECTS_SHOWN = 25
MOST_OF_A_KIND = 12
RUNS_SHOWN = 30
RAW_CHARACTERS = 160
COLOURS = {"A": "#2e7d4f", "B": "#5b9c3f", "C": "#c9962d", "D": "#9a9a9a"}
KINDS = {"country_iso2": "Countries", "source": "Where they came from", "seniority": "Seniority"}
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0 } .facts { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0; padding: 0 }
.facts div { border: 1px solid #8885; border-radius: .5rem; padding: .6rem 1.2rem }
.facts b { display: block; font-size: 1.7rem } figure { margin: 2rem 0 } figcaption { font-weight: 600 }
svg { width: 100%; max-width: 44rem; height: auto; font-size: 13px }
svg text { fill: currentColor; dominant-baseline: middle }
.label { text-anchor: end } .count { text-anchor: middle } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8883; vertical-align: top }
.unusual { border-left: .3rem solid #c0392b; padding: .2rem 1rem } .none, small { opacity: .7 }
.wide { overflow-x: auto; font-size: .9rem } td:last-child { min-width: 14rem; overflow-wrap: anywhere }
"""


def page(output: Any, context: Context, resources: Resources) -> str:
    """Returns the page of an execution's runs: HTML that needs nothing beside it."""
    runs = output.get("runs", []) if isinstance(output, dict) else []
    ask = context[resources.warehouse].query
    inside = "".join(part for run in runs for part in _run(run, ask)) or "<p>No new file was in the inbox.</p>"
    history = "".join(_history(ask("SELECT * FROM pipeline_runs ORDER BY arrived_at, run_id").records()))
    title = ", ".join(run["input"] for run in runs) or "Leads"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{inside}{history}</body></html>"
    )


def _run(run: Mapping[str, Any], ask: Any) -> Iterator[str]:
    yield f"<h1>{escape(run['input'])}</h1><p>Scored by {escape(scorer_words(run['scorer']))}, "
    yield f"as of {escape(run['as_of'])}</p>"
    if run["repeated"]:
        yield "<p>This file was processed before, by the same rules: nothing has changed.</p>"
    yield _facts(run)
    yield "".join(f'<p class="unusual">Unusual: {escape(one)}.</p>' for one in run["anomalies"])
    words = {f"{grade}: {GRADE_WORDS[grade]}": grade for grade in run["grades"]}
    yield charts.bars(
        {shown: run["grades"][grade] for shown, grade in words.items()},
        title="How good they are",
        colours={shown: COLOURS[grade] for shown, grade in words.items()},
    )
    labels = [f"{tens} to {tens + 9 if tens < 90 else 100}" for tens in range(0, 100, 10)]
    yield charts.columns(run["scores"], labels, title="Scores")
    yield _best(ask, run)
    for column, title in KINDS.items():
        yield charts.bars(_counts(ask, column, run["run_id"]), title=title)
    yield _rejects(ask, run)


def _facts(run: Mapping[str, Any]) -> str:
    average = "-" if run["average_score"] is None else f"{run['average_score']:.1f}"
    facts = {
        "records": f"{run['read']:,}",
        "leads": f"{run['stored']:,}",
        "named somebody twice": f"{run['merged']:,}",
        "could not be used": f"{run['rejected']:,}",
        "average score": average,
    }
    boxes = "".join(f"<div><b>{value}</b>{escape(name)}</div>" for name, value in facts.items())
    return f'<section class="facts">{boxes}</section>'


def _best(ask: Any, run: Mapping[str, Any]) -> str:
    found = ask(
        "SELECT s.score, s.grade, s.reasons, l.full_name, l.company, l.job_title, l.email, l.phone_e164, l.lead_id "
        "FROM lead_scores s JOIN leads l ON l.lead_id = s.lead_id "
        "WHERE s.run_id = :run_id AND s.scorer = :scorer "
        f"ORDER BY s.score DESC, s.lead_id LIMIT {BEST_LEADS}",
        {"run_id": run["run_id"], "scorer": run["scorer"]},
    ).records()
    rows = [
        [
            str(one["score"]), one["grade"], one["full_name"] or "", one["job_title"] or "", one["company"] or "",
            one["email"] or "", one["phone_e164"] or "", because(one["reasons"]),
        ]
        for one in found
    ]  # fmt: skip
    headings = ["score", "grade", "name", "job", "company", "e-mail", "telephone", "because"]
    return f"<h2>Whom to call first</h2>{_table(headings, rows)}" if rows else ""


def _counts(ask: Any, column: str, run_id: str) -> dict[str, float]:
    found = ask(
        f"SELECT {column} AS name, COUNT(*) AS n FROM leads WHERE run_id = :run_id AND {column} IS NOT NULL "
        f"GROUP BY {column} ORDER BY n DESC, {column} LIMIT {MOST_OF_A_KIND}",
        {"run_id": run_id},
    )
    return {str(name).replace("_", " "): float(count) for name, count in found.rows}


def _rejects(ask: Any, run: Mapping[str, Any]) -> str:
    if not run["rejected"]:
        return ""
    chart = charts.bars(
        {REASONS.get(reason, reason): count for reason, count in run["reasons"].items()},
        title="Why records could not be used",
        colours=dict.fromkeys(REASONS.values(), "#b4553f"),
    )
    found = ask(
        f"SELECT line, message, raw FROM lead_rejects WHERE run_id = :run_id ORDER BY line LIMIT {REJECTS_SHOWN}",
        {"run_id": run["run_id"]},
    ).records()
    rows = [[str(one["line"]), one["message"], one["raw"][:RAW_CHARACTERS]] for one in found]
    told = f"<p>The first {len(rows)} of {run['rejected']:,}:</p>" if run["rejected"] > len(rows) else ""
    return f"{chart}{told}{_table(['line', 'what is amiss', 'the record'], rows)}"


def _history(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    shown = runs[-RUNS_SHOWN:]
    if not shown:
        return
    yield "<h2>The last runs</h2>"
    if len(shown) == 1:
        yield '<p class="none">This is the first one; from the second on, their course is drawn here.</p>'
        return
    labels = [f"{one['as_of']}" for one in shown]
    yield charts.line([one["records_stored"] for one in shown], labels, title="Leads")
    yield charts.line([round(reject_rate(one), 1) for one in shown], labels, title="Rejected records", unit=" %")
    yield charts.line([one["average_score"] or 0.0 for one in shown], labels, title="Average score")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
