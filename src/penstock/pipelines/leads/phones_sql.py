"""SQL that decides telephone numbers with a country's code by the numbering plans of ``phonenumbers``.

What it leaves open, ``phones.tidy_phone`` decides. It is made for each run, of the plans that are installed.
"""

from __future__ import annotations

import functools
from typing import Any

from penstock.pipelines.leads.phones import kinds_of

# Countries from which most numbers come. Each costs every run the compiling of its patterns.
CODES = ("1", "44", "49", "33", "34", "39", "31", "32", "41", "43", "91", "61")
INVALID = "!"
TEXTS = """
    SELECT incoming.line, trim(incoming.phone) AS text,
        coalesce(country_value.country, run_facts.default_country) AS country
    FROM incoming CROSS JOIN run_facts LEFT JOIN country_value ON country_value.text = incoming.country
    WHERE incoming.refused IS NULL AND incoming.phone IS NOT NULL AND trim(incoming.phone) <> ''
"""
# Without plans, all is open.
OPEN = f"SELECT line, text, country, CAST(NULL AS VARCHAR) AS decided FROM ({TEXTS})"


@functools.cache
def decided() -> str:
    """Returns the step with each record's number: two letters of its country and E.164, or that it is none, or NULL.

    NULL is for what is open.
    """
    cases = " ".join(f"WHEN starts_with(digits, '+{code}') THEN {_of_code(code)}" for code in CODES)
    return rf"""
SELECT line, text, country, CASE WHEN digits IS NOT NULL THEN CASE {cases} END END AS decided
FROM (
    SELECT *, CASE WHEN regexp_full_match(text, '\+[0-9 ()./-]{{5,24}}') AND NOT contains(text, '(0)')
        THEN {_without(" ()./-", "text")} END AS digits
    FROM ({TEXTS})
)
"""


def _without(signs: str, text: str) -> str:
    for sign in signs:
        text = f"replace({text}, '{sign}', '')"
    return text


def _of_code(code: str) -> str:
    import phonenumbers

    first, *others = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]
    data = phonenumbers.PhoneMetadata.metadata_for_region(first)
    if data is None or data.leading_digits:
        return "NULL"
    national = f"substr(digits, {len(code) + 2})"
    trunk = data.national_prefix_for_parsing
    begins = f"WHEN regexp_matches({national}, '^(?:{trunk})') THEN NULL " if trunk else ""
    # Where several countries have a code, only the numbers of the first are plain.
    otherwise = "" if others else f"ELSE '{INVALID}' "
    return f"CASE {begins}WHEN {_is_valid(data, national)} THEN '{first}' || digits {otherwise}END"


def _is_valid(data: Any, national: str) -> str:
    kinds: dict[tuple[int, ...], list[str]] = {}
    for pattern, lengths in kinds_of(data):
        kinds.setdefault(lengths, []).append(pattern)
    cases = [
        f"{_has_length(lengths, national)}regexp_full_match({national}, '{'|'.join(patterns)}')"
        for lengths, patterns in kinds.items()
    ]
    general = f"regexp_full_match({national}, '{data.general_desc.national_number_pattern}')"
    return f"{general} AND ({' OR '.join(f'({case})' for case in cases) or 'FALSE'})"


def _has_length(lengths: tuple[int, ...], text: str) -> str:
    """Returns the condition that a text has one of some lengths, with what joins it to another."""
    if not lengths:
        return ""
    if set(range(min(lengths), max(lengths) + 1)) == set(lengths):
        return f"length({text}) BETWEEN {min(lengths)} AND {max(lengths)} AND "
    return f"({' OR '.join(f'length({text}) = {length}' for length in lengths)}) AND "
