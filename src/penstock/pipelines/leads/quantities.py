"""Numbers as people write them: ``1.234,56``, ``$5M``, ``51-200``, ``10k+``, ``5 Mio. €``."""

from __future__ import annotations

import re

LENGTH_LIMIT = 64
LARGEST = 1e15
_UNITS = {
    "": 1.0, "k": 1e3, "tsd": 1e3, "thousand": 1e3, "mille": 1e3, "mil": 1e3, "m": 1e6, "mm": 1e6, "mio": 1e6,
    "mn": 1e6, "million": 1e6, "millions": 1e6, "millionen": 1e6, "millones": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9,
    "md": 1e9, "billion": 1e9, "billions": 1e9, "milliarden": 1e9, "milliards": 1e9,
}  # fmt: skip
_ONE = re.compile(r"(?P<number>\d[\d\s.,'\u2019_]*)\s*(?P<unit>[a-z]*)\.?")
_BEFORE = re.compile(
    r"^(?:more than|over|about|approx|approximately|circa|ca|mehr als|über|plus de|más de|from|>=?|~|≈"
    r"|usd|eur|gbp|chf|us)[\s.]*"
)
_SIGNS = str.maketrans("", "", "$€£¥₹+")
_WORDS = frozenset(
    {
        "chf", "dollars", "empleados", "employees", "employes", "employés", "eur", "euros", "gbp", "mitarbeiter",
        "pages", "people", "staff", "times", "usd", "visits"
    }
)  # fmt: skip


def read_number(text: str) -> float | None:
    """Returns the number that a text means, the lower end of a range; ``None`` when it means none or is negative."""
    bare = text[:LENGTH_LIMIT].casefold().translate(_SIGNS).strip()
    while (shorter := _BEFORE.sub("", bare).strip()) != bare:
        bare = shorter
    parts = [part for part in re.split(r"\s*(?:-|\u2013|\u2014|\bto\b|\bbis\b|\bà\b)\s*", bare) if part]
    if not parts or len(parts) > 2 or bare.startswith(("-", "\u2013", "<")):
        return None
    read = [_one(part) for part in parts]
    if read[0] is None or read[-1] is None:
        return None
    number, unit = read[0]
    # In "1-5M" the unit stands once for both.
    value = number * (read[-1][1] if unit == 1.0 else unit)
    return value if value <= LARGEST else None


def _one(text: str) -> tuple[float, float] | None:
    match = _ONE.match(text)
    if match is None:
        return None
    unit, rest = match["unit"], text[match.end() :].strip(" .")
    if unit in _WORDS:
        unit = ""
    if unit not in _UNITS or (rest and rest not in _WORDS):
        return None
    number = _number(re.sub(r"[\s'\u2019_]", "", match["number"]).rstrip(".,"))
    return None if number is None else (number, _UNITS[unit])


def _number(text: str) -> float | None:
    """Returns a number whatever its signs for thousands and decimals are; three digits after one sign are thousands."""
    dot, comma = text.rfind("."), text.rfind(",")
    if dot >= 0 and comma >= 0:
        decimal = "." if dot > comma else ","
        text = text.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    elif dot >= 0 or comma >= 0:
        sign = "." if dot >= 0 else ","
        groups = text.split(sign)
        thousands = len(groups) > 2 or (len(groups[-1]) == 3 and 0 < len(groups[0]) <= 3 and groups[0] != "0")
        if thousands and all(len(group) == 3 for group in groups[1:]):
            text = "".join(groups)
        else:
            text = text.replace(sign, ".")
    try:
        return float(text)
    except ValueError:
        return None
