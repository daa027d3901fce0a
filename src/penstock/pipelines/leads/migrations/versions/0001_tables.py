"""The tables of leads, scores, rejects and runs."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "0001"
down_revision = None

MYSQL = ("mysql", "mariadb")
KEY = sa.String(255)
TEXT = sa.Text().with_variant(mysql.LONGTEXT(), *MYSQL)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), *MYSQL)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Text is told apart by its characters, and by spaces at its end. MySQL's changes of tables are no transaction: what an
# interrupted upgrade has made is there already when it is run again.
OPTIONS: Any = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "if_not_exists": True,
}


def upgrade() -> None:
    _leads()
    _lead_scores()
    _lead_rejects()
    _pipeline_runs()


def _leads() -> None:
    op.create_table(
        "leads",
        sa.Column("lead_id", KEY, primary_key=True),
        sa.Column("external_id", TEXT),
        sa.Column("full_name", TEXT),
        sa.Column("first_name", TEXT),
        sa.Column("last_name", TEXT),
        sa.Column("email", KEY),
        sa.Column("email_domain", KEY),
        sa.Column("email_kind", TEXT),
        sa.Column("phone_e164", TEXT),
        sa.Column("company", TEXT),
        sa.Column("company_normalised", TEXT),
        sa.Column("job_title", TEXT),
        sa.Column("seniority", TEXT),
        sa.Column("department", TEXT),
        sa.Column("country_iso2", TEXT),
        sa.Column("city", TEXT),
        sa.Column("website", TEXT),
        sa.Column("source", TEXT),
        sa.Column("industry", TEXT),
        sa.Column("employees", NUMBER),
        sa.Column("annual_revenue", sa.Numeric(18, 2)),
        sa.Column("visits", NUMBER, nullable=False),
        sa.Column("page_views", NUMBER, nullable=False),
        sa.Column("email_opens", NUMBER, nullable=False),
        sa.Column("email_clicks", NUMBER, nullable=False),
        sa.Column("downloads", NUMBER, nullable=False),
        sa.Column("events_attended", NUMBER, nullable=False),
        sa.Column("demo_requested", sa.Boolean(), nullable=False),
        sa.Column("last_activity_at", TIME),
        sa.Column("created_at", TIME),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("consent", sa.Boolean()),
        sa.Column("outcome", sa.Boolean()),
        sa.Column("notes", TEXT),
        sa.Column("extra", TEXT),
        sa.Column("issues", JSON, nullable=False),
        sa.Column("merged_from", NUMBER, nullable=False),
        sa.Column("merged_lines", JSON, nullable=False),
        sa.Column("merge_reasons", JSON, nullable=False),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("run_id", TEXT, nullable=False),
        **OPTIONS,
    )
    _index("ix_leads_email", "leads", ["email"])
    _index("ix_leads_email_domain", "leads", ["email_domain"])
    _index("ix_leads_last_seen_at", "leads", ["last_seen_at"])


def _lead_scores() -> None:
    op.create_table(
        "lead_scores",
        sa.Column("lead_id", KEY, primary_key=True),
        sa.Column("run_id", KEY, primary_key=True),
        sa.Column("scorer", KEY, primary_key=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("score", NUMBER, nullable=False),
        sa.Column("grade", KEY, nullable=False),
        sa.Column("fit", sa.Double(), nullable=False),
        sa.Column("intent", sa.Double(), nullable=False),
        sa.Column("recency", sa.Double(), nullable=False),
        sa.Column("engagement", sa.Double(), nullable=False),
        sa.Column("reasons", TEXT, nullable=False),
        sa.Column("probability", sa.Double()),
        **OPTIONS,
    )
    _index("ix_lead_scores_as_of_grade", "lead_scores", ["as_of", "grade"])
    _index("ix_lead_scores_run_id", "lead_scores", ["run_id"])


def _lead_rejects() -> None:
    op.create_table(
        "lead_rejects",
        sa.Column("run_id", KEY, primary_key=True),
        sa.Column("line", NUMBER, primary_key=True),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("raw", TEXT, nullable=False),
        **OPTIONS,
    )
    _index("ix_lead_rejects_reason", "lead_rejects", ["reason"])


def _pipeline_runs() -> None:
    op.create_table(
        "pipeline_runs",
        sa.Column("run_id", KEY, primary_key=True),
        sa.Column("input_name", TEXT, nullable=False),
        sa.Column("input_digest", TEXT, nullable=False),
        sa.Column("arrived_at", TIME, nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("rules_version", TEXT, nullable=False),
        sa.Column("model_version", TEXT),
        sa.Column("records_read", NUMBER, nullable=False),
        sa.Column("records_stored", NUMBER, nullable=False),
        sa.Column("records_merged", NUMBER, nullable=False),
        sa.Column("records_rejected", NUMBER, nullable=False),
        sa.Column("average_score", sa.Double()),
        sa.Column("grade_a", NUMBER, nullable=False),
        sa.Column("grade_b", NUMBER, nullable=False),
        sa.Column("grade_c", NUMBER, nullable=False),
        sa.Column("grade_d", NUMBER, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        **OPTIONS,
    )
    _index("ix_pipeline_runs_as_of", "pipeline_runs", ["as_of"])


def _index(name: str, table: str, columns: list[str]) -> None:
    """Makes an index that is not there. MySQL cannot say so itself."""
    if not op.get_context().as_sql and name in {one["name"] for one in sa.inspect(op.get_bind()).get_indexes(table)}:
        return
    op.create_index(name, table, columns)
