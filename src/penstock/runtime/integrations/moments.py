"""Times as the two kinds of integration write them.

An optimised integration writes what AWS's SDK for Java 1 holds, milliseconds since the epoch; an ``aws-sdk:`` one
writes ISO 8601.
"""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.model.integrations import ServiceCall


def moment(service: ServiceCall, at: float) -> int | str:
    """Returns a time, given in seconds since the epoch, as an integration writes it."""
    if not service.sdk:
        return round(at * 1000)
    text = datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="milliseconds")
    return f"{text.removesuffix('+00:00').removesuffix('.000')}Z"
