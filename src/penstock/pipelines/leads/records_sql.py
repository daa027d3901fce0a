"""SQL for whole records: values put together, validity, and what is refused."""

from __future__ import annotations

from penstock.pipelines.leads.phones_sql import INVALID
from penstock.pipelines.leads.values_sql import COUNTS, plain_number, plain_time

TEXT_LIMIT = 2_000
LONG_TEXT_LIMIT = 100_000
TEXTS = (
    "external_id", "first_name", "last_name", "full_name", "email", "phone", "company", "job_title", "country", "city",
    "website", "source", "industry", "employees", "annual_revenue", *COUNTS, "demo_requested", "last_activity_at",
    "created_at", "status", "consent", "opted_out", "outcome",
)  # fmt: skip
LONG_TEXTS = ("notes", "extra")
FLAGS = ("demo_requested", "consent", "opted_out", "outcome")
ISSUES = (
    "email_invalid", "phone_invalid", "country_unknown", "website_invalid", "employees_unreadable",
    "annual_revenue_unreadable", "count_unreadable", "date_unreadable", "date_in_future", "date_ambiguous",
)  # fmt: skip


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
    flags = "\n    ".join(
        f"LEFT JOIN flag AS {name}_flag ON {name}_flag.word = lower(trim(i.{name}))" for name in FLAGS
    )
    return rf"""
WITH valued AS (
    SELECT i.line,
        id_value.word AS external_id,
        coalesce(first_value.name, nullif(full_name_value.first_name, '')) AS first_name,
        coalesce(last_value.name, nullif(full_name_value.last_name, '')) AS last_name,
        coalesce(email_text.decided, email_value.found) AS email,
        email_text.line IS NOT NULL AS email_said,
        CASE
            WHEN phone_text.decided IS NULL THEN phone_value.found ELSE nullif(phone_text.decided, '{INVALID}')
        END AS phone_found,
        phone_text.line IS NOT NULL AS phone_said,
        company_value.company, company_value.normalised AS company_normalised,
        title_value.title AS job_title, title_value.seniority, title_value.department,
        country_value.country AS country_said,
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
            demo_requested_flag.said, TRY_CAST(i.demo_requested AS INTEGER) > 0,
            CASE WHEN {plain_time("i.demo_requested")} IS NOT NULL THEN TRUE END, FALSE
        ) AS demo_requested,
        coalesce({plain_time("i.last_activity_at")}, activity_value.value) AS activity_at,
        coalesce({plain_time("i.created_at")}, created_value.value) AS creation_at,
        (activity_value.text IS NOT NULL AND activity_value.value IS NULL)
            OR (created_value.text IS NOT NULL AND created_value.value IS NULL) AS date_unreadable,
        coalesce(activity_value.guessed, FALSE) OR coalesce(created_value.guessed, FALSE) AS date_ambiguous,
        status_value.status,
        CASE WHEN opted_out_flag.said THEN FALSE ELSE consent_flag.said END AS consent,
        coalesce(outcome_flag.said, CASE WHEN TRY_CAST(i.outcome AS DOUBLE) > 0 THEN TRUE END) AS outcome,
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
    LEFT JOIN email_text ON email_text.line = i.line
    LEFT JOIN email_value ON email_value.text = email_text.text AND email_text.decided IS NULL
    LEFT JOIN country_value ON country_value.text = i.country
    LEFT JOIN phone_text ON phone_text.line = i.line
    LEFT JOIN phone_value ON phone_value.text = phone_text.text
        AND phone_value.country IS NOT DISTINCT FROM phone_text.country
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
    {flags}
    WHERE i.refused IS NULL
),
parted AS (
    SELECT *, split_part(email, '@', 1) AS mailbox, split_part(email, '@', 2) AS email_domain,
        nullif(substr(phone_found, 3), '') AS phone,
        coalesce(country_said, nullif(nullif(left(phone_found, 2), 'ZZ'), '')) AS country,
        CASE WHEN activity_at BETWEEN TIMESTAMP '1970-01-01' AND latest THEN activity_at END AS last_activity_at,
        CASE WHEN creation_at BETWEEN TIMESTAMP '1970-01-01' AND latest THEN creation_at END AS created_at,
        nullif(lower(strip_accents(concat_ws(' ', first_name, last_name))), '') AS name_key,
        {_mask()} AS issues
    FROM valued
),
owned AS (
    SELECT parted.*, CASE
            WHEN parted.email IS NULL THEN NULL
            WHEN coalesce(known.kind, above.kind) = 'disposable' THEN 'disposable'
            WHEN roles.name IS NOT NULL THEN 'role'
            ELSE coalesce(known.kind, 'business')
        END AS email_kind,
        CASE
            WHEN known.dotless THEN replace(split_part(mailbox, '+', 1), '.', '') || '@'
                || replace(email_domain, 'googlemail.', 'gmail.')
            WHEN known.tagged THEN split_part(mailbox, '+', 1) || '@' || email_domain
            ELSE email
        END AS email_owner
    FROM parted
    LEFT JOIN email_domains AS known ON known.domain = parted.email_domain
    LEFT JOIN email_domains AS above ON above.domain = substr(parted.email_domain, strpos(parted.email_domain, '.') + 1)
    LEFT JOIN role_names AS roles ON roles.name = split_part(parted.mailbox, '+', 1)
)
SELECT * EXCLUDE (
        email_said, phone_said, phone_found, country_said, country_unknown, website_invalid, employees_unreadable,
        annual_revenue_unreadable, count_unreadable, activity_at, creation_at, date_unreadable, date_ambiguous,
        too_long, says_nothing, latest, mailbox
    ),
    lower(strip_accents(first_name)) AS first_key, lower(strip_accents(last_name)) AS last_key,
    CASE
        WHEN email_kind <> 'role' THEN '1email:' || email_owner
        WHEN email IS NOT NULL THEN '2email:' || email || '|' || coalesce(name_key, '')
        WHEN phone IS NOT NULL THEN '3phone:' || phone || '|' || coalesce(name_key, '')
        WHEN name_key IS NOT NULL AND company_normalised IS NOT NULL
            THEN '4name:' || name_key || '|' || company_normalised
        ELSE '5id:' || external_id
    END AS identity,
    CASE
        WHEN says_nothing THEN 'empty'
        WHEN too_long THEN 'field_too_long'
        WHEN email IS NOT NULL OR phone IS NOT NULL THEN NULL
        WHEN email_said THEN 'email_invalid'
        WHEN phone_said AND phone_found IS NULL THEN 'phone_invalid'
        WHEN (first_name IS NOT NULL OR last_name IS NOT NULL) AND company_normalised IS NOT NULL THEN NULL
        WHEN external_id IS NOT NULL THEN NULL
        ELSE 'no_identity'
    END AS reason
FROM owned
"""


def _mask() -> str:
    """Returns the number whose bits are the issues of a record, in their order."""
    found = {name: name for name in ISSUES} | {
        "email_invalid": "email_said AND email IS NULL",
        "phone_invalid": "phone_said AND phone_found IS NULL",
        "date_in_future": "activity_at > latest OR creation_at > latest",
    }
    return " + ".join(
        f"CASE WHEN {condition} THEN {1 << place} ELSE 0 END" for place, condition in enumerate(found.values())
    )


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
