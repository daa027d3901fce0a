"""SQL for records of one person: which belong together, and what the one lead says.

Records with one identity are one lead: the e-mail address, or else the telephone number with the name, or else the name
with the company, or else the file's own identifier. Beyond that, neighbours in a sorted block are compared, a fixed
number of them, so that the work grows with the records and not with their square.
"""

from __future__ import annotations

from penstock.pipelines.leads.values_sql import COUNTS

NEIGHBOURS = 4
LAST_NAME_LIKENESS = 0.92
FIRST_NAME_LIKENESS = 0.88
NOTES_LIMIT = 100_000
# What the latest record says, of those that say anything.
LATEST = (
    "external_id", "first_name", "last_name", "company", "company_normalised", "job_title", "seniority", "department",
    "country", "city", "website", "source", "industry", "employees", "annual_revenue", "extra",
)  # fmt: skip
ISSUES = (
    "email_invalid", "phone_invalid", "country_unknown", "website_invalid", "employees_unreadable",
    "annual_revenue_unreadable", "count_unreadable", "date_unreadable", "date_in_future", "date_ambiguous",
)  # fmt: skip


def steps() -> dict[str, str]:
    """Returns the steps from judged records to leads."""
    return {
        "person": PERSON,
        "same": SAME,
        "distinct_person": DISTINCT_PERSON,
        "neighbour": NEIGHBOUR,
        "alike": _alike(),
        "cluster": CLUSTER,
        "member": "SELECT one AS line, first_line FROM cluster UNION SELECT other, first_line FROM cluster",
        "merged": _merged(),
        "lead": _lead(),
    }


PERSON = """
SELECT line, name_key, lower(strip_accents(first_name)) AS first_key, lower(strip_accents(last_name)) AS last_key,
    company_normalised, email_owner, nullif(phone, '') AS phone,
    CASE
        WHEN email IS NOT NULL AND email_kind <> 'role' THEN '1email:' || email_owner
        WHEN email IS NOT NULL THEN '2email:' || email || '|' || coalesce(name_key, '')
        WHEN phone <> '' THEN '3phone:' || phone || '|' || coalesce(name_key, '')
        WHEN name_key IS NOT NULL AND company_normalised IS NOT NULL
            THEN '4name:' || name_key || '|' || company_normalised
        ELSE '5id:' || external_id
    END AS identity
FROM judged
WHERE reason IS NULL
"""
SAME = """
SELECT firsts.first_line AS one, person.line AS other, CASE left(person.identity, 1)
    WHEN '3' THEN 'same_phone' WHEN '4' THEN 'same_name_company' WHEN '5' THEN 'same_id' ELSE 'same_email'
END AS reason
FROM person
JOIN (SELECT identity, min(line) AS first_line FROM person GROUP BY identity HAVING count(*) > 1) AS firsts
    ON firsts.identity = person.identity
WHERE person.line <> firsts.first_line
"""
DISTINCT_PERSON = """
SELECT person.* FROM person LEFT JOIN same ON same.other = person.line WHERE same.other IS NULL
"""
# A block is sorted so that those who are alike stand side by side.
NEIGHBOUR = """
WITH blocked AS (
    SELECT 'phone' AS kind, phone AS block, line, name_key AS sorted_by FROM distinct_person
    WHERE phone IN (
        SELECT phone FROM distinct_person WHERE phone IS NOT NULL GROUP BY phone HAVING count(*) > 1
    )
    UNION ALL
    SELECT 'name', person.name_key || '|' || person.company_normalised, person.line, person.email_owner
    FROM distinct_person AS person
    JOIN (
        SELECT name_key, company_normalised FROM distinct_person
        WHERE name_key IS NOT NULL AND company_normalised IS NOT NULL
        GROUP BY name_key, company_normalised HAVING count(*) > 1
    ) AS several ON several.name_key = person.name_key AND several.company_normalised = person.company_normalised
    UNION ALL
    SELECT 'company', person.company_normalised, person.line, person.last_key || ' ' || person.first_key
    FROM distinct_person AS person
    JOIN (
        SELECT company_normalised FROM distinct_person
        WHERE company_normalised IS NOT NULL AND last_key IS NOT NULL
        GROUP BY company_normalised HAVING count(*) > 1 AND count(email_owner) < count(*)
    ) AS open ON open.company_normalised = person.company_normalised
    WHERE person.last_key IS NOT NULL AND person.first_key IS NOT NULL
)
SELECT kind, block, line,
    row_number() OVER (PARTITION BY kind, block ORDER BY sorted_by NULLS FIRST, line) AS place
FROM blocked
"""
CLUSTER = """
SELECT unnest(ones) AS one, unnest(others) AS other, unnest(reasons) AS reason,
    unnest(cluster_firsts(ones, others)) AS first_line
FROM (
    SELECT list(one ORDER BY one, other, reason) AS ones, list(other ORDER BY one, other, reason) AS others,
        list(reason ORDER BY one, other, reason) AS reasons
    FROM (SELECT one, other, reason FROM same UNION SELECT one, other, reason FROM alike)
)
"""


def _alike() -> str:
    nearby = " UNION ALL ".join(f"SELECT {distance} AS distance" for distance in range(1, NEIGHBOURS + 1))
    return rf"""
WITH pairs AS (
    SELECT one.kind, one.line AS one, other.line AS other
    FROM neighbour AS one
    CROSS JOIN ({nearby}) AS nearby
    JOIN neighbour AS other
        ON other.kind = one.kind AND other.block = one.block AND other.place = one.place + nearby.distance
),
compared AS (
    SELECT pairs.kind, least(pairs.one, pairs.other) AS one, greatest(pairs.one, pairs.other) AS other,
        a.name_key = b.name_key AS same_name,
        a.name_key IS NULL OR b.name_key IS NULL AS unnamed,
        jaro_winkler_similarity(a.last_key, b.last_key) >= {LAST_NAME_LIKENESS}
            AND (jaro_winkler_similarity(a.first_key, b.first_key) >= {FIRST_NAME_LIKENESS}
                OR (left(a.first_key, 1) = left(b.first_key, 1)
                    AND least(length(replace(a.first_key, '.', '')), length(replace(b.first_key, '.', ''))) = 1))
            AS similar_name,
        coalesce(a.email_owner <> b.email_owner, FALSE) AS other_email,
        coalesce(a.phone <> b.phone, FALSE) AS other_phone,
        coalesce(damerau_levenshtein(a.email_owner, b.email_owner) <= 1
            AND regexp_replace(a.email_owner, '[^0-9]', '', 'g') = regexp_replace(b.email_owner, '[^0-9]', '', 'g'),
            FALSE)
            AS mistyped_email
    FROM pairs
    JOIN distinct_person AS a ON a.line = pairs.one
    JOIN distinct_person AS b ON b.line = pairs.other
)
SELECT one, other, CASE kind
    WHEN 'phone' THEN 'same_phone'
    WHEN 'name' THEN CASE WHEN other_email THEN 'mistyped_email' ELSE 'same_name_company' END
    ELSE 'similar_name_company'
END AS reason
FROM compared
WHERE (kind = 'phone' AND (coalesce(same_name OR similar_name, FALSE) OR (unnamed AND NOT other_email)))
    OR (kind = 'name' AND (NOT other_email OR mistyped_email))
    OR (kind = 'company' AND similar_name AND NOT other_email AND NOT other_phone)
"""


def _merged() -> str:
    latest = ",\n    ".join(f"arg_max({name}, fresh) FILTER ({name} IS NOT NULL) AS {name}" for name in LATEST)
    counts = ", ".join(f"max({name}) AS {name}" for name in COUNTS)
    issues = ", ".join(f"bool_or({name}) AS {name}" for name in ISSUES)
    return f"""
WITH ranked AS (
    SELECT member.first_line, judged.*, substr(person.identity, 1) AS identity,
        row_number() OVER (
            PARTITION BY member.first_line
            ORDER BY coalesce(judged.last_activity_at, judged.created_at) NULLS FIRST, judged.line
        ) AS fresh
    FROM member
    JOIN judged ON judged.line = member.line
    JOIN person ON person.line = member.line
),
preferred AS (
    SELECT *, fresh + CASE email_kind WHEN 'business' THEN 3000000000 WHEN 'free' THEN 2000000000
        WHEN 'role' THEN 1000000000 ELSE 0 END AS email_rank
    FROM ranked
)
SELECT first_line AS line, {latest},
    arg_max(email, email_rank) FILTER (email IS NOT NULL) AS email,
    arg_max(email_domain, email_rank) FILTER (email IS NOT NULL) AS email_domain,
    arg_max(email_kind, email_rank) FILTER (email IS NOT NULL) AS email_kind,
    arg_max(phone, fresh) FILTER (phone <> '') AS phone,
    {counts},
    bool_or(demo_requested) AS demo_requested,
    max(last_activity_at) AS last_activity_at,
    min(created_at) AS created_at,
    CASE WHEN bool_or(status = 'unsubscribed') THEN 'unsubscribed'
        ELSE arg_max(status, fresh) FILTER (status IS NOT NULL) END AS status,
    bool_and(consent) AS consent,
    bool_or(outcome) AS outcome,
    left(string_agg(DISTINCT notes, chr(10) ORDER BY notes), {NOTES_LIMIT}) AS notes,
    {issues},
    count(*) AS merged_from,
    list(line ORDER BY line) AS merged_lines,
    min(coalesce(created_at, last_activity_at)) AS first_seen_at,
    max(coalesce(last_activity_at, created_at)) AS last_seen_at,
    min(identity) AS identity
FROM preferred
GROUP BY first_line
"""


def _lead() -> str:
    plain = (*LATEST, *COUNTS, *ISSUES)
    columns = ", ".join(
        (*plain, "email", "email_domain", "email_kind", "phone", "demo_requested", "last_activity_at", "created_at",
         "status", "consent", "outcome", "notes")
    )  # fmt: skip
    single = ", ".join(f"judged.{name.strip()}" for name in columns.split(","))
    counts = ", ".join(f"CAST(coalesce({name}, 0) AS BIGINT) AS {name}" for name in COUNTS)
    issues = ", ".join(f"CASE WHEN {name} THEN '{name}' END" for name in ISSUES)
    return f"""
WITH whole AS (
    SELECT {single}, 1 AS merged_from, [judged.line] AS merged_lines, NULL AS reasons,
        coalesce(judged.created_at, judged.last_activity_at) AS first_seen_at,
        coalesce(judged.last_activity_at, judged.created_at) AS last_seen_at, person.identity
    FROM judged
    JOIN person ON person.line = judged.line
    LEFT JOIN member ON member.line = judged.line
    WHERE member.line IS NULL
    UNION ALL
    SELECT {columns}, merged_from, merged_lines, why.reasons, first_seen_at, last_seen_at, identity
    FROM merged
    JOIN (
        SELECT first_line, list(DISTINCT reason ORDER BY reason) AS reasons FROM cluster GROUP BY first_line
    ) AS why ON why.first_line = merged.line
),
listed AS (
    SELECT *, concat_ws(',', {issues}) AS issue_words FROM whole
)
SELECT md5(substr(identity, 2)) AS lead_id, external_id,
    nullif(concat_ws(' ', first_name, last_name), '') AS full_name, first_name, last_name,
    email, email_domain, email_kind, nullif(phone, '') AS phone_e164, company, company_normalised, job_title, seniority,
    department, country AS country_iso2, city, website, source, industry, CAST(employees AS BIGINT) AS employees,
    annual_revenue, {counts}, demo_requested, last_activity_at, created_at, coalesce(status, 'new') AS status, consent,
    outcome, notes, extra,
    CASE WHEN issue_words = '' THEN [] ELSE string_split(issue_words, ',') END AS issues,
    CAST(merged_from AS BIGINT) AS merged_from, merged_lines,
    coalesce(reasons, []) AS merge_reasons,
    coalesce(first_seen_at, CAST(run_facts.as_of AS TIMESTAMP)) AS first_seen_at,
    coalesce(last_seen_at, CAST(run_facts.as_of AS TIMESTAMP)) AS last_seen_at,
    run_facts.run_id
FROM listed CROSS JOIN run_facts
"""
