"""Incoming records → leads and rejects: one transformation, put together of its steps, functions and small tables.

Its input is ``incoming`` beside the tables of ``tables()``; its outputs are ``lead`` and ``reject``. Steps that come
after may read both.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from penstock.pipelines.leads import countries, domains, duplicates_sql, records_sql, values_sql
from penstock.pipelines.leads.clusters import cluster_firsts
from penstock.pipelines.leads.columns import plain
from penstock.pipelines.leads.dates import read_date
from penstock.pipelines.leads.emails import tidy_email
from penstock.pipelines.leads.extras import CLEANING, check_installed
from penstock.pipelines.leads.names import split_name, tidy_name, tidy_text
from penstock.pipelines.leads.phones import tidy_phone
from penstock.pipelines.leads.quantities import read_number
from penstock.pipelines.leads.records import REASONS, Incoming, Lead, LeadReject


class RunFacts(msgspec.Struct, frozen=True):
    """What every row of a run has in common.

    Attributes:
        as_of: the day of the run; times more than two days later are no times.
        default_country: two letters, for telephone numbers without a country in records without one.
    """

    run_id: str
    as_of: date
    default_country: str | None = None


class CountryName(msgspec.Struct, frozen=True):
    """A name or code of a country, as ``columns.plain`` writes it, and its two letters."""

    name: str
    country: str


class EmailDomain(msgspec.Struct, frozen=True):
    """What is known of a domain: whose addresses it has, and how its provider reads them."""

    domain: str
    kind: str | None = None
    tagged: bool = False
    dotless: bool = False


class RoleName(msgspec.Struct, frozen=True):
    """What stands before the @ of an address that is no person's."""

    name: str


class Reason(msgspec.Struct, frozen=True):
    """Why a record is not kept."""

    code: str
    message: str


INPUTS: dict[str, type[Any]] = {
    "incoming": Incoming,
    "run_facts": RunFacts,
    "countries": CountryName,
    "email_domains": EmailDomain,
    "role_names": RoleName,
    "reasons": Reason,
}
STEPS: dict[str, str] = {**values_sql.steps(), **records_sql.steps(), **duplicates_sql.steps()}
OUTPUTS: dict[str, type[Any]] = {"lead": Lead, "reject": LeadReject}
FUNCTIONS: dict[str, Any] = {
    "plain": plain,
    "tidy_email": tidy_email,
    "tidy_phone": tidy_phone,
    "tidy_name": tidy_name,
    "tidy_text": tidy_text,
    "split_name": split_name,
    "read_number": read_number,
    "read_date": read_date,
    "cluster_firsts": cluster_firsts,
}


def tables(
    run_id: str,
    as_of: date,
    *,
    default_country: str | None = None,
    business: Iterable[str] = (),
    free: Iterable[str] = (),
    disposable: Iterable[str] = (),
) -> dict[str, list[Any]]:
    """Returns the rows of the small inputs.

    Args:
        run_id: of the run, for the rows that it makes.
        as_of: the day of the run.
        default_country: two letters, for telephone numbers without a country in records without one.
        business: domains of companies, whatever else is said of them.
        free: further domains whose addresses anyone may have.
        disposable: further domains of addresses that last for minutes.

    Raises:
        UsageError: a library is not installed.
    """
    check_installed(CLEANING)
    # The user's own lists come after those that are shipped, and so decide.
    lists = (
        ("free", domains.FREE), ("disposable", domains.DISPOSABLE),
        ("business", business), ("free", free), ("disposable", disposable),
    )  # fmt: skip
    kinds = {domain: kind for kind, found in lists for domain in found}
    return {
        "run_facts": [RunFacts(run_id, as_of, default_country)],
        "countries": [CountryName(name, code) for name, code in countries.names().items()],
        "email_domains": [
            EmailDomain(name, kinds.get(name), tagged=name in domains.TAGGED, dotless=name in domains.DOTLESS)
            for name in sorted(kinds.keys() | domains.TAGGED)
        ],
        "role_names": [RoleName(name) for name in sorted(domains.ROLES)],
        "reasons": [Reason(code, message) for code, message in REASONS.items()],
    }
