"""The leads' tables and views in the warehouse. Their columns are the fields of ``records``."""

from __future__ import annotations

from penstock import relation
from penstock.pipelines.leads.records import Lead, LeadReject, LeadScore, PipelineRun

MIGRATIONS = "penstock.pipelines.leads.migrations"
TABLES = (
    relation("leads", Lead, key="lead_id", indexes=["email", "email_domain", "last_seen_at"]),
    relation("lead_scores", LeadScore, key=("lead_id", "run_id", "scorer"), indexes=["run_id", ("as_of", "grade")]),
    relation("lead_rejects", LeadReject, key=("run_id", "line"), indexes=["reason"]),
    relation("pipeline_runs", PipelineRun, key="run_id", indexes=["as_of"]),
)
# The newest score of each lead by one kind of scorer; of one day's runs the one whose file arrived last.
NEWEST = """SELECT lead_id, as_of, scorer, score, grade, fit, intent, recency, engagement, reasons, probability
FROM (
  SELECT s.*, ROW_NUMBER() OVER (
    PARTITION BY s.lead_id ORDER BY s.as_of DESC, r.arrived_at DESC, s.run_id DESC, s.scorer DESC
  ) AS place
  FROM lead_scores s JOIN pipeline_runs r ON r.run_id = s.run_id
  WHERE SUBSTR(s.scorer, 1, {length}) = '{kind}'
) numbered
WHERE place = 1"""
VIEWS = {
    "v_scores_by_rules": NEWEST.format(kind="rules@", length=6),
    "v_scores_by_model": NEWEST.format(kind="model@", length=6),
    "v_leads_current": """
SELECT l.lead_id, l.full_name, l.first_name, l.last_name, l.email, l.email_domain, l.email_kind, l.phone_e164,
  l.company, l.job_title, l.seniority, l.department, l.country_iso2, l.city, l.website, l.source, l.industry,
  l.employees, l.annual_revenue, l.visits, l.page_views, l.email_opens, l.email_clicks, l.downloads,
  l.events_attended, l.demo_requested, l.last_activity_at, l.created_at, l.status, l.consent, l.outcome, l.notes,
  l.first_seen_at, l.last_seen_at,
  r.as_of, r.scorer, r.score, r.grade, r.fit, r.intent, r.recency, r.engagement, r.reasons,
  m.scorer AS model_scorer, m.score AS model_score, m.grade AS model_grade, m.probability
FROM leads l
LEFT JOIN v_scores_by_rules r ON r.lead_id = l.lead_id
LEFT JOIN v_scores_by_model m ON m.lead_id = l.lead_id
""",
    "v_pipeline_quality": """
SELECT run_id, input_name, arrived_at, as_of, rules_version, model_version, records_read, records_stored,
  records_merged, records_rejected, records_rejected * 1.0 / NULLIF(records_read, 0) AS reject_rate,
  records_merged * 1.0 / NULLIF(records_read, 0) AS merge_rate, average_score, grade_a, grade_b, grade_c, grade_d,
  status
FROM pipeline_runs
""",
    "v_scores_by_day": """
SELECT as_of, scorer, grade, COUNT(*) AS leads, AVG(score * 1.0) AS average_score, MIN(score) AS lowest_score,
  MAX(score) AS highest_score
FROM lead_scores
GROUP BY as_of, scorer, grade
""",
    "v_reject_reasons": """
SELECT r.as_of, r.input_name, x.run_id, x.reason, COUNT(*) AS rejects
FROM lead_rejects x JOIN pipeline_runs r ON r.run_id = x.run_id
GROUP BY r.as_of, r.input_name, x.run_id, x.reason
""",
}
