"""Made-up leads with the mistakes of real files: doubles, typing errors, every style of date, number and telephone.

The same seed and day give the same file, byte by byte, on every machine. Nobody is real: domains are those reserved for
examples (RFC 2606), telephone numbers are, where a country has such, those reserved for fiction.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal, TextIO

Form = Literal["csv", "ndjson", "json"]
Record = dict[str, Any]

FIRST = (
    "Anna", "Ben", "Chloé", "David", "Elif", "François", "Grace", "Hiro", "Inés", "Jürgen", "Kofi", "Lena", "Mary-Jane",
    "Noor", "Olga", "Pedro", "Quentin", "Renée", "Søren", "Thabo", "Uma", "Vera", "William", "Xin", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Adeyemi", "Brown", "Castillo", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jansen", "Kowalski",
    "Lefèvre", "Müller", "Nguyen", "O'Brien", "Petrov", "Quinn", "Rossi", "Schmidt", "Tanaka", "Usman", "van den Berg",
    "Watson", "Xu", "Yıldız", "Zimmermann",  # noqa: RUF001 - a letter of its own in Turkish
)  # fmt: skip
COMPANY_WORDS = (
    "Alpine", "Blue River", "Cedar", "Delta", "Evergreen", "Falcon", "Granite", "Harbour", "Iron Gate", "Juniper",
    "Keystone", "Lakeside", "Meridian", "Northwind", "Orchard", "Pinnacle", "Quarry", "Redwood", "Silver Oak", "Tidal",
)  # fmt: skip
COMPANY_KINDS = (
    "Logistics",
    "Software",
    "Foods",
    "Insurance",
    "Media",
    "Systems",
    "Health",
    "Energy",
    "Retail",
    "Labs",
)
LEGAL_FORMS = ("Inc.", "LLC", "Ltd", "GmbH", "SAS", "BV", "")
FREE = ("gmail.com", "yahoo.com", "outlook.com", "gmx.de", "orange.fr")
DISPOSABLE = ("mailinator.com", "guerrillamail.com")
JOBS = (
    ("Owner", 1.2), ("CEO", 1.1), ("Chief Technology Officer", 1.0), ("VP Sales", 1.0), ("Head of Marketing", 0.8),
    ("Director of Operations", 0.8), ("IT Manager", 0.5), ("Purchasing Manager", 0.6),
    ("Senior Software Engineer", 0.0), ("Data Analyst", -0.1),
    ("Sales Representative", -0.2), ("Office Assistant", -0.5), ("Intern", -1.2),
)  # fmt: skip
SOURCES = (
    ("Referral", 0.9), ("Website", 0.5), ("Webinar", 0.3), ("Trade Show", 0.2), ("LinkedIn", 0.0), ("Cold Call", -0.5),
    ("Purchased List", -1.0),
)  # fmt: skip
INDUSTRIES = ("Software", "Finance", "Retail", "Manufacturing", "Healthcare", "Education", "Logistics", "Agriculture")
NOTES = (
    ("", 0.0), ("", 0.0), ("", 0.0), ("Asked for pricing", 0.8), ("Wants a quote by the end of the month", 1.0),
    ("Not interested at the moment", -1.5), ("No budget this year", -1.2), ("Met at the fair; follow up", 0.2),
)  # fmt: skip
YES, NO = ("yes", "Yes", "true", "1"), ("no", "false", "", "0")
EMPLOYEES = (3, 12, 35, 80, 150, 320, 700, 1500, 4000, 12000)


def _fiction(pattern: str) -> Callable[[Random], str]:
    """Returns a maker of numbers: each # is any digit."""
    return lambda random: "".join(str(random.randrange(10)) if one == "#" else one for one in pattern)


# Country as people write it, city, its telephone numbers: nationally and internationally.
COUNTRIES: Sequence[tuple[tuple[str, ...], str, Callable[[Random], str], Callable[[Random], str]]] = (
    (("United States", "USA", "US", "U.S.A."), "New York", _fiction("(212) 555-01##"), _fiction("+1 415 555 01##")),
    (("United Kingdom", "UK", "GB", "England"), "London", _fiction("020 7946 0###"), _fiction("+44 20 7946 0###")),
    (("France", "FR"), "Lyon", _fiction("06 39 98 ## ##"), _fiction("+33 6 39 98 ## ##")),
    (("Germany", "Deutschland", "DE"), "Berlin", _fiction("030 23125 ###"), _fiction("+49 30 23125 ###")),
    (("Canada", "CA"), "Toronto", _fiction("416-555-01##"), _fiction("+1 (416) 555-01##")),
    (("Australia", "AU"), "Sydney", _fiction("(02) 5550 ####"), _fiction("+61 2 5550 ####")),
)
DATES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%d %b %Y", "%B %d, %Y", "%Y/%m/%d", "%d.%m.%Y")
CLEAN_SHARE, EXACT_DOUBLES, LIKE_DOUBLES = 0.9, 0.02, 0.02
BROKEN_SHARE = 0.03
OUTCOME_SHARE = 0.5
DOUBLES_WITHIN = 500
BASE_ODDS = -3.0


def write(file: Path, count: int, *, seed: int, form: Form, outcomes: bool = False, day: date | None = None) -> None:
    """Writes made-up leads to a file.

    Args:
        day: on which they are said to be collected; today when absent.
    """
    found = records(count, seed=seed, outcomes=outcomes, day=day or date.today())  # noqa: DTZ011 - a day, not a time
    with file.open("w", encoding="utf-8", newline="") as target:
        _WRITERS[form](target, found)


def form_of(file: Path) -> Form:
    """Returns the form that a file's name says; newline-delimited JSON where it says none."""
    return {".csv": "csv", ".json": "json"}.get(file.suffix.lower(), "ndjson")  # type: ignore[return-value]


def records(count: int, *, seed: int, day: date, outcomes: bool = False) -> Iterator[Record]:
    """Yields made-up leads."""
    random = Random(seed)
    recent: list[Record] = []
    for number in range(count):
        chance = random.random()
        if recent and chance < EXACT_DOUBLES:
            made = dict(random.choice(recent))
        elif recent and chance < EXACT_DOUBLES + LIKE_DOUBLES:
            made = _retyped(random, random.choice(recent))
        else:
            made = _lead(random, number, day, outcomes=outcomes)
            if random.random() < BROKEN_SHARE:
                _break(random, made)
        if len(recent) < DOUBLES_WITHIN:
            recent.append(made)
        else:
            recent[random.randrange(DOUBLES_WITHIN)] = made
        yield made


def _lead(random: Random, number: int, day: date, *, outcomes: bool) -> Record:
    person, fit = _person(random, number)
    activity, interest = _activity(random, day)
    outcome = _outcome(random, BASE_ODDS + fit + interest) if outcomes and random.random() < OUTCOME_SHARE else ""
    return {**person, **activity, "Outcome": outcome}


def _person(random: Random, number: int) -> tuple[Record, float]:
    """Returns who somebody is, and what that does to the odds that they buy."""
    first, last = random.choice(FIRST), random.choice(LAST)
    company = f"{random.choice(COMPANY_WORDS)} {random.choice(COMPANY_KINDS)}"
    job, job_odds = random.choice(JOBS)
    names, city, national, international = random.choice(COUNTRIES)
    domain, domain_odds = _domain(random, company)
    employees = random.choice(EMPLOYEES)
    revenue = _number(random, employees * random.randrange(80, 250) * 1000)
    phone = (national if random.random() < 0.5 else international)(random)
    person = {
        "First Name": _cased(random, first),
        "Last Name": _cased(random, last),
        "Email": f"{_slug(first)}.{_slug(last)}{number}@{domain}",
        "Phone": "" if random.random() < 0.2 else phone,
        "Company": f"{company} {random.choice(LEGAL_FORMS)}".strip(),
        "Job Title": _cased(random, job),
        "Country": random.choice(names),
        "City": city,
        "Industry": random.choice(INDUSTRIES),
        "Employees": _number(random, employees),
        "Annual Revenue": "" if random.random() < 0.3 else revenue,
    }
    return person, job_odds + domain_odds + 0.15 * math.log1p(employees)


def _activity(random: Random, day: date) -> tuple[Record, float]:
    """Returns what somebody did, and what that does to the odds that they buy."""
    (source, source_odds), (note, note_odds) = random.choice(SOURCES), random.choice(NOTES)
    idle_days = int(random.expovariate(1 / 40))
    visits, clicks = int(random.expovariate(0.25)), int(random.expovariate(0.8))
    downloads, demo = int(random.expovariate(1.0)), random.random() < 0.12
    activity = {
        "Lead Source": source,
        "Website Visits": visits,
        "Page Views": visits * random.randrange(1, 6),
        "Email Opens": clicks + int(random.expovariate(0.5)),
        "Email Clicks": clicks,
        "Downloads": downloads,
        "Events Attended": int(random.random() < 0.1),
        "Demo Requested": random.choice(YES if demo else NO),
        "Last Activity": (day - timedelta(days=idle_days)).strftime(random.choice(DATES)),
        "Created": (day - timedelta(days=idle_days + random.randrange(400))).strftime(random.choice(DATES)),
        "Consent": random.choice(("yes", "yes", "no", "")),
        "Notes": note,
    }
    odds = source_odds + note_odds + 1.4 * demo + 0.08 * visits + 0.3 * clicks + 0.25 * downloads
    return activity, odds - idle_days / 40


def _outcome(random: Random, odds: float) -> str:
    return "won" if random.random() < 1 / (1 + math.exp(-odds)) else "lost"


def _domain(random: Random, company: str) -> tuple[str, float]:
    chance = random.random()
    if chance < 0.75:
        return f"{_slug(company)}.example.com", 0.4
    if chance < 0.97:
        return random.choice(FREE), -0.2
    return random.choice(DISPOSABLE), -2.0


def _retyped(random: Random, lead: Record) -> Record:
    """Returns a lead as another person would have typed it."""
    made = dict(lead)
    way = random.randrange(4)
    if way == 0:
        made["First Name"], made["Last Name"] = str(made["First Name"]).upper(), str(made["Last Name"]).upper()
    elif way == 1:
        made["Email"] = str(made["Email"]).upper()
    elif way == 2:
        made["Email"] = ""
    else:
        name = str(made["Last Name"])
        place = random.randrange(max(1, len(name) - 1))
        made["Last Name"] = name[:place] + name[place + 1 : place + 2] + name[place : place + 1] + name[place + 2 :]
    return made


def _break(random: Random, lead: Record) -> None:
    """Makes a mistake that no cleaning can mend, or one that only seems so."""
    way = random.randrange(5)
    if way == 0:
        lead["Email"], lead["Phone"] = "not given", "n/a"
        lead["Company"] = ""
    elif way == 1:
        lead["Email"] = str(lead["Email"]).replace("@", " at ")
        lead["Phone"] = "12"
        lead["Company"] = ""
    elif way == 2:
        for name in lead:
            lead[name] = ""
    elif way == 3:
        lead["Notes"] = '=HYPERLINK("http://example.com","click")'
    else:
        lead["Last Name"] = "Robert'); DROP TABLE leads;-- 😀 שלום"


def _cased(random: Random, text: str) -> str:
    if random.random() < CLEAN_SHARE:
        return text
    return random.choice((text.upper(), text.lower(), f"  {text} "))


def _number(random: Random, value: int) -> str:
    if random.random() < CLEAN_SHARE:
        return str(value)
    return f"{value:,}" if random.random() < 0.5 else f"~{value}"


_FOLDED = str.maketrans("éèçíüöøıëÉÇ", "eeciuooieEC")


def _slug(text: str) -> str:
    plain = text.translate(_FOLDED).lower()
    return "".join(one for one in plain.replace(" ", "-") if one.isascii() and (one.isalnum() or one == "-"))


# -- files ------------------------------------------------------------------------------------------------------------


def _csv(target: TextIO, found: Iterator[Record]) -> None:
    writer: Any = None
    for record in found:
        if writer is None:
            writer = csv.writer(target)
            writer.writerow(record)
        writer.writerow(record.values())


def _ndjson(target: TextIO, found: Iterator[Record]) -> None:
    for record in found:
        target.write(f"{_json(record)}\n")


def _array(target: TextIO, found: Iterator[Record]) -> None:
    target.write("[")
    for number, record in enumerate(found):
        target.write(f"{',' if number else ''}\n{_json(record)}")
    target.write("\n]\n")


def _json(record: Record) -> str:
    return json.dumps({name: value for name, value in record.items() if value != ""}, ensure_ascii=False)


_WRITERS: dict[Form, Callable[[TextIO, Iterator[Record]], None]] = {"csv": _csv, "ndjson": _ndjson, "json": _array}
