"""SQL for the values of single columns: each distinct text is judged once.

A step that is named ``…_value`` has one row for each text as it came, with what it means. Plain texts are decided by
expressions; Python is asked for the rest, one call for each different text.
"""

from __future__ import annotations

from penstock.pipelines.leads import phones_sql
from penstock.pipelines.leads.words import DEPARTMENTS, LEGAL_FORMS, NO, SENIORITY, STATUSES, YES

COUNTS = ("visits", "page_views", "email_opens", "email_clicks", "downloads", "events_attended")
NUMBERS = ("employees", "annual_revenue", *COUNTS)
TIMES = ("last_activity_at", "created_at")


def plain_email(column: str) -> str:
    """Returns the expression for a simple address in small letters, and NULL for all else.

    It is sound by this pattern alone: every part of it is what the validating library demands at least. Labels of 63
    letters are the library's to judge, and so are hyphens side by side.
    """
    address = f"lower(trim({column}))"
    return rf"""CASE WHEN regexp_full_match(
            {address}, '[a-z0-9][a-z0-9_+-]*(\.[a-z0-9_+-]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{{2,24}}'
        ) AND strpos({address}, '@') < 64 AND length({address}) - strpos({address}, '@') < 64
            AND NOT regexp_matches({address}, '[@.](arpa|invalid|local|localhost|onion|test)$')
            THEN {address} END"""


def plain_number(column: str) -> str:
    """Returns the expression for a whole number in digits alone, and NULL for all else."""
    return f"CASE WHEN NOT contains({column}, '.') THEN TRY_CAST({column} AS UINTEGER) END"


def plain_time(column: str) -> str:
    """Returns the expression for a time in ISO 8601 in UTC, and NULL for all else."""
    plain = f"substr({column}, 5, 1) = '-' AND (length({column}) IN (10, 19) OR right({column}, 1) = 'Z')"
    return f"CASE WHEN {plain} THEN TRY_CAST({column} AS TIMESTAMP) END"


def steps() -> dict[str, str]:
    """Returns the steps that judge single values. Of them, ``phone_text`` may be ``phones_sql.decided()``."""
    return {
        "flag": FLAG,
        "email_text": EMAIL_TEXT,
        "email_value": EMAIL_VALUE,
        "country_value": COUNTRY_VALUE,
        "phone_text": phones_sql.OPEN,
        "phone_value": PHONE_VALUE,
        "name_value": NAME_VALUE,
        "full_name_value": FULL_NAME_VALUE,
        "company_text": _distinct("company"),
        "company_value": COMPANY_VALUE,
        "title_text": _distinct("job_title"),
        "title_value": _title_value(),
        "word_value": WORD_VALUE,
        "website_value": WEBSITE_VALUE,
        "status_value": _status_value(),
        "number_value": _number_value(),
        "time_text": _time_text(),
        "day_first": DAY_FIRST,
        "time_value": TIME_VALUE,
    }


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _distinct(column: str) -> str:
    return (
        f"SELECT DISTINCT {column} AS text FROM incoming"
        f" WHERE refused IS NULL AND {column} IS NOT NULL AND trim({column}) <> ''"
    )


def _cases(text: str, rules: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"WHEN regexp_matches({text}, '{pattern}') THEN '{word}'" for word, pattern in rules)


EMAIL_TEXT = f"""
SELECT line, email AS text, {plain_email("email")} AS decided
FROM incoming WHERE refused IS NULL AND email IS NOT NULL AND trim(email) <> ''
"""
EMAIL_VALUE = """
SELECT text, tidy_email(text) AS found FROM (SELECT DISTINCT text FROM email_text WHERE decided IS NULL)
"""
# What yes and no are.
FLAG = f"""
SELECT unnest([{_listed(YES)}]) AS word, TRUE AS said UNION ALL SELECT unnest([{_listed(NO)}]), FALSE
"""
PHONE_VALUE = """
SELECT text, country, tidy_phone(text, country) AS found
FROM (SELECT DISTINCT text, country FROM phone_text WHERE decided IS NULL)
"""
COUNTRY_VALUE = """
SELECT found.text, found.name, countries.country
FROM (
    SELECT text, plain(text) AS name
    FROM (SELECT DISTINCT country AS text FROM incoming WHERE refused IS NULL AND country IS NOT NULL)
) AS found
LEFT JOIN countries ON countries.name = found.name
"""
NAME_VALUE = r"""
SELECT text, CASE
    WHEN regexp_full_match(text, '[A-Z][a-z]+') AND text NOT IN ('Unknown', 'Undefined', 'Anonymous', 'Test') THEN text
    ELSE tidy_name(text)
END AS name
FROM (
    SELECT first_name AS text FROM incoming WHERE refused IS NULL AND first_name IS NOT NULL
    UNION SELECT last_name FROM incoming WHERE refused IS NULL AND last_name IS NOT NULL
    UNION SELECT city FROM incoming WHERE refused IS NULL AND city IS NOT NULL
)
"""
FULL_NAME_VALUE = r"""
SELECT text, split_part(pair, '|', 1) AS first_name, split_part(pair, '|', 2) AS last_name
FROM (
    SELECT text, split_name(text) AS pair
    FROM (
        SELECT DISTINCT full_name AS text FROM incoming
        WHERE refused IS NULL AND full_name IS NOT NULL AND (first_name IS NULL OR last_name IS NULL)
    )
)
"""
COMPANY_VALUE = rf"""
WITH plain AS (
    SELECT text, CASE WHEN regexp_full_match(text, '[!-~]+( [!-~]+)*') THEN text ELSE tidy_text(text) END AS company,
        trim(regexp_replace(
            replace(regexp_replace(lower(strip_accents(text)), '[.''`\x{{2019}}]', '', 'g'), '&', ' and '),
            '[^\pL\pN]+', ' ', 'g'
        )) AS words
    FROM company_text
)
SELECT text, company, nullif(coalesce(
    nullif(regexp_replace(regexp_replace(words, '^the ', ''), '( and)?( (and )?({LEGAL_FORMS}))+$', ''), ''), words
), '') AS normalised
FROM plain
WHERE company IS NOT NULL
    AND words NOT IN ('', 'na', 'n a', 'none', 'null', 'unknown', 'undefined', 'private', 'self', 'freelance')
"""
# Words of which a file has few: each is put right once.
WORD_VALUE = r"""
SELECT text, CASE WHEN regexp_full_match(text, '[!-~]+( [!-~]+)*') THEN text ELSE tidy_text(text) END AS word
FROM (
    SELECT source AS text FROM incoming WHERE refused IS NULL AND source IS NOT NULL
    UNION SELECT industry FROM incoming WHERE refused IS NULL AND industry IS NOT NULL
    UNION SELECT external_id FROM incoming WHERE refused IS NULL AND external_id IS NOT NULL
)
WHERE lower(trim(text)) NOT IN ('', '-', '--', '?', 'n/a', 'na', 'none', 'null', 'unknown', 'undefined', '#n/a')
"""
WEBSITE_VALUE = r"""
SELECT text, nullif(regexp_extract(
    lower(trim(text)), '^(?:[a-z]+://)?(?:[^/@]*@)?(?:www\.)?([^\s/?#:@]+\.[^\s/?#:@.]{2,})', 1
), '') AS website
FROM (SELECT DISTINCT website AS text FROM incoming WHERE refused IS NULL AND website IS NOT NULL)
"""
# Whether 03/04/2026 is in April: what the file's other dates show, or else what its leads' countries are used to.
DAY_FIRST = r"""
WITH numbers AS (
    SELECT TRY_CAST(regexp_extract(text, '^([0-9]{1,2})[-/]', 1) AS INTEGER) AS one,
        TRY_CAST(regexp_extract(text, '^[0-9]{1,2}[-/]([0-9]{1,2})[-/]', 1) AS INTEGER) AS two
    FROM time_text
),
votes AS (
    SELECT count(*) FILTER (one > 12 AND two <= 12) AS days, count(*) FILTER (two > 12 AND one <= 12) AS months
    FROM numbers
),
places AS (
    SELECT count(*) FILTER (country_value.country IN ('US', 'PH')) AS american, count(country_value.country) AS known
    FROM incoming JOIN country_value ON country_value.text = incoming.country
)
SELECT CASE WHEN days <> months THEN days > months ELSE american * 2 <= known END AS holds, days = months AS guessed
FROM votes, places
"""

TIME_VALUE = r"""
WITH numbers AS (
    SELECT text, TRY_CAST(regexp_extract(text, '^([0-9]{1,2})[-/]', 1) AS INTEGER) AS one,
        TRY_CAST(regexp_extract(text, '^[0-9]{1,2}[-/]([0-9]{1,2})[-/]', 1) AS INTEGER) AS two
    FROM time_text
)
SELECT text, TRY_CAST(read_date(text, day_first.holds) AS TIMESTAMP) AS value,
    coalesce(day_first.guessed AND one <= 12 AND two <= 12 AND one <> two, FALSE) AS guessed
FROM numbers CROSS JOIN day_first
"""


def _title_value() -> str:
    return rf"""
WITH lowered AS (
    SELECT text, CASE WHEN regexp_full_match(text, '[!-~]+( [!-~]+)*') THEN text ELSE tidy_text(text) END AS title,
        lower(strip_accents(text)) AS words
    FROM title_text
    WHERE lower(trim(text)) NOT IN ('-', '--', '?', 'n/a', 'na', 'none', 'null', 'unknown', 'undefined', '#n/a')
)
SELECT text, title, CASE {_cases("words", SENIORITY)} ELSE 'staff' END AS seniority,
    CASE {_cases("words", DEPARTMENTS)} ELSE 'other' END AS department
FROM lowered
WHERE title IS NOT NULL
"""


def _status_value() -> str:
    return f"""
SELECT text, CASE {_cases("lower(text)", STATUSES)} ELSE 'new' END AS status
FROM (SELECT DISTINCT status AS text FROM incoming WHERE refused IS NULL AND status IS NOT NULL)
"""


def _number_value() -> str:
    texts = " UNION ".join(
        f"SELECT {column} AS text FROM incoming"
        f" WHERE refused IS NULL AND {column} IS NOT NULL AND {plain_number(column)} IS NULL"
        for column in NUMBERS
    )
    return f"SELECT text, read_number(text) AS value FROM ({texts}) WHERE {_said('text')}"


def _time_text() -> str:
    texts = " UNION ".join(
        f"SELECT {column} AS text FROM incoming"
        f" WHERE refused IS NULL AND {column} IS NOT NULL AND {plain_time(column)} IS NULL"
        for column in TIMES
    )
    return f"SELECT text FROM ({texts}) WHERE {_said('text')}"


def _said(column: str) -> str:
    """Returns the condition that a text says something, and not that there is nothing to say."""
    nothing = _listed(
        ("", "-", "--", "?", "n/a", "na", "none", "null", "unknown", "undefined", "#n/a", "never", "nan", "nat")
    )
    return f"lower(trim({column})) NOT IN ({nothing})"
