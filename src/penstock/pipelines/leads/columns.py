"""Columns by the names that people give them: exports of CRMs, spreadsheets and forms, in four languages.

A name is compared without case, accents, spaces and punctuation. A nested JSON value has its path as name, without the
words that only wrap (``properties.email.value`` is ``email``). Of several columns that mean the same, the first in the
order below that says something is taken; what the others say is kept in ``extra`` under their own names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import msgspec

ALIASES: dict[str, str] = {
    "external_id": "external id, record id, lead id, contact id, prospect id, customer id, lead number, person id, id",
    "first_name": "first name, given name, forename, fname, first, vorname, prénom, nombre, primer nombre",
    "last_name": "last name, surname, family name, lname, last, nachname, familienname, nom de famille, apellido, "
    "apellidos",
    "full_name": "full name, name, contact name, lead name, person name, your name, contact, contact person, "
    "prospect, ansprechpartner, nom complet, nom, nombre completo, nombre y apellidos",
    "email": "email, e mail, email address, e mail address, work email, business email, company email, "
    "primary email, contact email, email 1, your email, mail, email id, emails, courriel, adresse e mail, "
    "adresse email, adresse mail, e mail adresse, mailadresse, correo, correo electrónico, personal email, "
    "secondary email, email 2, other email",
    "phone": "phone, phone number, telephone, telephone number, tel, tel no, phone no, work phone, business phone, "
    "work direct phone, direct phone, direct dial, mobile, mobile phone, mobile number, cell, cell phone, "
    "cellphone, contact number, contact phone, phone 1, phones, primary phone, telefon, telefonnummer, rufnummer, "
    "handy, mobiltelefon, téléphone, numéro de téléphone, portable, teléfono, móvil, celular, whatsapp, home phone, "
    "phone 2, other phone, company phone, corporate phone",
    "company": "company, company name, organization, organisation, organization name, organisation name, account, "
    "account name, employer, business, business name, associated company, company or account, firma, firmenname, "
    "unternehmen, société, entreprise, empresa, compañía",
    "job_title": "job title, title, position, role, job, job role, jobtitle, job position, designation, occupation, "
    "current position, headline, berufsbezeichnung, jobtitel, funktion, fonction, poste, intitulé du poste, cargo, "
    "puesto",
    "country": "country, country region, country code, country name, country iso, nation, land, pays, país, "
    "location country, address country, billing country, mailing country, company country",
    "city": "city, town, city name, location city, address city, billing city, mailing city, stadt, ort, ville, "
    "ciudad, company city",
    "website": "website, website url, web site, web, company website, company url, homepage, domain, "
    "company domain, company domain name, webseite, site web, sitio web, página web",
    "source": "source, lead source, original source, utm source, lead origin, channel, traffic source, referrer, "
    "origin, how did you hear about us, quelle, provenance, fuente, origen",
    "industry": "industry, sector, vertical, company industry, branche, secteur, secteur d activité, "
    "sector industria, industria",
    "employees": "employees, number of employees, no of employees, num employees, employee count, company size, "
    "size, headcount, company headcount, company employees, mitarbeiter, mitarbeiterzahl, anzahl mitarbeiter, "
    "effectif, nombre d employés, empleados, número de empleados",
    "annual_revenue": "annual revenue, revenue, company revenue, yearly revenue, turnover, annual turnover, umsatz, "
    "jahresumsatz, chiffre d affaires, facturación, ingresos anuales",
    "visits": "visits, website visits, web visits, site visits, total visits, number of visits, sessions, "
    "number of sessions, num sessions, besuche, visites, visitas",
    "page_views": "page views, pageviews, number of pageviews, number of page views, pages viewed, "
    "total page views, seitenaufrufe, pages vues, páginas vistas",
    "email_opens": "email opens, emails opened, marketing emails opened, opens, open count, opened emails, "
    "email open count, number of opens",
    "email_clicks": "email clicks, emails clicked, marketing emails clicked, clicks, click count, "
    "email click count, clicked emails, number of clicks",
    "downloads": "downloads, content downloads, assets downloaded, downloaded, whitepapers downloaded, "
    "ebooks downloaded, number of downloads, téléchargements, descargas",
    "events_attended": "events attended, webinars, webinars attended, webinar attendance, events, number of webinars",
    "demo_requested": "demo requested, requested demo, demo request, demo, asked for demo, requested a demo, "
    "wants demo",
    "last_activity_at": "last activity, last activity date, last activity at, last active, last contacted, "
    "last contact, last contact date, last seen, last engagement, last engagement date, last touch, last visit, "
    "last interaction, letzte aktivität, letzter kontakt, dernière activité, última actividad, last modified date, "
    "updated at, updated",
    "created_at": "created, created at, create date, created date, date created, creation date, created on, "
    "date added, added, signup date, sign up date, registered, registered at, registration date, first seen, "
    "submitted at, submission date, timestamp, date, connected on, erstellt, erstellt am, datum, date de création, "
    "fecha de creación, fecha",
    "status": "status, lead status, lifecycle stage, stage, lead stage, state of lead, contact status, lead state, "
    "statut, estado del lead",
    "consent": "consent, opt in, opted in, marketing consent, email consent, gdpr consent, subscribed, newsletter, "
    "permission, accepts marketing, email opt in, einwilligung, consentement, consentimiento",
    "opted_out": "opted out, opt out, has opted out of email, email opt out, do not email, do not contact, "
    "unsubscribed, unsubscribed from all email, do not mail, dnc",
    "outcome": "outcome, converted, won, is won, is converted, deal won, became customer, purchased, bought, "
    "is customer",
    "notes": "notes, note, comments, comment, description, message, remarks, additional information, your message, "
    "bemerkung, bemerkungen, notizen, nachricht, commentaire, commentaires, remarques, comentarios, notas, mensaje",
}
FIELDS = tuple(ALIASES)
# At least one of these says who the lead is.
IDENTITY = frozenset({"external_id", "first_name", "last_name", "full_name", "email", "phone"})
FIELDS_LIMIT = 500
WRAPPERS = frozenset(
    {"properties", "attributes", "fields", "field", "data", "record", "value", "values", "profile", "contact", "person"}
    | {"lead", "user", "customer", "prospect", "attribute"}
)


def plain(name: str) -> str:
    """Returns a column's name as it is compared: small letters and digits, without accents."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[\W_]+", "", "".join(one for one in decomposed if not unicodedata.combining(one)))


# A canonical name is its own first alias; of a name that stands twice, the first place counts.
_RANKS: dict[str, tuple[str, int]] = {}
for _field, _names in ALIASES.items():
    for _rank, _name in enumerate([_field, *_names.split(", ")]):
        _RANKS.setdefault(plain(_name), (_field, _rank))


class Plan(msgspec.Struct, frozen=True):
    """Where a record's columns go.

    Attributes:
        direct: for each column that alone has its meaning, the field and the place of the column.
        chosen: for each field that several columns give, their places in the order in which they are asked.
        extra: the places and the names of the columns that no field takes.
    """

    direct: tuple[tuple[str, int], ...]
    chosen: tuple[tuple[str, tuple[int, ...]], ...]
    extra: tuple[tuple[int, str], ...]
    names: tuple[str, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that are filled."""
        return frozenset(field for field, _ in (*self.direct, *self.chosen))


def canonical(name: str) -> tuple[str, int] | None:
    """Returns the field that a column's name means, and how sure that is (0 is surest); ``None`` when it means none."""
    found = _RANKS.get(plain(name))
    if found is None and "." in name:
        parts = [part for part in name.split(".") if plain(part) not in WRAPPERS and not part.isdigit()]
        found = _RANKS.get(plain("".join(parts))) if parts else None
    return found


def plan(names: Sequence[str]) -> Plan:
    """Returns where the columns of these names go."""
    by_field: dict[str, list[tuple[int, int]]] = {}
    extra = []
    for place, name in enumerate(names):
        found = canonical(name)
        if found is None:
            extra.append((place, name.strip() or f"column {place + 1}"))
        else:
            by_field.setdefault(found[0], []).append((found[1], place))
    return Plan(
        direct=tuple((field, places[0][1]) for field, places in by_field.items() if len(places) == 1),
        chosen=tuple(
            (field, tuple(place for _, place in sorted(places)))
            for field, places in by_field.items()
            if len(places) > 1
        ),
        extra=tuple(extra),
        names=tuple(names),
    )
