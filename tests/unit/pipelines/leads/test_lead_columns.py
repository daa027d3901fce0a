"""Columns by the names that people give them."""

from __future__ import annotations

import pytest

from penstock.pipelines.leads.columns import ALIASES, FIELDS_LIMIT, canonical, plain, plan
from penstock.pipelines.leads.records import Incoming

# The headers of exports as their makers document them.
HUBSPOT = {
    "First Name": "first_name", "Last Name": "last_name", "Email": "email", "Phone Number": "phone",
    "Company Name": "company", "Job Title": "job_title", "Country/Region": "country", "City": "city",
    "Website URL": "website", "Original Source": "source", "Industry": "industry",
    "Number of Employees": "employees", "Annual Revenue": "annual_revenue", "Number of Sessions": "visits",
    "Number of Pageviews": "page_views", "Marketing emails opened": "email_opens",
    "Marketing emails clicked": "email_clicks", "Last Activity Date": "last_activity_at", "Create Date": "created_at",
    "Lead Status": "status", "Unsubscribed from all email": "opted_out", "Record ID": "external_id",
}  # fmt: skip
SALESFORCE = {
    "Id": "external_id", "FirstName": "first_name", "LastName": "last_name", "Email": "email", "Phone": "phone",
    "MobilePhone": "phone", "Company": "company", "Title": "job_title", "Country": "country", "City": "city",
    "Website": "website", "LeadSource": "source", "Industry": "industry", "NumberOfEmployees": "employees",
    "AnnualRevenue": "annual_revenue", "LastActivityDate": "last_activity_at", "CreatedDate": "created_at",
    "Status": "status", "IsConverted": "outcome", "HasOptedOutOfEmail": "opted_out", "Description": "notes",
}  # fmt: skip
LINKEDIN = {
    "First Name": "first_name", "Last Name": "last_name", "Email Address": "email", "Company": "company",
    "Position": "job_title", "Connected On": "created_at",
}  # fmt: skip
GERMAN = {"Vorname": "first_name", "Nachname": "last_name", "E-Mail-Adresse": "email", "Firma": "company",
          "Land": "country", "Ort": "city", "Telefonnummer": "phone", "Mitarbeiterzahl": "employees"}  # fmt: skip
FRENCH = {"Prénom": "first_name", "Nom de famille": "last_name", "Courriel": "email", "Société": "company",
          "Téléphone": "phone", "Pays": "country", "Chiffre d'affaires": "annual_revenue"}  # fmt: skip


@pytest.mark.parametrize("headers", [HUBSPOT, SALESFORCE, LINKEDIN, GERMAN, FRENCH])
def test_exports_are_understood(headers: dict[str, str]) -> None:
    assert {name: (canonical(name) or ("",))[0] for name in headers} == headers


@pytest.mark.parametrize("name", ["email", "E-Mail", " EMAIL ", "e_mail", "Email:", "É-mail", "E\u2010MAIL"])
def test_case_accents_and_punctuation_do_not_matter(name: str) -> None:
    assert canonical(name) == ("email", 0) or canonical(name) == ("email", 1)


def test_a_nested_name_is_known_by_its_path() -> None:
    assert canonical("company.name") == canonical("Company Name")
    assert canonical("properties.email.value") == canonical("email")
    assert canonical("contact.address.city") == canonical("address city")
    assert canonical("favourite.colour") is None


def test_of_two_columns_the_surer_one_is_asked_first() -> None:
    made = plan(["Mobile Phone", "x", "Phone"])
    assert made.chosen == (("phone", (2, 0)),)
    assert made.extra == ((1, "x"),)


def test_every_field_of_a_record_has_names() -> None:
    own = {"line", "extra", "refused", "message", "raw"}
    assert set(ALIASES) == set(Incoming.__struct_fields__) - own


def test_no_name_means_two_fields() -> None:
    owners: dict[str, set[str]] = {}
    for field, names in ALIASES.items():
        for name in names.split(", "):
            owners.setdefault(plain(name), set()).add(field)
    assert {name: fields for name, fields in owners.items() if len(fields) > 1} == {}


def test_a_column_without_a_name_keeps_its_place() -> None:
    assert plan(["email", " "]).extra == ((1, "column 2"),)


def test_the_limit_is_above_what_people_export() -> None:
    assert FIELDS_LIMIT >= 300
