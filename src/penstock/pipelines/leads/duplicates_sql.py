"""SQL for records of one person: which belong together, and what the one lead says.

Records with one identity are one lead: the e-mail address, or else the telephone number with the name, or else the name
with the company, or else the file's own identifier. Beyond that, neighbours in a sorted block are compared, a fixed
number of them, so that the work grows with the records and not with their square.
"""

from __future__ import annotations

from penstock.pipelines.leads.records_sql import ISSUES
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
SIMILAR_NAME = f"""(
            jaro_winkler_similarity(last_key, last_key_too) >= {LAST_NAME_LIKENESS}
            AND (jaro_winkler_similarity(first_key, first_key_too) >= {FIRST_NAME_LIKENESS}
                OR (left(first_key, 1) = left(first_key_too, 1)
                    AND least(length(replace(first_key, '.', '')), length(replace(first_key_too, '.', ''))) = 1)))"""
MISTYPED_EMAIL = """(
            damerau_levenshtein(email_owner, email_owner_too) <= 1
            AND regexp_replace(email_owner, '[^0-9]', '', 'g') = regexp_replace(email_owner_too, '[^0-9]', '', 'g'))"""


def steps() -> dict[str, str]:
    """Returns the steps from judged records to leads."""
    return {
        "same": SAME,
        "distinct_person": DISTINCT_PERSON,
        "neighbour": NEIGHBOUR,
        "alike": ALIKE,
        "cluster": CLUSTER,
        "member": "SELECT one AS line, first_line FROM cluster UNION SELECT other, first_line FROM cluster",
        "merged": _merged(),
        "lead": _lead(),
    }


SAME = """
SELECT firsts.first_line AS one, judged.line AS other, CASE left(judged.identity, 1)
    WHEN '3' THEN 'same_phone' WHEN '4' THEN 'same_name_company' WHEN '5' THEN 'same_id' ELSE 'same_email'
END AS reason
FROM judged
JOIN (
    SELECT identity, min(line) AS first_line FROM judged WHERE reason IS NULL GROUP BY identity HAVING count(*) > 1
) AS firsts ON firsts.identity = judged.identity
WHERE judged.reason IS NULL AND judged.line <> firsts.first_line
"""
DISTINCT_PERSON = """
SELECT judged.line, name_key, first_key, last_key, company_normalised, email_owner, phone
FROM judged LEFT JOIN same ON same.other = judged.line
WHERE judged.reason IS NULL AND same.other IS NULL
"""
NEXT = ", ".join(f"lead(line, {place}) OVER sorted" for place in range(1, NEIGHBOURS + 1))
# A block is sorted so that those who are alike stand side by side; each is compared with the next few.
NEIGHBOUR = f"""
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
SELECT kind, line AS one, unnest([{NEXT}]) AS other
FROM blocked
WINDOW sorted AS (PARTITION BY kind, block ORDER BY sorted_by NULLS FIRST, line)
"""
# What costs little is looked at first.
ALIKE = f"""
WITH compared AS (
    SELECT neighbour.kind,
        least(neighbour.one, neighbour.other) AS one, greatest(neighbour.one, neighbour.other) AS other,
        a.name_key, b.name_key AS name_key_too, a.first_key, b.first_key AS first_key_too,
        a.last_key, b.last_key AS last_key_too, a.email_owner, b.email_owner AS email_owner_too,
        coalesce(a.email_owner <> b.email_owner, FALSE) AS other_email,
        coalesce(a.phone <> b.phone, FALSE) AS other_phone
    FROM neighbour
    JOIN distinct_person AS a ON a.line = neighbour.one
    JOIN distinct_person AS b ON b.line = neighbour.other
)
SELECT one, other, CASE kind
    WHEN 'phone' THEN 'same_phone'
    WHEN 'name' THEN CASE WHEN other_email THEN 'mistyped_email' ELSE 'same_name_company' END
    ELSE 'similar_name_company'
END AS reason
FROM compared
WHERE CASE kind
    WHEN 'phone' THEN CASE
        WHEN name_key = name_key_too THEN TRUE
        WHEN name_key IS NULL OR name_key_too IS NULL THEN NOT other_email
        ELSE {SIMILAR_NAME}
    END
    WHEN 'name' THEN CASE WHEN other_email THEN {MISTYPED_EMAIL} ELSE TRUE END
    ELSE CASE WHEN other_email OR other_phone THEN FALSE ELSE {SIMILAR_NAME} END
END
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


def _merged() -> str:
    latest = ",\n    ".join(f"arg_max({name}, fresh) FILTER ({name} IS NOT NULL) AS {name}" for name in LATEST)
    counts = ", ".join(f"max({name}) AS {name}" for name in COUNTS)
    return f"""
WITH ranked AS (
    SELECT member.first_line, judged.*,
        row_number() OVER (
            PARTITION BY member.first_line
            ORDER BY coalesce(judged.last_activity_at, judged.created_at) NULLS FIRST, judged.line
        ) AS fresh
    FROM member
    JOIN judged ON judged.line = member.line
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
    arg_max(phone, fresh) FILTER (phone IS NOT NULL) AS phone,
    {counts},
    bool_or(demo_requested) AS demo_requested,
    max(last_activity_at) AS last_activity_at,
    min(created_at) AS created_at,
    CASE WHEN bool_or(status = 'unsubscribed') THEN 'unsubscribed'
        ELSE arg_max(status, fresh) FILTER (status IS NOT NULL) END AS status,
    bool_and(consent) AS consent,
    bool_or(outcome) AS outcome,
    left(string_agg(DISTINCT notes, chr(10) ORDER BY notes), {NOTES_LIMIT}) AS notes,
    bit_or(issues) AS issues,
    count(*) AS merged_from,
    list(line ORDER BY line) AS merged_lines,
    min(coalesce(created_at, last_activity_at)) AS first_seen_at,
    max(coalesce(last_activity_at, created_at)) AS last_seen_at,
    min(identity) AS identity
FROM preferred
GROUP BY first_line
"""


def _lead() -> str:
    # In the order of their key, rows cost a database's index least.
    columns = (
        *LATEST, *COUNTS, "email", "email_domain", "email_kind", "phone", "demo_requested", "last_activity_at",
        "created_at", "status", "consent", "outcome", "notes", "issues", "identity",
    )  # fmt: skip
    listed = ", ".join(columns)
    counts = ", ".join(f"CAST(coalesce({name}, 0) AS BIGINT) AS {name}" for name in COUNTS)
    issues = ", ".join(f"CASE WHEN issues & {1 << place} > 0 THEN '{name}' END" for place, name in enumerate(ISSUES))
    return f"""
WITH whole AS (
    SELECT {listed}, 1 AS merged_from, [line] AS merged_lines, NULL AS reasons,
        coalesce(created_at, last_activity_at) AS first_seen_at, coalesce(last_activity_at, created_at) AS last_seen_at
    FROM judged
    WHERE reason IS NULL AND line NOT IN (SELECT line FROM member)
    UNION ALL
    SELECT {listed}, merged_from, merged_lines, why.reasons, first_seen_at, last_seen_at
    FROM merged
    JOIN (
        SELECT first_line, list(DISTINCT reason ORDER BY reason) AS reasons FROM cluster GROUP BY first_line
    ) AS why ON why.first_line = merged.line
)
SELECT md5(substr(identity, 2)) AS lead_id, external_id,
    nullif(concat_ws(' ', first_name, last_name), '') AS full_name, first_name, last_name,
    email, email_domain, email_kind, phone AS phone_e164, company, company_normalised, job_title, seniority,
    department, country AS country_iso2, city, website, source, industry, CAST(employees AS BIGINT) AS employees,
    annual_revenue, {counts}, demo_requested, last_activity_at, created_at, coalesce(status, 'new') AS status, consent,
    outcome, notes, extra,
    CASE WHEN issues = 0 THEN [] ELSE list_filter([{issues}], lambda issue: issue IS NOT NULL) END AS issues,
    CAST(merged_from AS BIGINT) AS merged_from, merged_lines,
    coalesce(reasons, []) AS merge_reasons,
    coalesce(first_seen_at, CAST(run_facts.as_of AS TIMESTAMP)) AS first_seen_at,
    coalesce(last_seen_at, CAST(run_facts.as_of AS TIMESTAMP)) AS last_seen_at,
    run_facts.run_id
FROM whole CROSS JOIN run_facts
ORDER BY lead_id
"""
