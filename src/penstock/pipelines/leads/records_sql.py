"""SQL for whole records: values put together, validity, and what is refused."""

from __future__ import annotations

from penstock.pipelines.leads.values_sql import COUNTS, boolean, plain_number, plain_time

TEXT_LIMIT = 2_000
LONG_TEXT_LIMIT = 100_000
TEXTS = (
    "external_id", "first_name", "last_name", "full_name", "email", "phone", "company", "job_title", "country", "city",
    "website", "source", "industry", "employees", "annual_revenue", *COUNTS, "demo_requested", "last_activity_at",
    "created_at", "status", "consent", "opted_out", "outcome",
)  # fmt: skip
LONG_TEXTS = ("notes", "extra")


def steps() -> dict[str, str]:
    """Returns the steps that make records of values, and rejects of records."""
    return {"judged": _judged(), "reject": _reject()}


def _judged() -> str:
    counts = ",\n        ".join(
        f"coalesce({plain_number(f'i.{name}')}, TRY_CAST(floor({name}_value.value) AS BIGINT)) AS {name}"
        for name in COUNTS
    )
    unread = " OR ".join(f"({name}_value.text IS NOT NULL AND {name}_value.value IS NULL)" for name in COUNTS)
    joins = "\n    ".join(
        f"LEFT JOIN number_value AS {name}_value ON {name}_value.text = i.{name}" for name in ("employees", *COUNTS)
    )
    lengths = ", ".join(f"strlen(i.{name})" for name in TEXTS)
    long_lengths = ", ".join(f"strlen(i.{name})" for name in LONG_TEXTS)
    said = ", ".join(f"i.{name}" for name in (*TEXTS, *LONG_TEXTS))
    return rf"""
WITH valued AS (
    SELECT i.line,
        id_value.word AS external_id,
        coalesce(first_value.name, nullif(full_name_value.first_name, '')) AS first_name,
        coalesce(last_value.name, nullif(full_name_value.last_name, '')) AS last_name,
        email_value.email, email_value.domain AS email_domain, email_value.kind AS email_kind,
        CASE WHEN email_value.dotless
            THEN replace(email_value.owner, '.', '') || '@' || replace(email_value.domain, 'googlemail.', 'gmail.')
            ELSE email_value.owner || '@' || email_value.domain
        END AS email_owner,
        email_value.text IS NOT NULL AND email_value.email IS NULL AS email_invalid,
        substr(phone_value.found, 3) AS phone,
        phone_value.text IS NOT NULL AND phone_value.found IS NULL AS phone_invalid,
        company_value.company, company_value.normalised AS company_normalised,
        title_value.title AS job_title, title_value.seniority, title_value.department,
        coalesce(country_value.country, nullif(nullif(left(phone_value.found, 2), 'ZZ'), '')) AS country,
        coalesce(country_value.name, '') <> '' AND country_value.country IS NULL AS country_unknown,
        city_value.name AS city,
        website_value.website,
        website_value.text IS NOT NULL AND website_value.website IS NULL AND trim(i.website) <> '' AS website_invalid,
        source_value.word AS source,
        industry_value.word AS industry,
        coalesce({plain_number("i.employees")}, TRY_CAST(floor(employees_value.value) AS BIGINT)) AS employees,
        employees_value.text IS NOT NULL AND employees_value.value IS NULL AS employees_unreadable,
        coalesce(
            CAST({plain_number("i.annual_revenue")} AS DECIMAL(18, 2)),
            TRY_CAST(annual_revenue_value.value AS DECIMAL(18, 2))
        ) AS annual_revenue,
        annual_revenue_value.text IS NOT NULL AND annual_revenue_value.value IS NULL AS annual_revenue_unreadable,
        {counts},
        {unread} AS count_unreadable,
        coalesce(
            {boolean("i.demo_requested")}, TRY_CAST(i.demo_requested AS INTEGER) > 0,
            CASE WHEN {plain_time("i.demo_requested")} IS NOT NULL THEN TRUE END, FALSE
        ) AS demo_requested,
        coalesce({plain_time("i.last_activity_at")}, activity_value.value) AS activity_at,
        coalesce({plain_time("i.created_at")}, created_value.value) AS created_at,
        (activity_value.text IS NOT NULL AND activity_value.value IS NULL)
            OR (created_value.text IS NOT NULL AND created_value.value IS NULL) AS date_unreadable,
        coalesce(activity_value.guessed, FALSE) OR coalesce(created_value.guessed, FALSE) AS date_ambiguous,
        status_value.status,
        CASE WHEN {boolean("i.opted_out")} THEN FALSE ELSE {boolean("i.consent")} END AS consent,
        coalesce({boolean("i.outcome")}, CASE WHEN TRY_CAST(i.outcome AS DOUBLE) > 0 THEN TRUE END) AS outcome,
        nullif(trim(CASE WHEN regexp_matches(i.notes, '[\x00-\x08\x0b-\x1f\x7f]')
            THEN regexp_replace(i.notes, '[\x00-\x08\x0b-\x1f\x7f]+', ' ', 'g') ELSE i.notes END), '') AS notes,
        i.extra,
        greatest({lengths}) > {TEXT_LIMIT} OR greatest({long_lengths}) > {LONG_TEXT_LIMIT} AS too_long,
        coalesce({said}) IS NULL AS says_nothing,
        run_facts.as_of + INTERVAL 2 DAY AS latest
    FROM incoming AS i
    CROSS JOIN run_facts
    LEFT JOIN word_value AS id_value ON id_value.text = i.external_id
    LEFT JOIN name_value AS first_value ON first_value.text = i.first_name
    LEFT JOIN name_value AS last_value ON last_value.text = i.last_name
    LEFT JOIN full_name_value ON full_name_value.text = i.full_name
    LEFT JOIN email_value ON email_value.text = i.email
    LEFT JOIN country_value ON country_value.text = i.country
    LEFT JOIN phone_value ON phone_value.text = trim(i.phone)
        AND phone_value.country IS NOT DISTINCT FROM coalesce(country_value.country, run_facts.default_country)
    LEFT JOIN company_value ON company_value.text = i.company
    LEFT JOIN title_value ON title_value.text = i.job_title
    LEFT JOIN name_value AS city_value ON city_value.text = i.city
    LEFT JOIN website_value ON website_value.text = i.website
    LEFT JOIN word_value AS source_value ON source_value.text = i.source
    LEFT JOIN word_value AS industry_value ON industry_value.text = i.industry
    LEFT JOIN number_value AS annual_revenue_value ON annual_revenue_value.text = i.annual_revenue
    {joins}
    LEFT JOIN time_value AS activity_value ON activity_value.text = i.last_activity_at
    LEFT JOIN time_value AS created_value ON created_value.text = i.created_at
    LEFT JOIN status_value ON status_value.text = i.status
    WHERE i.refused IS NULL
)
SELECT * EXCLUDE (activity_at, created_at, latest),
    CASE WHEN activity_at BETWEEN TIMESTAMP '1970-01-01' AND latest THEN activity_at END AS last_activity_at,
    CASE WHEN created_at BETWEEN TIMESTAMP '1970-01-01' AND latest THEN created_at END AS created_at,
    activity_at > latest OR created_at > latest AS date_in_future,
    nullif(lower(strip_accents(concat_ws(' ', first_name, last_name))), '') AS name_key,
    CASE
        WHEN says_nothing THEN 'empty'
        WHEN too_long THEN 'field_too_long'
        WHEN email IS NOT NULL OR phone <> '' THEN NULL
        WHEN email_invalid THEN 'email_invalid'
        WHEN phone_invalid THEN 'phone_invalid'
        WHEN (first_name IS NOT NULL OR last_name IS NOT NULL) AND company_normalised IS NOT NULL THEN NULL
        WHEN external_id IS NOT NULL THEN NULL
        ELSE 'no_identity'
    END AS reason
FROM valued
"""


def _reject() -> str:
    fields = ", ".join(f"{name} := incoming.{name}" for name in (*TEXTS, *LONG_TEXTS))
    return rf"""
SELECT run_facts.run_id, incoming.line, incoming.refused AS reason,
    coalesce(incoming.message, incoming.refused) AS message, coalesce(incoming.raw, '') AS raw
FROM incoming CROSS JOIN run_facts
WHERE incoming.refused IS NOT NULL
UNION ALL
SELECT run_facts.run_id, incoming.line, judged.reason,
    reasons.message || CASE judged.reason
        WHEN 'email_invalid' THEN ': ' || left(incoming.email, 200)
        WHEN 'phone_invalid' THEN ': ' || left(incoming.phone, 200)
        ELSE ''
    END AS message,
    left(regexp_replace(regexp_replace(
        CAST(to_json(struct_pack({fields})) AS VARCHAR), '"[a-z_]+":null,?', '', 'g'
    ), ',}}$', '}}'), 65536) AS raw
FROM judged
JOIN incoming ON incoming.line = judged.line
JOIN reasons ON reasons.code = judged.reason
CROSS JOIN run_facts
WHERE judged.reason IS NOT NULL
"""
