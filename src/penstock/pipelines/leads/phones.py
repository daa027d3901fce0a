"""Telephone numbers as people type them → E.164, by the numbering plans that come with ``phonenumbers``.

``tidy_phone`` decides most numbers by the plan's own patterns, compiled once, which is all that the library would do
with them; what is not plainly written (extensions, letters, carriers' codes) is given to the library.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import msgspec

LENGTH_LIMIT = 64
KINDS = (
    "fixed_line", "mobile", "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail",
)  # fmt: skip
_PLAIN = re.compile(r"\+?[0-9 ()./\-]{5,24}")
_ABROAD = re.compile(r"\(?00[\s(./\-]*(?=[1-9])")
_NO_DIGITS = str.maketrans("", "", " ()./-")
_ABSENT = re.compile(r"[\W_0]*|n/?a|none|null|unknown|keine|sans|aucun", re.IGNORECASE)


def tidy_phone(text: str, country: str | None) -> str | None:
    """Returns the number as two letters of its country and E.164, such as ``FR+33612345678``.

    ``None`` is for what is no number, and an empty text for what says that there is none.

    Args:
        text: as it was typed.
        country: two letters, for a number that is written without its country.
    """
    found = _decided(text, country)
    if found:
        return found
    if is_absent(text):
        return ""
    return None if found is None else _by_library(text, country)


def is_absent(text: str) -> bool:
    """Whether a text says that there is no number."""
    return _ABSENT.fullmatch(text) is not None


# Each of the following returns what the library would, ``None`` for no number, and an empty text where the library has
# to be asked itself.


def _decided(text: str, country: str | None) -> str | None:
    if not _PLAIN.fullmatch(text):
        return ""
    digits = text.translate(_NO_DIGITS)
    if digits[:1] == "+":
        # A sign in brackets, as in +44 (0)20, is the library's.
        return "" if "(0)" in text else _international(digits[1:])
    if digits.startswith("00"):
        return _international(digits[2:]) if _ABROAD.match(text) else ""
    return _national(digits, country)


def _international(digits: str) -> str | None:
    for size in (2, 1, 3):
        plan = _plan_of_code(digits[:size])
        if plan is not None:
            national = digits[size:]
            return "" if plan.trunk(national) else _valid(plan, national)
    return ""


def _national(digits: str, country: str | None) -> str | None:
    plan = _plan_of(country) if country else None
    if plan is None:
        return ""
    if plan.abroad(digits) or digits.startswith(plan.code):
        return ""
    trunk = plan.trunk(digits)
    if trunk is None:
        return _valid(plan, digits)
    if not plan.simple_trunk:
        return ""
    national = digits[trunk.end() :]
    # What is a number only together with its first digit keeps that digit.
    if not plan.possible(digits):
        return _valid(plan, national)
    return _valid(plan, digits) if not plan.possible(national) else _valid(plan, national) or ""


class _Plan(msgspec.Struct, frozen=True):
    """A country's rules, compiled. Each of ``trunk``, ``abroad``, ``possible`` and ``valid`` matches digits."""

    region: str
    code: str
    simple_trunk: bool
    trunk: Callable[[str], Any]
    abroad: Callable[[str], Any]
    possible: Callable[[str], Any]
    valid: Callable[[str], Any]
    leading: Callable[[str], Any] | None


def _valid(plan: _Plan, national: str) -> str | None:
    for one in _sharing(plan.code):
        if one.leading is None:
            if one.valid(national):
                return f"{one.region}+{plan.code}{national}"
        elif one.leading(national):
            return f"{one.region}+{plan.code}{national}" if one.valid(national) else None
    return None


@functools.cache
def _sharing(code: str) -> tuple[_Plan, ...]:
    """Returns the plans of the countries that have a code, in the order in which the library asks them."""
    import phonenumbers

    plans = (_plan_of(region) for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)])
    return tuple(plan for plan in plans if plan is not None)


@functools.cache
def _plan_of_code(code: str) -> _Plan | None:
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code.isascii() and code.isdigit() else None
    return _plan_of(regions[0]) if regions and code[0] != "0" else None


@functools.cache
def _plan_of(region: str) -> _Plan | None:
    from phonenumbers import PhoneMetadata

    data = PhoneMetadata.metadata_for_region(region)
    if data is None or data.general_desc is None or not region.isalpha():
        return None
    trunk = data.national_prefix_for_parsing
    return _Plan(
        region=region,
        code=str(data.country_code),
        simple_trunk=bool(trunk and trunk.isdigit() and not data.national_prefix_transform_rule),
        trunk=_compiled(trunk).match,
        abroad=_compiled(data.international_prefix).match,
        possible=_compiled(data.general_desc.national_number_pattern).fullmatch,
        valid=_kinds(data),
        leading=_compiled(data.leading_digits).match if data.leading_digits else None,
    )


def _compiled(pattern: str | None) -> re.Pattern[str]:
    return re.compile(pattern or r"(?!)")


def _kinds(data: Any) -> Callable[[str], Any]:
    """Returns what matches the numbers of any kind, each of a length that the kind has."""
    kinds = []
    for pattern, lengths in kinds_of(data):
        ahead = f"(?=(?:{'|'.join(f'.{{{length}}}' for length in lengths)})$)" if lengths else ""
        kinds.append(f"(?:{ahead}(?:{pattern}))")
    general = data.general_desc.national_number_pattern
    return re.compile(f"(?=(?:{general})$)(?:{'|'.join(kinds) or '(?!)'})").fullmatch


def kinds_of(data: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Returns the pattern of each kind of number of a plan, with the lengths that such numbers have, if any is said."""
    found = (getattr(data, name) for name in KINDS)
    return [
        (kind.national_number_pattern, tuple(length for length in kind.possible_length if length > 0))
        for kind in found
        if kind is not None and kind.national_number_pattern not in {None, "NA"}
    ]


def _by_library(text: str, country: str | None) -> str | None:
    import phonenumbers

    for part in re.split(r"[;,|\n]|\s+(?:or|oder|ou|/)\s+", text[:LENGTH_LIMIT]):
        try:
            number = phonenumbers.parse(_written(part), country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            region = phonenumbers.region_code_for_number(number) or "ZZ"
            form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            return f"{region if len(region) == 2 else 'ZZ'}{form}"
    return None


def _written(text: str) -> str:
    """Returns a number as the library takes it: 00 before the country is +, and so is nothing, as in spreadsheets."""
    bare = text.strip().strip("'\"")
    abroad = _ABROAD.match(bare)
    if abroad:
        bare = f"+{bare[abroad.end() :]}"
    # 3.3612345678E10 is what a spreadsheet makes of a long number.
    if re.fullmatch(r"\d(?:[.,]\d+)?[eE]\+?\d{1,2}", bare):
        return str(int(float(bare.replace(",", "."))))
    return bare
