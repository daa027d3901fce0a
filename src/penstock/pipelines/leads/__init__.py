"""Leads: files by hand, by schedule or as they arrive; cleaned, made one, scored, and kept in a database for BI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from penstock import Context, Invoke, Pipeline, Widget, days, hours, minutes, seconds, string
from penstock.pipelines.leads import processing, tables
from penstock.pipelines.leads.cleaning import FUNCTIONS, INPUTS, OUTPUTS, STEPS
from penstock.pipelines.leads.extras import CLEANING, STORING, check_installed
from penstock.pipelines.leads.records import LeadScore
from penstock.pipelines.leads.rules import shipped_rules
from penstock.pipelines.leads.scoring import rules_steps
from penstock.pipelines.leads.settings import Settings

pipeline = Pipeline(
    "leads",
    description="Leads from files: cleaned, deduplicated, scored 0 to 100, and kept in a database",
    namespace="Leads",
    tags={"project": "leads", "environment": "production", "owner": "sales-operations"},
)

inbox = pipeline.inbox("leads")
crm = pipeline.warehouse("leads", tables=tables.TABLES, views=tables.VIEWS, migrations=tables.MIGRATIONS)
settings = pipeline.hot_table("LeadSettings", key=(string("kind"), string("version")))
alerts = pipeline.topic("leads-alerts", "console:", "file:leads-alerts.jsonl")

_SCORING = rules_steps(shipped_rules(), run_id="", as_of=processing.day_of(0.0))
etl = pipeline.transformation(
    "leads",
    inputs=INPUTS,
    # In a run, the steps that score are those of the rules and of the model that are in use then.
    steps={**STEPS, **_SCORING, **processing.ending(_SCORING)},
    outputs={**OUTPUTS, "scores": LeadScore, "tally": processing.Tally},
    functions=FUNCTIONS,
    engines=["duckdb"],
)

records_read = pipeline.metric("RecordsRead", "Count")
leads_stored = pipeline.metric("LeadsStored", "Count")
records_rejected = pipeline.metric("RecordsRejected", "Count")
reject_rate = pipeline.metric("RejectRate", "Percent")
average_score = pipeline.metric("AverageScore", "None")
best_leads = pipeline.metric("BestLeads", "Count")
anomalies = pipeline.metric("Anomalies", "Count")
file_age = pipeline.metric("DaysSinceLastFile", "Count")
failures = pipeline.metric("Failures", "Count")
duration = pipeline.metric("Duration", "Milliseconds")

RESOURCES = processing.Resources(inbox, crm, etl)
DAY_SECONDS = 86_400.0
# Of a run's time, what must be left to begin with one more file.
ROOM_SECONDS = 300.0
LOOKED_INTO_DAYS = 7
# A key of an inbox tells the beginning of its content's digest.
KEY_DIGITS = 32


@pipeline.task(
    memory=3008,
    timeout=minutes(15),
    may=[inbox.read, inbox.list, crm.read, crm.write, settings.get, pipeline.publish],
    errors=failures,
    duration=duration,
)
def score_leads(event: Any, context: Context) -> dict[str, Any]:
    """Cleans, scores and stores the file that arrived; without one, every file that is not done yet."""
    check_installed({**CLEANING, **STORING})
    scorers = Settings(context, settings).scorers()
    key = event.get("key") if isinstance(event, dict) else None
    if isinstance(key, str):
        return {"runs": [_told(context, processing.process(context, key, RESOURCES, scorers))]}
    waiting, age_days = _waiting(context)
    if age_days is not None:
        context.publish([(file_age, age_days)])
    runs: list[dict[str, Any]] = []
    for one in waiting:
        if runs and context.remaining_seconds() < ROOM_SECONDS:
            break
        done = processing.process(context, one, RESOURCES, scorers)
        if not done["repeated"]:
            runs.append(_told(context, done))
    return {"runs": runs}


def _waiting(context: Context) -> tuple[list[str], float | None]:
    """Returns the files that no run has dealt with, the oldest first, and how old the newest file is, in days."""
    files = sorted(context[inbox].list(), key=lambda one: (one.arrived_at, one.key))
    done = {digest[:KEY_DIGITS] for (digest,) in context[crm].query("SELECT input_digest FROM pipeline_runs").rows}
    # The key of a file that somebody put into the bucket does not tell its content: such are looked into for a while.
    recent = context.now() - LOOKED_INTO_DAYS * DAY_SECONDS
    keys = [one.key for one in files if one.digest not in done and (one.digest or one.arrived_at > recent)]
    age = max(0.0, context.now() - files[-1].arrived_at) / DAY_SECONDS if files else None
    return keys, age


def _told(context: Context, run: dict[str, Any]) -> dict[str, Any]:
    """Publishes what a run comes to."""
    context.publish(
        [
            (records_read, run["read"]),
            (leads_stored, run["stored"]),
            (records_rejected, run["rejected"]),
            (reject_rate, run["reject_rate"]),
            (average_score, run["average_score"] or 0.0),
            (best_leads, run["grades"]["A"]),
            (anomalies, len(run["anomalies"])),
        ]
    )
    return run


@pipeline.task(may=[alerts.publish])
def notify_failure(event: Any, context: Context) -> None:
    """Says that a file could not be processed, and why."""
    error = str(event.get("Error", ""))
    context[alerts].publish(
        "Leads were not processed",
        f"{context.execution_id} failed: {error}\n{_reason(str(event.get('Cause', '')))[:2000]}",
        data={"execution": context.execution_id, "error": error},
        severity="CRITICAL",
    )


def _reason(cause: str) -> str:
    """Returns what a failed task's cause says to a person; its stack is in the execution's history."""
    try:
        told = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(told, dict) or "errorMessage" not in told:
        return cause
    return "\n".join(str(told[name]) for name in ("errorMessage", "hint") if told.get(name))


# What passes by itself is tried again; a file that cannot be read is not.
PASSING = ("Warehouse.Unavailable", "Warehouse.Busy", "Warehouse.Full")
run = pipeline.workflow(
    "leads",
    Invoke(score_leads).retry(times=4, every=seconds(10), errors=PASSING).catch(notify_failure),
)
pipeline.on_object(inbox, run, name="leads-arrived")
pipeline.cron("0 6 * * ? *", run, name="leads-daily", overlap="skip")
pipeline.example(Path(__file__).parent / "example" / "input_data.json")
# A day without a file, and what is none: the one of the example arrives after them.
pipeline.rehearse({}, {"key": "no-file-of-the-inbox"}, workflow=run)
# The database and the way to its password cost about $21 a month.
pipeline.aws(monthly_budget_usd=30)

PERIOD = hours(1)
alarms = (
    pipeline.alarm(
        "LeadsPipelineFailure", metric=failures, above=0, statistic="Sum", period=PERIOD, severity="CRITICAL",
        missing="notBreaching", notify=alerts, description="A file of leads could not be processed",
    ),
    pipeline.alarm(
        "LeadsAnomaly", metric=anomalies, above=0, statistic="Maximum", period=PERIOD, severity="WARNING",
        missing="notBreaching", notify=alerts,
        description="A run is not like the last ones: its volume, its reject rate or its scores",
    ),
    pipeline.alarm(
        "LeadsLate", metric=file_age, above=2, statistic="Minimum", period=days(1), severity="WARNING",
        missing="notBreaching", notify=alerts, description="No file of leads has arrived for two days",
    ),
)  # fmt: skip

DASHBOARD_SECONDS = int(days(1).total_seconds())
pipeline.dashboard(
    "leads",
    Widget(title="Records", metrics=(records_read, leads_stored, records_rejected), statistic="Sum",
           period_seconds=DASHBOARD_SECONDS),
    Widget(title="Reject rate", metrics=(reject_rate,), period_seconds=DASHBOARD_SECONDS),
    Widget(title="Average score", metrics=(average_score,), period_seconds=DASHBOARD_SECONDS),
    Widget(title="Best leads", metrics=(best_leads,), statistic="Sum", period_seconds=DASHBOARD_SECONDS),
    Widget(title="Anomalies and failures", metrics=(anomalies, failures), statistic="Sum",
           period_seconds=DASHBOARD_SECONDS),
    Widget(title="Duration", metrics=(duration,), statistic="Maximum", period_seconds=DASHBOARD_SECONDS),
    Widget(title="Alarms", view="alarms", alarms=tuple(alarm.name for alarm in alarms)),
)  # fmt: skip


@pipeline.summary
def summary(output: Any, context: Context) -> str:
    """What `penstock run leads` says at the end."""
    from penstock.pipelines.leads.summary import summary as lines

    return lines(output)


@pipeline.report
def report(output: Any, context: Context) -> str:
    """What `penstock run leads --report` writes."""
    from penstock.pipelines.leads.report import page

    return page(output, context, RESOURCES)
