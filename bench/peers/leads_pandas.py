"""The leads script that a data engineer writes: pandas, and the usual library for each kind of value.

It does what the pipeline does: the same columns, the same validity, the same identities and merge rules. Values that
repeat are remembered (``lru_cache``), and names are compared in blocks, as one learns to do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import phonenumbers
from dateutil import parser as dates
from email_validator import EmailNotValidError, validate_email
from rapidfuzz.distance import JaroWinkler

from penstock.pipelines.leads import domains
from penstock.pipelines.leads.countries import names
from penstock.pipelines.leads.words import DEPARTMENTS, LEGAL_FORMS, NO, SENIORITY, STATUSES, YES

NAMES = {
    "First Name": "first_name", "Last Name": "last_name", "Email Address": "email", "Phone": "phone",
    "Company": "company", "Job Title": "job_title", "Country": "country", "City": "city", "Website": "website",
    "Lead Source": "source", "Industry": "industry", "# Employees": "employees", "Annual Revenue": "annual_revenue",
    "Visits": "visits", "Page Views": "page_views", "Email Opens": "email_opens", "Email Clicks": "email_clicks",
    "Downloads": "downloads", "Demo Requested": "demo_requested", "Last Activity": "last_activity_at",
    "Created": "created_at", "Lead Status": "status", "Opt In": "consent", "Notes": "notes", "Campaign": "extra",
}  # fmt: skip
COUNTS = ["visits", "page_views", "email_opens", "email_clicks", "downloads"]
UNITS = {"": 1, "k": 1e3, "m": 1e6, "b": 1e9}
KINDS = {"business": 3, "free": 2, "role": 1}
_COUNTRIES = names()


@lru_cache(maxsize=100_000)
def email_of(text: str) -> str | None:
    """Returns a valid address in small letters."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def phone_of(text: str, country: Any) -> str | None:
    """Returns a valid number in E.164."""
    try:
        number = phonenumbers.parse(text, country if isinstance(country, str) else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=100_000)
def date_of(text: str) -> Any:
    """Returns a time in UTC."""
    try:
        return dates.parse(text, dayfirst="." in text).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=100_000)
def number_of(text: str) -> float | None:
    """Returns the lower end of a number as people write it."""
    match = re.match(r"\s*\$?([\d.,]+)\s*([kmb]?)(?:\+|\s*-\s*[\d.,]+\s*([kmb]?))?$", text.casefold())
    if match is None:
        return None
    return float(match[1].replace(",", "")) * UNITS[match[2] or match[3] or ""]


@lru_cache(maxsize=100_000)
def company_of(text: str) -> str:
    """Returns a company's name for comparing."""
    words = re.sub(r"[^\w]+", " ", re.sub(r"[.'\u2019]", "", unaccented(text)).replace("&", " and ")).strip()
    return re.sub(rf"( and)?( (and )?({LEGAL_FORMS}))+$", "", re.sub(r"^the ", "", words)) or words


@lru_cache(maxsize=100_000)
def by_rules(text: str, rules: tuple[tuple[str, str], ...], other: str) -> str:
    """Returns the first rule's word whose pattern is found."""
    bare = unaccented(text)
    return next((word for word, pattern in rules if re.search(pattern, bare)), other)


@lru_cache(maxsize=100_000)
def country_of(text: str) -> str | None:
    """Returns the two letters of a country's name or code."""
    return _COUNTRIES.get(re.sub(r"[\W_]+", "", unaccented(text)))


@lru_cache(maxsize=100_000)
def unaccented(text: str) -> str:
    """Returns a text in small letters and without accents."""
    signs = unicodedata.normalize("NFKD", text.casefold())
    return signs if signs.isascii() else "".join(sign for sign in signs if not unicodedata.combining(sign))


@lru_cache(maxsize=100_000)
def name_of(text: str) -> str | None:
    """Returns a name with its capitals put right."""
    bare = " ".join(text.split())
    return (bare.title() if bare.isupper() or bare.islower() else bare) or None


def yes_or_no(text: str) -> bool | None:
    """Returns what a yes or a no means."""
    bare = text.strip().lower()
    return True if bare in YES else False if bare in NO else None


def clean(path: Path, as_of: date, told: Callable[[str], None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the leads and the rejects of a file."""
    frame = load(path)
    told("read")
    absent = ("", "n/a", "-", "none")
    nothing_given = (
        (frame["email"] == "") & frame["phone"].isin(absent) & (frame["last_name"] != "") & (frame["company"] != "")
    )
    frame["email"] = frame["email"].map(email_of)
    frame["email_domain"] = frame["email"].str.partition("@")[2]
    frame["email_kind"] = [
        domains.kind(domain, email.partition("@")[0]) if isinstance(email, str) else None
        for email, domain in zip(frame["email"], frame["email_domain"], strict=True)
    ]
    frame["country"] = frame["country"].map(country_of)
    frame["phone"] = [phone_of(text, country) for text, country in zip(frame["phone"], frame["country"], strict=True)]
    for column in ("first_name", "last_name", "city"):
        frame[column] = frame[column].map(name_of)
    frame["company_normalised"] = frame["company"].map(company_of)
    frame["seniority"] = [by_rules(text, SENIORITY, "staff") for text in frame["job_title"]]
    frame["department"] = [by_rules(text, DEPARTMENTS, "other") for text in frame["job_title"]]
    frame["status"] = [by_rules(text, STATUSES, "new") for text in frame["status"]]
    frame["website"] = frame["website"].str.lower().str.extract(r"^(?:[a-z]+://)?(?:www\.)?([^/?#]+)")[0]
    for column in ("employees", "annual_revenue", *COUNTS):
        frame[column] = frame[column].map(number_of)
    frame["demo_requested"] = frame["demo_requested"].map(yes_or_no).eq(True)  # noqa: FBT003
    frame["consent"] = frame["consent"].map(yes_or_no).astype("boolean")
    frame["notes"] = frame["notes"].where(frame["notes"] != "", None)
    for column in ("last_activity_at", "created_at"):
        frame[column] = pd.to_datetime(frame[column].map(date_of))
        frame.loc[frame[column] > pd.Timestamp(as_of) + pd.Timedelta(days=2), column] = pd.NaT
    told("cleaned")
    reachable = frame["email"].notna() | frame["phone"].notna() | nothing_given
    rejects, frame = frame[~reachable], frame[reachable].copy()
    leads = merge(frame)
    told("deduplicated")
    return leads, rejects


def load(path: Path) -> pd.DataFrame:
    """Returns a file's records as text."""
    if path.suffix == ".csv":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    else:
        frame = pd.read_json(path, dtype=False, convert_dates=False, lines=path.suffix == ".lines")
    frame = frame.rename(columns=NAMES)
    frame["line"] = range(1, len(frame) + 1)
    return frame


def merge(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a person."""
    frame["name_key"] = (frame["first_name"].fillna("") + " " + frame["last_name"].fillna("")).str.lower()
    frame["identity"] = frame["email"].where(
        frame["email"].notna(), frame["phone"].fillna("") + "|" + frame["name_key"]
    )
    firsts = frame.groupby("identity")["line"].transform("min")
    parents = dict(zip(frame["line"], firsts, strict=True))
    distinct = frame.drop_duplicates("identity")
    for one, other in pairs(distinct):
        parents[root(parents, max(one, other))] = root(parents, min(one, other))
    frame["group"] = [root(parents, line) for line in frame["line"]]
    frame["fresh"] = frame["last_activity_at"].fillna(frame["created_at"])
    frame = frame.sort_values(["group", "fresh", "line"], na_position="first")
    rules: dict[str, Any] = dict.fromkeys(frame.columns.difference(["group", "line"]), "last")
    rules |= dict.fromkeys([*COUNTS, "last_activity_at", "demo_requested"], "max") | {"line": "size"}
    rules |= {"created_at": "min", "consent": "min"}
    leads = frame.groupby("group").agg(rules).rename(columns={"line": "merged_from"})
    return together(leads, frame[frame["group"].duplicated(keep=False)]).reset_index()


def together(leads: pd.DataFrame, several: pd.DataFrame) -> pd.DataFrame:
    """Puts in what the latest of several records does not say alone: the best address, all notes, a refusal."""
    ranked = several.assign(rank=several["email_kind"].map(KINDS)).sort_values(
        "rank", kind="stable", na_position="first"
    )
    leads.update(ranked.groupby("group")[["email", "email_domain", "email_kind"]].last())
    noted = several[several["notes"].notna()]
    leads.update(noted.groupby("group")["notes"].agg(lambda notes: "\n".join(sorted({*notes}))))
    leads.loc[several.loc[several["status"] == "unsubscribed", "group"].unique(), "status"] = "unsubscribed"
    return leads


def root(parents: dict[int, int], line: int) -> int:
    """Returns the first of a group."""
    while parents[line] != line:
        parents[line] = parents[parents[line]]
        line = parents[line]
    return line


def pairs(distinct: pd.DataFrame) -> list[tuple[int, int]]:
    """Returns the pairs that are one person: neighbours with one number, or in one company, with names alike."""
    found = []
    phones = distinct[distinct["phone"].notna()]
    shared = phones[phones["phone"].duplicated(keep=False)]
    companies = distinct[distinct["company_normalised"] != ""]
    some = companies.loc[companies["email"].isna(), "company_normalised"].unique()
    blocks = {"phone": shared, "company_normalised": companies[companies["company_normalised"].isin(some)]}
    for block, rows in blocks.items():
        columns = [block, "line", "first_name", "last_name", "email", "phone"]
        records = list(rows.sort_values([block, "last_name", "first_name"])[columns].itertuples(index=False, name=None))
        for place, a in enumerate(records):
            for b in records[place + 1 : place + 5]:
                if a[0] != b[0]:
                    break
                if alike(a, b) and (block == "phone" or not contradict(a, b)):
                    found.append((a[1], b[1]))
    return found


def alike(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether two names are one person's."""
    return (
        JaroWinkler.similarity(str(a[3]).lower(), str(b[3]).lower()) >= 0.92
        and JaroWinkler.similarity(str(a[2]).lower(), str(b[2]).lower()) >= 0.88
    )


def contradict(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether two records give different addresses or numbers."""
    return any(isinstance(a[at], str) and isinstance(b[at], str) and a[at] != b[at] for at in (4, 5))
