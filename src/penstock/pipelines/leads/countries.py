"""Countries by the names and codes that people write, in eighteen languages.

``country_names.txt`` has a line for each country: its two letters of ISO 3166-1, and what it is called, as
``columns.plain`` writes it: the names of the Java platform's list (``phonenumbers`` has it too, in a package that takes
a second to import), the two and three letters, and what people say besides, such as ``england``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType


@functools.cache
def names() -> Mapping[str, str]:
    """Returns two letters by every name and code, as ``columns.plain`` writes it."""
    known = {}
    for line in files(__package__).joinpath("country_names.txt").read_text("utf-8").splitlines():
        letters, *called = line.split()
        known.update(dict.fromkeys(called, letters))
    return MappingProxyType(known)
