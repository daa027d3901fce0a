"""The records of the leads pipeline: what comes in, what is kept, what is refused, and the run that did it.

The columns of ``Lead``, ``LeadScore``, ``LeadReject`` and ``PipelineRun`` are the columns of the warehouse's tables.
No field holds the time at which a program ran: the same input gives the same rows, whenever it is read.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from penstock import Precision

Money = Annotated[Decimal, Precision(18, 2)]
EmailKind = Literal["business", "free", "role", "disposable"]
Seniority = Literal["owner", "c_level", "vp", "director", "manager", "senior", "staff", "entry", "student"]
Department = Literal[
    "executive", "sales", "marketing", "engineering", "it", "data", "product", "design", "finance", "operations",
    "human_resources", "legal", "support", "procurement", "education", "health", "other",
]  # fmt: skip
Status = Literal["new", "working", "qualified", "customer", "lost", "unsubscribed"]
Grade = Literal["A", "B", "C", "D"]


class Incoming(msgspec.Struct, omit_defaults=True, gc=False):
    """One record as it came: text by canonical column, nothing judged yet.

    Attributes:
        line: where it stands in its file: the line (NDJSON, CSV), the row (Excel) or the place in the array (JSON),
            counted from 1.
        extra: a JSON object of the columns that have no canonical name, as text.
        refused: why the line could not be read as a record, as a reason code; ``None`` when it could.
        message: what is amiss with a line that was refused.
        raw: the text of a line that was refused.
    """

    line: int
    external_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    job_title: str | None = None
    country: str | None = None
    city: str | None = None
    website: str | None = None
    source: str | None = None
    industry: str | None = None
    employees: str | None = None
    annual_revenue: str | None = None
    visits: str | None = None
    page_views: str | None = None
    email_opens: str | None = None
    email_clicks: str | None = None
    downloads: str | None = None
    events_attended: str | None = None
    demo_requested: str | None = None
    last_activity_at: str | None = None
    created_at: str | None = None
    status: str | None = None
    consent: str | None = None
    opted_out: str | None = None
    outcome: str | None = None
    notes: str | None = None
    extra: str | None = None
    refused: str | None = None
    message: str | None = None
    raw: str | None = None


class Lead(msgspec.Struct, kw_only=True):
    """One person who may buy, as the latest file that named them says; several records of one person are one lead.

    Attributes:
        lead_id: 32 hexadecimal digits, equal for equal identities: the e-mail address, or else the telephone number
            with the name, or else the name with the company, or else the identifier that the file gives.
        external_id: the identifier that the file gives.
        email_kind: whose address it is: the company's, a free provider's, a role's (info@), or a throw-away one.
        phone_e164: the number with its country, such as ``+33612345678``.
        company_normalised: the company's name in small letters without its legal form, for comparing.
        country_iso2: two letters of ISO 3166-1.
        employees: how many; of a range, its lower end.
        visits, page_views, email_opens, email_clicks, downloads, events_attended: how often; 0 when nothing is said.
        consent: whether they agreed to be written to; a "no" in any merged record is a "no".
        outcome: whether they bought in the end, when the file says.
        extra: a JSON object of the columns that have no canonical name, as text.
        issues: codes of what was amiss and is left out, such as ``phone_invalid``.
        merged_from: how many records of the file are this lead.
        merged_lines: where these records stand in the file.
        merge_reasons: why they are one, such as ``same_email``.
        first_seen_at, last_seen_at: the earliest and the latest time that the records give.
        run_id: the run that wrote the row last.
    """

    lead_id: str
    external_id: str | None = None
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_domain: str | None = None
    email_kind: EmailKind | None = None
    phone_e164: str | None = None
    company: str | None = None
    company_normalised: str | None = None
    job_title: str | None = None
    seniority: Seniority | None = None
    department: Department | None = None
    country_iso2: str | None = None
    city: str | None = None
    website: str | None = None
    source: str | None = None
    industry: str | None = None
    employees: int | None = None
    annual_revenue: Money | None = None
    visits: int = 0
    page_views: int = 0
    email_opens: int = 0
    email_clicks: int = 0
    downloads: int = 0
    events_attended: int = 0
    demo_requested: bool = False
    last_activity_at: datetime | None = None
    created_at: datetime | None = None
    status: Status = "new"
    consent: bool | None = None
    outcome: bool | None = None
    notes: str | None = None
    extra: str | None = None
    issues: list[str] = []
    merged_from: int = 1
    merged_lines: list[int] = []
    merge_reasons: list[str] = []
    first_seen_at: datetime
    last_seen_at: datetime
    run_id: str


class LeadScore(msgspec.Struct, kw_only=True):
    """What one scorer made of a lead in one run.

    Attributes:
        scorer: who scored, such as ``rules@3f2a91c0`` or ``model@2026-02-20.1``.
        as_of: the day that recency is counted from.
        score: 0 to 100.
        fit, intent, recency, engagement: the points of each part.
        reasons: a JSON array as text, the weightiest first: ``[{"rule": …, "points": …, "because": …}]``.
        probability: of buying, 0 to 1, when a model scored.
    """

    lead_id: str
    run_id: str
    scorer: str
    as_of: date
    score: int
    grade: Grade
    fit: float
    intent: float
    recency: float
    engagement: float
    reasons: str
    probability: float | None = None


class LeadReject(msgspec.Struct, kw_only=True):
    """A record that was not kept: where it stands, why, and all that it said.

    Attributes:
        line: as in ``Incoming``.
        reason: a code of ``REASONS``.
        message: what is amiss, for the person who mends the file.
        raw: the line itself, or the record as JSON; at most 65,536 characters (the file itself is kept whole).
    """

    run_id: str
    line: int
    reason: str
    message: str
    raw: str


class PipelineRun(msgspec.Struct, kw_only=True):
    """One run over one file, written in the transaction that wrote its rows.

    Attributes:
        run_id: 32 hexadecimal digits of the input's content, the rules, the model and the day: the same work is the
            same run.
        records_read: is ``records_stored`` + ``records_merged`` + ``records_rejected``.
        records_stored: how many leads the records came to.
        records_merged: how many records were another record's lead.
    """

    run_id: str
    input_name: str
    input_digest: str
    arrived_at: datetime
    as_of: date
    rules_version: str
    model_version: str | None = None
    records_read: int
    records_stored: int
    records_merged: int
    records_rejected: int
    average_score: float | None = None
    grade_a: int = 0
    grade_b: int = 0
    grade_c: int = 0
    grade_d: int = 0
    status: Literal["succeeded", "warning"] = "succeeded"


REASONS: dict[str, str] = {
    "not_json": "the line is not JSON",
    "not_a_record": "the line is JSON, but not an object with named values",
    "too_many_fields": "the record has more than 500 fields",
    "too_many_cells": "the line has more cells than the header has columns",
    "unclosed_quote": "a quotation mark is never closed",
    "field_too_long": "a field is longer than any such field can be",
    "empty": "the record says nothing",
    "email_invalid": "the e-mail address is not one, and there is no other way to reach the person",
    "phone_invalid": "the telephone number is not one, and there is no other way to reach the person",
    "no_identity": "neither an e-mail address, a telephone number, a name with a company, nor an identifier",
}
