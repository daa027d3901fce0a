"""The limit to recent partitions, in words that mean the same in Athena and on the machine."""

from __future__ import annotations


def since(days: int) -> str:
    """Returns the condition that a partition is of today, or of one of so many days before.

    The bound on the year alone keeps Athena from computing the partitions of all other years.
    """
    first = f"substr(CAST(current_date - INTERVAL '{days}' DAY AS varchar), 1, "
    last = "substr(CAST(current_date AS varchar), 1, 4)"
    return f"WHERE year BETWEEN {first}4) AND {last}\n  AND concat(year, '-', month, '-', day)\n    >= {first}10)"
