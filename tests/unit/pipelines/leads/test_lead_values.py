"""Single values: telephone numbers, e-mail addresses, names, dates, numbers, countries."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cleaned_leads import clean

from penstock.pipelines.leads import countries, domains
from penstock.pipelines.leads.clusters import cluster_firsts
from penstock.pipelines.leads.columns import plain
from penstock.pipelines.leads.dates import read_date
from penstock.pipelines.leads.emails import tidy_email
from penstock.pipelines.leads.names import split_name, tidy_name, tidy_text
from penstock.pipelines.leads.phones import is_absent, tidy_phone
from penstock.pipelines.leads.quantities import read_number

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        # Numbers that regulators set aside for drama, or of public offices.
        ("+44 20 7946 0958", None, "GB+442079460958"),
        ("020 7946 0958", "GB", "GB+442079460958"),
        ("+44 (0)20 7946 0958", None, "GB+442079460958"),
        ("0044 20 7946 0958", "DE", "GB+442079460958"),
        ("(202) 456-1111", "US", "US+12024561111"),
        ("1-202-456-1111", "US", "US+12024561111"),
        ("202.456.1111 ext. 5", "US", "US+12024561111"),
        # Italy's numbers keep their zero; this one is across the border of another country.
        ("+39 06 6982", None, "VA+39066982"),
        ("+33 1 42 92 81 00", None, "FR+33142928100"),
        ("01 42 92 81 00", "FR", "FR+33142928100"),
        ("+49 30 18 272 272 0", None, "DE+493018" + "2722720"),
        ("4.42079460958E+11", "GB", "GB+442079460958"),
        ("call me", "US", None),
        ("123", "US", None),
        ("2024561111", None, None),
        ("+1 202 456 1111; +1 202 456 1414", None, "US+12024561111"),
    ],
)
def test_phone(text: str, country: str | None, expected: str | None) -> None:
    assert tidy_phone(text, country) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_phones_are_what_the_library_says(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        text, country = _number(chance)
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            number = None
        expected = None
        if number is not None and phonenumbers.is_valid_number(number):
            expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        found = tidy_phone(text, country)
        assert (found and found[2:]) == expected, (text, country)


def _number(chance: random.Random) -> tuple[str, str | None]:
    """Returns a number that is sound, or nearly, as a person of some country writes it."""
    region = chance.choice(REGIONS)
    example = phonenumbers.example_number_for_type(region, chance.choice((0, 1, 3)))
    if example is None:
        return "+12024561111", None
    form = chance.choice((phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL))
    signs = list(phonenumbers.format_number(example, form))
    for place, sign in enumerate(signs):
        # The first digits stay: 00 would be another country's number, which the library alone does not know.
        if place > 2 and sign.isdigit() and chance.random() < 0.15:
            signs[place] = str(chance.randrange(10))
    return "".join(signs), chance.choice((region, region, None))


@pytest.mark.parametrize("text", ["", "-", "n/a", "N/A", "none", "0", "000", "unknown"])
def test_no_phone_is_no_mistake(text: str) -> None:
    assert is_absent(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann.Lee@Example.COM", "ann.lee@example.com"),
        (" <ann@example.com> ", "ann@example.com"),
        ("Ann Lee <ann@example.com>", "ann@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("ann (at) example (dot) com", "ann@example.com"),
        ("ann @ example.com", "ann@example.com"),
        ("ann@example.com; bob@example.com", "ann@example.com"),
        ("broken@, bob@example.com", "bob@example.com"),
        ("jörg@müller.de", "jörg@müller.de"),
        ("ann@example", None),
        ("ann@@example.com", None),
        ("ann.@example.com", None),
        ("ann@-example.com", None),
        ("ann@localhost", None),
        ("ann@shop.test", None),
        ("ann@" + "a" * 64 + ".com", None),
        ("a" * 65 + "@example.com", None),
        ("Robert'); DROP TABLE leads;--@example.com", None),
        ("none", None),
    ],
)
def test_email(text: str, expected: str | None) -> None:
    assert tidy_email(text) == expected


_WORDS = st.text("ab9+._-@", min_size=1, max_size=12)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(_WORDS, _WORDS, st.sampled_from(["com", "de", "co.uk", "x", "test", "local", "c0m", "-a"])),
                min_size=25, max_size=25, unique=True))  # fmt: skip
def test_emails_are_what_the_library_says(made: list[tuple[str, str, str]]) -> None:
    texts = [f"{local}@{domain}.{end}" for local, domain, end in made]
    leads, _ = clean("email,id\n" + "".join(f"{text},{number}\n" for number, text in enumerate(texts)))
    found = {lead.merged_lines[0] - 2: lead.email for lead in leads}
    merged = {line - 2 for lead in leads for line in lead.merged_lines}
    for number, text in enumerate(texts):
        try:
            expected = validate_email(text, check_deliverability=False, strict=True).normalized.lower()
        except EmailNotValidError:
            expected = None
        # What stands around an address is taken away first: such texts are the other test's.
        if text.strip(".,:") == text and text.count("@") == 1 and any(map(str.isalnum, text.partition("@")[0])):
            assert (number in merged) == (expected is not None), text
            assert number not in found or found[number] in {expected, text}, text


@pytest.mark.parametrize(
    ("address", "kind"),
    [("ann@acme.com", "business"), ("ann@gmail.com", "free"), ("info@acme.com", "role"), ("info+de@acme.com", "role"),
     ("x@mailinator.com", "disposable"), ("x@sub.mailinator.com", "disposable"), ("sales@yopmail.com", "disposable")],
)  # fmt: skip
def test_email_kind(address: str, kind: str) -> None:
    local, _, domain = address.partition("@")
    assert domains.kind(domain, local) == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("JEAN-LUC", "Jean-Luc"), ("o'brien", "O'Brien"), ("MCDONALD", "McDonald"), ("  Ann   Lee ", "Ann Lee"),
        ("van der berg", "Van der Berg"), ("DeShawn", "DeShawn"), ("😀 Ann 😀", "Ann"), ("\u202eAnn\u202c", "Ann"),
        ("مُحَمَّد", "مُحَمَّد"), ("FranÃ§ois", "François"), ("Null", "Null"),
        ("N/A", None), ("-", None), ("\u200b", None),
        ("e\u0301lodie", "Élodie"), ("李", "李"),
    ],
)  # fmt: skip
def test_name(text: str, expected: str | None) -> None:
    assert tidy_name(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann Lee", "Ann|Lee"), ("Lee, Ann", "Ann|Lee"), ("Dr. Ann Lee", "Ann|Lee"), ("Ann Lee, PhD", "Ann|Lee"),
        ("Ann Lee Jr.", "Ann|Lee"), ("Ludwig van Beethoven", "Ludwig|van Beethoven"), ("Madonna", "Madonna|"),
        ("ANA MARÍA DE LA CRUZ", "Ana María|de la Cruz"), ("Robert (Bob) Smith", "Robert|Smith"), ("?", None),
    ],
)  # fmt: skip
def test_full_name(text: str, expected: str | None) -> None:
    assert split_name(text) == expected


def test_text_keeps_its_signs_and_loses_what_is_not_seen() -> None:
    assert tidy_text("Ann\u0000 & \t Söhne 😀\u202e") == "Ann & Söhne 😀"


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("2026-02-03", False, "2026-02-03 00:00:00"), ("03/02/2026", True, "2026-02-03 00:00:00"),
        ("03/02/2026", False, "2026-03-02 00:00:00"), ("13/02/2026", False, "2026-02-13 00:00:00"),
        ("02/13/2026", True, "2026-02-13 00:00:00"), ("3.2.2026", False, "2026-02-03 00:00:00"),
        ("3.2.26 14:05", False, "2026-02-03 14:05:00"), ("Feb 3, 2026", False, "2026-02-03 00:00:00"),
        ("3 février 2026", False, "2026-02-03 00:00:00"), ("3. März 2026", False, "2026-03-03 00:00:00"),
        ("3 de febrero de 2026", False, "2026-02-03 00:00:00"),
        ("Tuesday, 3rd February 2026", False, "2026-02-03 00:00:00"),
        ("02/03/2026 2:05 PM", False, "2026-02-03 14:05:00"),
        ("2026-02-03T14:05:00+02:00", False, "2026-02-03 12:05:00"),
        ("20260203", False, "2026-02-03 00:00:00"), ("1770076800", False, "2026-02-03 00:00:00"),
        ("1770076800000", False, "2026-02-03 00:00:00"), ("46056", False, "2026-02-03 00:00:00"),
        ("12:00", False, None), ("31/02/2026", True, None), ("2026-13-01", False, None), ("1066-10-14", False, None),
        ("yesterday", False, None), ("03 Xyz 2026", False, None), ("99999", False, None),
    ],
)  # fmt: skip
def test_date(text: str, day_first: bool, expected: str | None) -> None:
    assert read_date(text, day_first) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12), ("1,234", 1234), ("1.234", 1234), ("1.234,56", 1234.56), ("1,234.56", 1234.56), ("1 234", 1234),
        ("1'234", 1234), ("0.5", 0.5), ("0.125", 0.125), ("51-200", 51), ("51 \u2013 200", 51), ("10k", 10_000),
        ("$5M", 5e6), ("€ 1,5 Mio.", 1.5e6), ("10-50M", 1e7), ("5 million", 5e6), ("2bn USD", 2e9), ("1000+", 1000),
        ("more than 500", 500), ("200 employees", 200), ("51 to 200", 51), ("-5", None), ("many", None), ("", None),
        ("1e5 oranges", None), ("12 monkeys", None), ("9" * 20, None),
    ],
)  # fmt: skip
def test_number(text: str, expected: float | None) -> None:
    assert read_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Germany", "DE"), ("Deutschland", "DE"), ("DEU", "DE"), ("de", "DE"), ("U.S.A.", "US"), ("United States", "US"),
     ("états-unis", "US"), ("England", "GB"), ("UK", "GB"), ("Côte d\u2019Ivoire", "CI"), ("Korea, Republic of", None),
     ("日本", "JP"), ("Россия", "RU"), ("Atlantis", None), ("España", "ES"), ("The Netherlands", "NL")],
)  # fmt: skip
def test_country(text: str, expected: str | None) -> None:
    assert countries.names().get(plain(text)) == expected


def test_every_country_has_its_two_and_three_letters() -> None:
    known = countries.names()
    assert len(set(known.values())) == 249
    assert all(known[letters.casefold()] == letters for letters in known.values())
    assert len([name for name in known if len(name) == 3 and name.isascii()]) >= 249
    assert all(plain(name) == name for name in known)


def test_the_names_are_those_of_the_list_that_phonenumbers_brings() -> None:
    from phonenumbers.geodata.locale import LOCALE_DATA

    known = countries.names()
    for letters in set(known.values()) & LOCALE_DATA.keys():
        for language in ("en", "de", "fr", "es", "it", "ja", "ar"):
            name = LOCALE_DATA[letters].get(language, "")
            name = LOCALE_DATA[letters].get(name[1:], "") if name.startswith("*") else name
            # Congo and Korea are two countries each, and Saint Martin is on two sides of a border.
            assert not name or known[plain(name)] == letters or letters in {"CD", "CG", "KP", "KR", "MF", "SX"}, name


def test_clusters_are_connected_pairs() -> None:
    assert cluster_firsts([5, 2, 9], [6, 5, 10]) == [2, 2, 9]
    assert cluster_firsts([], []) == []
    # A chain, in the worst order.
    chain = list(range(1000, 0, -1))
    assert set(cluster_firsts(chain, [one + 1 for one in chain])) == {1}
