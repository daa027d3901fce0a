"""The scoring rules: a file that people edit, checked whole before anything is scored by it."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
import typing
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from penstock.errors import UsageError
from penstock.pipelines.leads.countries import names
from penstock.pipelines.leads.records import Lead

SHIPPED = Path(__file__).parent / "rules.toml"
PARTS = ("fit", "intent", "recency", "engagement")
GRADES = ("A", "B", "C")
VERSION_DIGITS = 8
# A settings item holds the text; items have at most 400 KB.
LIMIT_BYTES = 200_000
RULES_LIMIT = 200

Part = Literal["fit", "intent", "recency", "engagement"]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Positive = Annotated[float, msgspec.Meta(gt=0)]
_DOMAIN = re.compile(r"(?:[^\W_A-Z](?:[^\W_A-Z]|-)*\.)+[^\W\d_A-Z](?:[^\W_A-Z]|-)*[^\W_A-Z]")


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    """Points of numbers from ``start`` on, up to the next range."""

    start: float
    points: float


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many points a part counts for at most."""

    max: Annotated[float, msgspec.Meta(ge=0, le=100)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one column gives or takes. ``rules.toml`` says what each field means."""

    name: Name
    part: Part
    column: str
    because: str = "{value}"
    values: dict[str, float] | None = None
    otherwise: float = 0.0
    missing: float = 0.0
    ranges: list[Range] | None = None
    each: float | None = None
    cap: Positive | None = None
    words: list[str] | None = None
    points: float = 0.0
    present: float | None = None
    fresh: Positive | None = None
    half_life_days: Positive | None = None
    fades: Positive | None = None


class Cleaning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How values are understood that a file leaves open.

    Attributes:
        default_country: two letters, for telephone numbers without a country in records without one.
        business: domains of companies, whatever the lists that come with the pipeline say of them.
        free: further domains whose addresses anyone may have.
        disposable: further domains of addresses that last for minutes.
    """

    default_country: str | None = None
    business: list[str] = []
    free: list[str] = []
    disposable: list[str] = []


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole file of rules."""

    version: Literal[1]
    grades: dict[Literal["A", "B", "C"], Annotated[float, msgspec.Meta(ge=0, le=100)]]
    parts: dict[Part, Share]
    rules: Annotated[list[Rule], msgspec.Meta(min_length=1, max_length=RULES_LIMIT)]
    cleaning: Cleaning | None = None

    @property
    def digest(self) -> str:
        """Names these rules: equal for files that say the same, however they are laid out."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:VERSION_DIGITS]

    @property
    def cleaning_options(self) -> dict[str, Any]:
        """What ``cleaning.tables`` is to be told."""
        return {} if self.cleaning is None else msgspec.structs.asdict(self.cleaning)


def read_rules(text: str, where: str = "the rules") -> Rules:
    """Returns the rules of a file's text.

    Args:
        where: names the file in errors.

    Raises:
        UsageError: with everything that is wrong.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT_BYTES:
        raise UsageError(f"{where} has more than {LIMIT_BYTES:,} bytes", hint="take away rules")
    try:
        rules = msgspec.convert(tomllib.loads(text), Rules, strict=True)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is no TOML: {error}", hint="mend the line, or begin anew: rules --init") from error
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{where} cannot be used: {error}", hint="`penstock leads rules --init` writes rules that can"
        ) from error
    mistakes = [*_mistakes(rules)]
    if mistakes:
        listed = "\n".join(f"{number}. {mistake}" for number, mistake in enumerate(mistakes, start=1))
        raise UsageError(f"{where} cannot be used:\n{listed}", hint="the head of the file says what a rule can be")
    return rules


def shipped_rules() -> Rules:
    """Returns the rules that come with the pipeline."""
    return read_rules(SHIPPED.read_text("utf-8"), SHIPPED.name)


def kind_of(column: str) -> str:
    """Returns what a column of a lead holds: ``text``, ``number``, ``time`` or ``flag``; nothing for no such column."""
    return _KINDS.get(column, "")


def _kinds() -> dict[str, str]:
    found = {}
    for name, hint in typing.get_type_hints(Lead).items():
        types = set(typing.get_args(hint)) - {type(None)} or {hint}
        if typing.get_origin(hint) is list or types == {date}:
            continue
        if types <= {int, Decimal}:
            found[name] = "number"
        elif types == {datetime}:
            found[name] = "time"
        elif types == {bool}:
            found[name] = "flag"
        else:
            found[name] = "text"
    return found


_KINDS = _kinds()


def _mistakes(rules: Rules) -> Iterator[str]:
    missing = [part for part in PARTS if part not in rules.parts]
    if missing:
        yield f"[parts] lacks {', '.join(missing)}"
    total = sum(share.max for share in rules.parts.values())
    if not missing and not math.isclose(total, 100):
        yield f"the parts' max add up to {total:g}; together they are 100"
    if list(rules.grades) != [*GRADES] or not rules.grades["A"] > rules.grades["B"] > rules.grades["C"]:
        yield "[grades] is A, B and C in this order, each with fewer points than the one before"
    if rules.cleaning is not None:
        yield from _of_cleaning(rules.cleaning)
    seen: set[str] = set()
    for rule in rules.rules:
        if rule.name in seen:
            yield f"rule {rule.name!r} is there twice"
        seen.add(rule.name)
        yield from (f"rule {rule.name!r} {mistake}" for mistake in _of_rule(rule))


def _of_cleaning(cleaning: Cleaning) -> Iterator[str]:
    country = cleaning.default_country
    if country is not None and country not in set(names().values()):
        yield f"[cleaning] default_country is {country!r}, which is no country; such as DE, by ISO 3166-1"
    lists = {"business": cleaning.business, "free": cleaning.free, "disposable": cleaning.disposable}
    told: dict[str, str] = {}
    for kind, domains in lists.items():
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                yield f"[cleaning] {kind} has {domain!r}, which is no domain; such as example.com, in small letters"
            elif told.setdefault(domain, kind) != kind:
                yield f"[cleaning] {domain!r} is both {told[domain]} and {kind}"


def _of_rule(rule: Rule) -> Iterator[str]:
    ways = [way for way in ("values", "ranges", "each", "words", "present", "fresh") if getattr(rule, way) is not None]
    kind = kind_of(rule.column)
    if not kind:
        yield f"looks at {rule.column!r}, which a lead does not have; it has {', '.join(sorted(_KINDS))}"
    if len(ways) != 1:
        yield "says one of values, ranges, each, words, present and fresh" + (
            f"; not {', '.join(ways)}" if ways else ""
        )
        return
    allowed = {
        "ranges": {"number"},
        "each": {"number"},
        "words": {"text"},
        "fresh": {"time"},
        "values": {"text", "flag"},
    }
    if kind and kind not in allowed.get(ways[0], {kind}):
        yield f"says {ways[0]}, which a {kind} cannot have"
    if ways[0] == "fresh" and rule.half_life_days is None:
        yield "says fresh without half_life_days"
    if ways[0] == "each" and rule.cap is None:
        yield "says each without cap"
    if ways[0] == "words" and not (rule.words and all(word.strip() for word in rule.words) and rule.points):
        yield "says words without any, or without points"
    if rule.ranges is not None and sorted(rule.ranges, key=lambda one: one.start) != rule.ranges:
        yield "has ranges that do not rise"
    if not all(math.isfinite(number) and abs(number) <= 1000 for number in _points(rule)):
        yield "gives points that are no number up to 1000"


def _points(rule: Rule) -> Iterator[float]:
    yield from (rule.otherwise, rule.missing, rule.points)
    yield from (number or 0.0 for number in (rule.each, rule.cap, rule.present, rule.fresh))
    yield from (rule.values or {}).values()
    yield from (one.points for one in rule.ranges or ())


def describe(rules: Rules) -> list[dict[str, Any]]:
    """Returns the rules as rows of a table for people."""
    return [
        {"part": rule.part, "rule": rule.name, "column": rule.column, "points": _told(rule), "because": rule.because}
        for rule in rules.rules
    ]


def describe_cleaning(rules: Rules) -> str:
    """Returns what a file of rules says about cleaning; nothing where it says nothing."""
    told = rules.cleaning_options.items()
    return "; ".join(f"{name}: {', '.join(one) if isinstance(one, list) else one}" for name, one in told if one)


def _told(rule: Rule) -> str:
    if rule.values is not None:
        return ", ".join(f"{value} {points:+g}" for value, points in rule.values.items())
    if rule.ranges is not None:
        return ", ".join(f"from {one.start:,g}: {one.points:+g}" for one in rule.ranges)
    if rule.each is not None:
        return f"{rule.each:+g} each, at most {rule.cap:g}"
    if rule.words is not None:
        return f"{rule.points:+g} for a word of {len(rule.words)}"
    if rule.present is not None:
        return f"{rule.present:+g} when there"
    return f"{rule.fresh:+g}, half after {rule.half_life_days:g} days"
