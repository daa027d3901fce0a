"""Questions that a pipeline knows by name."""

from __future__ import annotations

from typing import Literal

import msgspec

Dialect = Literal["athena", "duckdb"]


class NamedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A question in SQL with a name: asked here by it, deployed as a named query of Athena.

    Attributes:
        sql: one SELECT; a parameter is written ``:name``.
        dialect: whose SQL it is; the other engine gets a translation that means the same.
    """

    name: str
    sql: str
    dialect: Dialect = "athena"
    description: str = ""
    place: str = ""
