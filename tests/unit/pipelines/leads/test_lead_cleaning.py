"""Records → leads: what is made of each column, what is refused, and which records are one person."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cleaned_leads import AS_OF, ETL, clean, clean_records, cleaned, incoming

from penstock.pipelines.leads.cleaning import STEPS
from penstock.pipelines.leads.duplicates_sql import NEIGHBOURS
from penstock.pipelines.leads.records import Incoming, Lead

WHOLE = {
    "ID": "17", "First Name": "ANN", "Last Name": "o'brien", "Email": "Ann@Acme.co.uk", "Phone": "020 7946 0958",
    "Company": "The Acme Group, Ltd.", "Job Title": "Head of  Marketing", "Country": "England", "City": "LONDON",
    "Website": "https://www.Acme.co.uk/about?x=1", "Lead Source": " Trade show ", "Industry": "Software",
    "# Employees": "51-200", "Annual Revenue": "£1.5M", "Visits": "1,200", "Page Views": "7", "Email Opens": "3.0",
    "Email Clicks": "", "Downloads": None, "Webinars attended": "2", "Demo requested": "Yes",
    "Last Activity": "13/02/2026", "Created": "2025-12-01T10:00:00+02:00", "Lead Status": "Marketing Qualified Lead",
    "Opt in": "ja", "Converted": "no", "Notes": " asked twice ", "Shoe size": "42",
}  # fmt: skip


def one(**record: Any) -> Lead:
    leads, rejects = clean(json.dumps([record]))
    assert rejects == []
    (lead,) = leads
    return lead


def test_every_column() -> None:
    lead = one(**WHOLE)
    assert lead == Lead(
        lead_id=lead.lead_id, external_id="17", full_name="Ann O'Brien", first_name="Ann", last_name="O'Brien",
        email="ann@acme.co.uk", email_domain="acme.co.uk", email_kind="business", phone_e164="+442079460958",
        company="The Acme Group, Ltd.", company_normalised="acme group", job_title="Head of Marketing",
        seniority="director", department="marketing", country_iso2="GB", city="London", website="acme.co.uk",
        source="Trade show", industry="Software", employees=51, annual_revenue=Decimal("1500000.00"), visits=1200,
        page_views=7, email_opens=3, email_clicks=0, downloads=0, events_attended=2, demo_requested=True,
        last_activity_at=datetime(2026, 2, 13, tzinfo=UTC), created_at=datetime(2025, 12, 1, 8, tzinfo=UTC),
        status="qualified", consent=True, outcome=False, notes="asked twice", extra='{"Shoe size":"42"}', issues=[],
        merged_from=1, merged_lines=[1], merge_reasons=[], first_seen_at=datetime(2025, 12, 1, 8, tzinfo=UTC),
        last_seen_at=datetime(2026, 2, 13, tzinfo=UTC), run_id="run",
    )  # fmt: skip
    assert len(lead.lead_id) == 32


def test_what_is_amiss_is_left_out_and_said() -> None:
    lead = one(
        email="a@b.com", phone="12", country="Atlantis", website="none at all", employees="many", revenue="lots",
        visits="some", created="31/31/2026", last_activity="2031-01-01",
    )  # fmt: skip
    assert lead.issues == [
        "phone_invalid", "country_unknown", "website_invalid", "employees_unreadable", "annual_revenue_unreadable",
        "count_unreadable", "date_unreadable", "date_in_future",
    ]  # fmt: skip
    assert (lead.phone_e164, lead.country_iso2, lead.website, lead.employees, lead.created_at) == (None,) * 5
    assert lead.first_seen_at == datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC)


def test_that_nothing_is_known_is_nothing_amiss() -> None:
    lead = one(email="a@b.com", phone="n/a", company="unknown", visits="-", created="never", title="?", source="N/A")
    assert (lead.issues, lead.company, lead.visits, lead.job_title, lead.source) == ([], None, 0, None, None)


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        # The other date of the file shows the order; without one, the countries do.
        (["03/04/2025", "13/04/2025"], [(4, 3), (4, 13)]),
        (["03/04/2025", "04/13/2025"], [(3, 4), (4, 13)]),
        (["03/04/2025", "2025-01-02"], [(4, 3), (1, 2)]),
    ],
)
def test_the_file_says_whether_the_day_comes_first(dates: list[str], expected: list[tuple[int, int]]) -> None:
    leads, _ = clean("email,created\n" + "".join(f"a{number}@b.com,{one}\n" for number, one in enumerate(dates)))
    assert [(lead.created_at.month, lead.created_at.day) for lead in leads if lead.created_at] == expected
    guessed = ["date_ambiguous" in lead.issues for lead in leads]
    assert guessed == ([True, False] if dates[1].startswith("2025") else [False, False])


def test_americans_write_the_month_first() -> None:
    leads, _ = clean("email,country,created\na@b.com,USA,03/04/2025\nc@d.com,USA,05/06/2025\n")
    assert [lead.created_at and lead.created_at.month for lead in leads] == [3, 5]


@pytest.mark.parametrize(
    ("title", "seniority", "department"),
    [
        ("CEO", "c_level", "executive"), ("Chief Marketing Officer", "c_level", "marketing"),
        ("Founder & CEO", "owner", "executive"), ("SVP Sales EMEA", "vp", "sales"),
        ("Vice President, Engineering", "vp", "engineering"), ("Head of Procurement", "director", "procurement"),
        ("Geschäftsführerin", "c_level", "executive"), ("Product Owner", "manager", "product"),
        ("Executive Assistant to the CEO", "entry", "executive"), ("Marketing Intern", "student", "marketing"),
        ("Internal Auditor", "staff", "finance"), ("Senior Data Scientist", "senior", "data"),
        ("IT-Leiter", "director", "it"), ("Software Developer", "staff", "engineering"),
        ("HR Manager", "manager", "human_resources"), ("Directeur commercial", "director", "sales"),
        ("Baker", "staff", "other"),
    ],
)  # fmt: skip
def test_job_title(title: str, seniority: str, department: str) -> None:
    lead = TITLED[title]
    assert (lead.seniority, lead.department) == (seniority, department)


_TITLES = [
    "CEO", "Chief Marketing Officer", "Founder & CEO", "SVP Sales EMEA", "Vice President, Engineering",
    "Head of Procurement", "Geschäftsführerin", "Product Owner", "Executive Assistant to the CEO", "Marketing Intern",
    "Internal Auditor", "Senior Data Scientist", "IT-Leiter", "Software Developer", "HR Manager",
    "Directeur commercial", "Baker",
]  # fmt: skip
TITLED = {
    lead.job_title or "": lead
    for lead in clean(json.dumps([{"email": f"a{at}@b.com", "title": one} for at, one in enumerate(_TITLES)]))[0]
}


@pytest.mark.parametrize(
    "names",
    [
        ["Müller GmbH & Co. KG", "MULLER GMBH", "müller"], ["Acme, Inc.", "The ACME Corporation", "Acme L.L.C."],
        ["Société Générale S.A.", "societe generale"], ["Bloggs & Sons Ltd", "Bloggs and Sons"], ["Limited", "LIMITED"],
    ],
)  # fmt: skip
def test_companies_are_compared_without_their_legal_form(names: list[str]) -> None:
    leads, _ = clean(json.dumps([{"email": f"a{at}@b.com", "company": name} for at, name in enumerate(names)]))
    assert len({lead.company_normalised for lead in leads}) == 1
    assert [lead.company for lead in leads] == names


# Which records are one person.

MERGED: dict[str, tuple[list[dict[str, str]], list[str]]] = {
    "one address in two spellings": ([{"email": "Ann@Acme.com"}, {"email": "ann@acme.com "}], ["same_email"]),
    "a remark in a free address": ([{"email": "a.nn+x@gmail.com"}, {"email": "ann@googlemail.com"}], ["same_email"]),
    "a role's address and one name": (
        [{"email": "info@acme.com", "name": "Ann Lee"}, {"email": "info@acme.com", "name": "ANN LEE"}], ["same_email"],
    ),
    "one number and one name": (
        [{"phone": "+442079460958", "name": "Ann Lee"}, {"phone": "020 7946 0958", "country": "UK", "name": "ann lee"}],
        ["same_phone"],
    ),
    "one number and names alike": (
        [{"phone": "+442079460958", "name": "Katherine Lee", "email": "k@a.com"},
         {"phone": "+442079460958", "name": "Katharine Lee", "email": "kate@b.com"}],
        ["same_phone"],
    ),
    "one number and an initial": (
        [{"phone": "+442079460958", "name": "A. Lee"}, {"phone": "+442079460958", "name": "Ann Lee"}], ["same_phone"],
    ),
    "one number and no name": (
        [{"phone": "+442079460958", "email": "a@b.com", "name": "Ann Lee"}, {"phone": "+442079460958"}], ["same_phone"],
    ),
    "one name in one company": (
        [{"name": "Ann Lee", "company": "Acme Inc"}, {"name": "ann lee", "company": "ACME"}], ["same_name_company"],
    ),
    "one name in one company, an address once": (
        [{"name": "Ann Lee", "company": "Acme Inc", "email": "ann@acme.com"}, {"name": "Ann Lee", "company": "Acme"}],
        ["same_name_company", "similar_name_company"],
    ),
    "names alike in one company, an address once": (
        [{"name": "Catherine Jones", "company": "Acme", "email": "cj@acme.com"},
         {"name": "Cathrine Jones", "company": "Acme"}],
        ["similar_name_company"],
    ),
    "a mistyped address": (
        [{"name": "Ann Lee", "company": "Acme", "email": "ann.lee@acme.com"},
         {"name": "Ann Lee", "company": "Acme", "email": "ann.le@acme.com"}],
        ["mistyped_email"],
    ),
    "one identifier and nothing else": ([{"id": "7", "city": "Rome"}, {"id": "7", "city": "Roma"}], ["same_id"]),
    "a chain": (
        [{"email": "a@b.com", "phone": "+442079460958", "name": "Ann Lee"},
         {"phone": "+442079460958", "name": "Ann Lee"}, {"email": "a@b.com"}],
        ["same_email", "same_phone"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MERGED)
def test_records_of_one_person(case: str) -> None:
    records, reasons = MERGED[case]
    leads, rejects = clean(json.dumps(records))
    assert rejects == []
    (lead,) = leads
    assert lead.merged_from == len(records)
    assert lead.merged_lines == list(range(1, len(records) + 1))
    assert lead.merge_reasons == reasons


APART: dict[str, list[dict[str, str]]] = {
    "a role's address and two names": [
        {"email": "info@acme.com", "name": "Ann Lee"}, {"email": "info@acme.com", "name": "Bob Ray"},
    ],
    "a company's number": [
        {"phone": "+442079460958", "name": "Ann Lee"}, {"phone": "+442079460958", "name": "Bob Ray"},
    ],
    "a company's number without names": [
        {"phone": "+442079460958", "email": "a@b.com"}, {"phone": "+442079460958", "email": "c@d.com"},
    ],
    "namesakes in one company": [
        {"name": "John Smith", "company": "Acme", "email": "john.smith1@acme.com"},
        {"name": "John Smith", "company": "Acme", "email": "john.smith2@acme.com"},
    ],
    "names alike and two addresses": [
        {"name": "John Smith", "company": "Acme", "email": "john.smith@acme.com"},
        {"name": "Joan Smith", "company": "Acme", "email": "joan.smith@acme.com"},
    ],
    "namesakes in two companies": [{"name": "Ann Lee", "company": "Acme"}, {"name": "Ann Lee", "company": "Bolt"}],
    "dots that mean something": [{"email": "an.n@acme.com"}, {"email": "ann@acme.com"}],
    "a remark that may be a name": [{"email": "ann+lee@acme.com"}, {"email": "ann@acme.com"}],
}  # fmt: skip


@pytest.mark.parametrize("case", APART)
def test_records_of_two_people(case: str) -> None:
    leads, rejects = clean(json.dumps(APART[case]))
    assert rejects == []
    assert [lead.merged_from for lead in leads] == [1, 1]


def test_the_lead_says_what_the_latest_record_says() -> None:
    records = [
        {"email": "ann@acme.com", "name": "Ann Lee", "title": "Manager", "visits": 9, "created": "2025-01-01",
         "last activity": "2026-02-01", "consent": "yes", "notes": "b", "status": "working"},
        {"email": "ann@acme.com", "name": "Ann Lee-Ray", "title": "", "visits": 3, "created": "2025-03-01",
         "last activity": "2026-02-10", "consent": "no", "notes": "a", "city": "Rome"},
        {"email": "ann@acme.com", "name": "A. Lee", "title": "Clerk", "city": "Pisa", "created": "2024-06-01",
         "consent": "yes", "notes": "b", "status": "unsubscribed"},
    ]  # fmt: skip
    (lead,), _ = clean(json.dumps(records))
    assert (lead.full_name, lead.job_title, lead.seniority, lead.city) == ("Ann Lee-Ray", "Manager", "manager", "Rome")
    # The most that a count was; the earliest and the latest time; a "no" is a "no"; every note once.
    assert (lead.visits, lead.consent, lead.notes, lead.status) == (9, False, "a\nb", "unsubscribed")
    assert (lead.created_at, lead.last_activity_at) == (
        datetime(2024, 6, 1, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC),
    )  # fmt: skip
    assert (lead.first_seen_at, lead.last_seen_at) == (lead.created_at, lead.last_activity_at)


def test_a_companys_address_is_preferred() -> None:
    records = [
        {"email": "ann@acme.com", "phone": "+442079460958", "name": "Ann Lee", "last activity": "2025-01-01"},
        {"email": "ann@gmail.com", "phone": "+442079460958", "name": "Ann Lee", "last activity": "2026-01-01"},
    ]
    (lead,), _ = clean(json.dumps(records))
    assert (lead.email, lead.email_domain, lead.email_kind) == ("ann@acme.com", "acme.com", "business")


_PEOPLE = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "email": st.sampled_from(["a@x.com", "b@x.com", "c@gmail.com", "info@x.com", "bad"]),
            "phone": st.sampled_from(["+442079460958", "+442079460959", "5"]),
            "full_name": st.sampled_from(["Ann Lee", "Anne Lee", "A Lee", "Bob Ray", "Lee"]),
            "company": st.sampled_from(["Acme", "Acme Inc", "Bolt"]),
            "external_id": st.sampled_from(["1", "2"]),
            "created_at": st.sampled_from(["2025-01-01", "2025-02-01"]),
            "city": st.sampled_from(["Rome", "Pisa"]),
        },
    ),
    max_size=14,
)


@settings(max_examples=12, deadline=None)
@given(_PEOPLE, st.integers(min_value=0, max_value=99))
def test_nothing_is_lost_and_no_lead_is_twice(people: list[dict[str, str]], seed: int) -> None:
    records = [Incoming(line=line, **fields) for line, fields in enumerate(people, start=1)]
    leads, rejects = clean_records(records)
    lines = sorted([line for lead in leads for line in lead.merged_lines] + [reject.line for reject in rejects])
    assert lines == list(range(1, len(people) + 1))
    assert len({lead.lead_id for lead in leads}) == len(leads)
    assert sum(lead.merged_from for lead in leads) + len(rejects) == len(people)
    # The order in which the engine meets the records changes nothing.
    random.Random(seed).shuffle(records)
    assert clean_records(records) == (leads, rejects)


def test_one_file_twice_is_the_same_leads() -> None:
    text = "\n".join(json.dumps({"email": f"a{number}@b{number % 7}.com", "visits": number}) for number in range(300))
    assert clean(text) == clean(text)
    (alone,), _ = clean('{"email": "A17@b3.com"}')
    assert alone.lead_id in {lead.lead_id for lead in clean(text)[0]}


def test_leads_come_in_the_order_of_their_key() -> None:
    with cleaned(incoming("\n".join(json.dumps({"email": f"a{number}@b.com"}) for number in range(50)))) as result:
        found = [lead.lead_id for batch in result.batches("lead") for lead in batch]
    assert found == sorted(found)
    assert len(found) == 50


class Neighbours(msgspec.Struct):
    """How many pairs are compared, and of how many people."""

    pairs: int
    people: int


def test_the_neighbours_of_a_block_are_a_fixed_number() -> None:
    people = [Incoming(line=line, full_name=f"Ann Lee{line}", company="Acme") for line in range(1, 301)]
    told = "SELECT count(other) AS pairs, count(DISTINCT one) AS people FROM neighbour"
    etl = msgspec.structs.replace(ETL, steps={**ETL.steps, "told": told}, outputs={"told": Neighbours})
    with cleaned(people, etl) as result:
        ((told,),) = result.batches("told")
    # The last four of the block have fewer.
    assert (told.people, told.pairs) == (300, NEIGHBOURS * 300 - 10)


def test_no_step_knows_what_time_it_is() -> None:
    text = " ".join(STEPS.values()).lower()
    assert not any(word in text for word in ("now()", "current_", "random(", "uuid", "today("))


def test_the_users_lists_decide_over_those_that_are_shipped() -> None:
    addresses = (
        "a@web.de",
        "b@mailinator.com",
        "c@x.mailinator.com",
        "d@acme.com",
        "e@y.mailinator.com",
        "info@web.de",
    )
    leads, _ = clean(
        "email\n" + "\n".join(addresses) + "\n",
        business=["web.de", "x.mailinator.com"], free=["mailinator.com"], disposable=["acme.com"],
    )  # fmt: skip
    assert {lead.email: lead.email_kind for lead in leads} == {
        "a@web.de": "business", "b@mailinator.com": "free", "c@x.mailinator.com": "business",
        "d@acme.com": "disposable", "e@y.mailinator.com": "business", "info@web.de": "role",
    }  # fmt: skip
    leads, _ = clean("email\na@x.mailinator.com\nb@y.mailinator.com\n", business=["x.mailinator.com"])
    assert [lead.email_kind for lead in leads] == ["business", "disposable"]


def test_a_number_without_a_country_is_read_in_the_default_one() -> None:
    content = "email,phone,country\na@acme.com,01 5331234,\nb@acme.com,020 7946 0018,United Kingdom\n"
    assert [lead.phone_e164 for lead in clean(content)[0]] == [None, "+442079460018"]
    leads, _ = clean(content, default_country="AT")
    assert [(lead.phone_e164, lead.country_iso2) for lead in leads] == [("+4315331234", "AT"), ("+442079460018", "GB")]
