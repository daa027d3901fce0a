"""Leads: a file read, cleaned, validated and deduplicated, against a pandas script that does the same, in one run.

    python -m bench.leads [--rows 100000] [--format csv|lines|array] [--memory-mb 2048] [--rounds 1]
                         [--only ours|pandas]

Both read the same generated file, each in a process of its own. The script is what a data engineer writes: pandas,
``phonenumbers``, ``email-validator``, ``dateutil`` and ``rapidfuzz``, row by row where these libraries take one value.
Printed are seconds, seconds of the processor, records a second and the highest memory; what each kept stands beside, to
show that it was the same work.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

AS_OF = date(2026, 2, 20)
FIRST = (
    "Anna", "Bob", "Carla", "David", "Elena", "François", "Günther", "Hana", "Ivan", "José", "Kim", "Liam", "Maria",
    "Noah", "Olivia", "Pedro", "Quinn", "Rosa", "Sven", "Tom", "Uma", "Victor", "Wendy", "Xavier", "Yara", "Zoë",
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "William", "Élodie", "Jürgen",
)  # fmt: skip
SYLLABLES = [begin + end for begin in "bdfghklmnprstvw" for end in "aeou"]
FORMS = ("Inc.", "LLC", "GmbH", "Ltd", "S.A.", "Corp", "B.V.", "& Co. KG")
TITLES = (
    "VP of Sales", "Head of Marketing", "CEO", "Chief Technology Officer", "Software Engineer", "Sales Manager",
    "Founder", "Senior Data Analyst", "Marketing Intern", "IT Director", "Geschäftsführer", "HR Business Partner",
    "Buyer",
)  # fmt: skip
COUNTRIES = (
    ("United States", "+1 {0}{1}{2}-555-{3}", "USA"), ("Germany", "+49 30 {3}{1}{2}{0}", "Deutschland"),
    ("France", "+33 6 {1}{2} {3} {0}{1}", "FR"), ("United Kingdom", "+44 20 7{1}{2}{0} {3}", "UK"),
    ("Spain", "+34 6{1}{2} {3}{0}{0}", "España"), ("India", "+91 98{1}{2}{0} {3}{1}", "IN"),
)  # fmt: skip
STYLES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y", "%b %d, %Y", "%Y-%m-%d %H:%M:%S")
HEADER = (
    "First Name", "Last Name", "Email Address", "Phone", "Company", "Job Title", "Country", "City", "Website",
    "Lead Source", "Industry", "# Employees", "Annual Revenue", "Visits", "Page Views", "Email Opens", "Email Clicks",
    "Downloads", "Demo Requested", "Last Activity", "Created", "Lead Status", "Opt In", "Notes", "Campaign",
)  # fmt: skip


def word(chance: random.Random, syllables: int) -> str:
    """Returns a word that sounds like a name."""
    return "".join(chance.choices(SYLLABLES, k=syllables)).capitalize()


def rows(count: int, seed: int = 1) -> Iterator[list[str]]:
    """Yields records as spreadsheets have them: one in 12 again with another spelling, one in 25 beyond repair."""
    chance = random.Random(seed)
    companies = [(word(chance, 3), chance.choice(FORMS)) for _ in range(max(50, count // 20))]
    last: list[str] = []
    for number in range(count):
        if last and number % 12 == 11:
            yield again(chance, last)
            continue
        last = record(chance, number, companies)
        yield last


def record(chance: random.Random, number: int, companies: list[tuple[str, str]]) -> list[str]:
    """Returns one record."""
    first, surname = chance.choice(FIRST), word(chance, 3)
    company, form = chance.choice(companies)
    name, pattern, other = chance.choice(COUNTRIES)
    digits = [str(chance.randrange(2, 10)) for _ in range(3)]
    phone = pattern.format(*digits, f"{chance.randrange(10_000):04}")
    local = first.encode("ascii", "ignore").decode().lower() or "x"
    domain = chance.choice(("gmail.com", f"{company.lower()}.com", f"{company.lower()}.com", f"{company.lower()}.de"))
    email = f"{local}.{surname.lower()}{number % 97}@{domain}"
    if number % 25 == 3:
        email, phone = (
            chance.choice((email.replace("@", ""), "n/a", email + "@x", "")),
            chance.choice(("", "123", "n/a")),
        )
    elif number % 9 == 1:
        phone = ""
    created = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(500_000))
    active = created + timedelta(minutes=chance.randrange(50_000))
    style = chance.choice(STYLES)
    return [
        first.upper() if number % 7 == 0 else first, surname, email, phone, f"{company} {form}", chance.choice(TITLES),
        chance.choice((name, other)), word(chance, 2), f"https://www.{company.lower()}.com/about",
        chance.choice(("Web", "Trade show", "Referral", "Ads")),
        chance.choice(("Software", "Retail", "Health", "Energy")),
        chance.choice(("12", "51-200", "1,200", "5000+", "")), chance.choice(("$5M", "1200000", "10-50M", "")),
        str(chance.randrange(40)), str(chance.randrange(200)), str(chance.randrange(20)), str(chance.randrange(9)),
        str(chance.randrange(4)), chance.choice(("yes", "no", "")), active.strftime(style), created.strftime(style),
        chance.choice(("New", "Open", "Qualified", "Contacted")), chance.choice(("yes", "no", "")),
        chance.choice(("", "asked for a price list", "met at the fair; call back")), f"C{number % 40}",
    ]  # fmt: skip


def again(chance: random.Random, row: list[str]) -> list[str]:
    """Returns a record again as another system has it: same address, or same number and a misspelt name."""
    twin = list(row)
    twin[4] = row[4].upper()
    if chance.random() < 0.3 and row[3]:
        twin[1], twin[2] = row[1].replace("o", "oo", 1), ""
    else:
        twin[2] = row[2].upper()
    return twin


def generate(path: Path, count: int, form: str) -> None:
    """Writes a file of records."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if form == "csv":
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows(rows(count))
            return
        begin, between, end = ("[", ",\n", "]") if form == "array" else ("", "\n", "\n")
        file.write(begin)
        for number, row in enumerate(rows(count)):
            file.write((between if number else "") + json.dumps(dict(zip(HEADER, row, strict=True))))
        file.write(end)


def ours(path: Path, memory_mb: int, told: Callable[[str], None]) -> dict[str, int]:
    """Reads, cleans, validates and deduplicates by the pipeline's own transformation."""
    from types import SimpleNamespace

    from penstock import Pipeline
    from penstock.adapters.local.transform import DuckDbTransformer
    from penstock.pipelines.leads import phones_sql
    from penstock.pipelines.leads.cleaning import FUNCTIONS, INPUTS, OUTPUTS, STEPS, tables
    from penstock.pipelines.leads.reading import read
    from penstock.runtime.transform_handle import TransformationHandle

    pipeline = Pipeline("leads-bench")
    etl = pipeline.transformation(
        "leads-etl", inputs=INPUTS, steps={**STEPS, "phone_text": phones_sql.decided()}, outputs=OUTPUTS,
        functions=FUNCTIONS, engines=["duckdb"],
    )  # fmt: skip
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, path.open("rb") as stream:
        ports = SimpleNamespace(transformer=DuckDbTransformer(Path(folder)), rows=None)
        scope: Any = SimpleNamespace(ports=ports)
        incoming = (one for batch in read(stream, path.name) for one in batch.records)
        handle = TransformationHandle(scope, etl, memory_mb)
        with handle.run(incoming=incoming, **tables("bench", AS_OF)) as result:
            told("cleaned")
            # Handing out the rows is part of the work: a database takes them as these files.
            for _ in result.file("lead").paths:
                pass
            return {"leads": result.count("lead"), "rejects": result.count("reject")}


def pandas(path: Path, memory_mb: int, told: Callable[[str], None]) -> dict[str, int]:
    """The same by the script."""
    from bench.peers.leads_pandas import clean

    leads, rejects = clean(path, AS_OF, told)
    return {"leads": len(leads), "rejects": len(rejects)}


def measure(kind: str, path: Path, memory_mb: int) -> dict[str, Any]:
    """Runs one of the two here; returns its figures."""
    begin, stages = time.perf_counter(), {}

    def told(stage: str) -> None:
        stages[stage] = round(time.perf_counter() - begin, 2)

    counts = {"ours": ours, "pandas": pandas}[kind](path, memory_mb, told)
    seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "kind": kind, **counts, "seconds": round(seconds, 2), "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "memory_mb": used.ru_maxrss // 1024, **stages,
    }  # fmt: skip


def in_process(kind: str, path: Path, memory_mb: int) -> dict[str, Any]:
    """Runs one of the two in a process of its own."""
    command = [sys.executable, "-m", "bench.leads", "--only", kind, "--file", str(path), "--memory-mb", str(memory_mb)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--format", choices=("csv", "lines", "array"), default="csv")
    parser.add_argument("--memory-mb", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=("ours", "pandas"))
    parser.add_argument("--file", type=Path)
    told = parser.parse_args()
    if told.file is not None:
        print(json.dumps(measure(told.only, told.file, told.memory_mb)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"leads.{told.format}"
        generate(path, told.rows, told.format)
        for _ in range(told.rounds):
            for kind in (told.only,) if told.only else ("ours", "pandas"):
                found = in_process(kind, path, told.memory_mb)
                found["records_a_second"] = round(told.rows / found["seconds"])
                found["records_a_cpu_second"] = round(told.rows / found["cpu_seconds"])
                print(json.dumps(found))


if __name__ == "__main__":
    main()
