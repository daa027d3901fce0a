"""Numbers that the engine decides are what the library says; it decides most of those with a country's code."""

from __future__ import annotations

import random

import duckdb
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from penstock.pipelines.leads import phones_sql

REGIONS = sorted(
    {region for code in phones_sql.CODES for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]}
)
KINDS = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]


def decided(texts: list[str]) -> dict[str, str | None]:
    """Returns what the step makes of numbers of people whose country is not known."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE country_value(text VARCHAR, country VARCHAR)")
    connection.execute("CREATE TABLE run_facts AS SELECT CAST(NULL AS VARCHAR) AS default_country")
    connection.execute("CREATE TABLE incoming(line BIGINT, phone VARCHAR, country VARCHAR, refused VARCHAR)")
    connection.executemany("INSERT INTO incoming VALUES (?, ?, NULL, NULL)", list(enumerate(texts)))
    return dict(connection.execute(f"SELECT text, decided FROM ({phones_sql.decided()})").fetchall())


def by_library(text: str) -> str:
    """Returns the two letters of a number's country and the number, or that it is none."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return phones_sql.INVALID
    if not phonenumbers.is_valid_number(number):
        return phones_sql.INVALID
    return f"{phonenumbers.region_code_for_number(number)}{phonenumbers.format_number(number, PhoneNumberFormat.E164)}"


@settings(max_examples=8, deadline=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_what_is_decided_is_what_the_library_says(seed: int) -> None:
    chance = random.Random(seed)
    found = decided([_number(chance) for _ in range(300)])
    answers = {text: answer for text, answer in found.items() if answer is not None}
    assert answers == {text: by_library(text) for text in answers}
    # What is left open is of countries that share a code, or close to no number at all.
    assert len(answers) > len(found) / 3


def _number(chance: random.Random) -> str:
    """Returns a number with its country's code that is sound, or nearly."""
    while (example := phonenumbers.example_number_for_type(chance.choice(REGIONS), chance.choice(KINDS))) is None:
        pass
    signs = list(phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL))
    for place, sign in enumerate(signs):
        if place > 3 and sign.isdigit() and chance.random() < 0.2:
            signs[place] = str(chance.randrange(10))
    if chance.random() < 0.2:
        signs.insert(chance.randrange(4, len(signs)), str(chance.randrange(10)))
    if chance.random() < 0.2:
        del signs[chance.randrange(4, len(signs))]
    return "".join(signs).replace(" ", chance.choice((" ", "", "-", ".", "/")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Of public offices, and one that is too short.
        ("+49 30 18 272 272 0", "DE+4930182722720"),
        ("+1 (202) 456-1111", "US+12024561111"),
        ("+33 1 42 92 81", "!"),
        # What a library has to look at: a zero in brackets, a letter, an extension, another country, another country
        # of the same code, and a national number.
        ("+44 (0)20 7946 0958", None),
        ("+1 202 456 1111 x5", None),
        ("+1 800 FLOWERS", None),
        ("+358 9 160 22000", None),
        ("+1 416 392 2489", None),
        ("020 7946 0958", None),
        ("+", None),
    ],
)
def test_what_is_plain_is_decided(text: str, expected: str | None) -> None:
    assert decided([text]) == {text: expected}
