"""Queries: what Athena would scan, and the requests that its scan makes of the bucket.

https://aws.amazon.com/athena/pricing/
"""

from __future__ import annotations

from typing import Any

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import athena_gb
from penstock.ports.query import Result

SCAN, LISTING, READ = "athena", "s3-put", "s3-get"


class MeteredQueryEngine(Wrapper):
    """Queries that were answered. What is answered from the cache is not scanned, and not billed."""

    def run(self, sql: str, **asked: Any) -> Result:
        result: Result = self._inner.run(sql, **asked)
        if not result.cached:
            tables = "+".join(sorted({one.table for one in result.tables}))
            self._count(SCAN, athena_gb(result.scanned_bytes), "StartQueryExecution", tables)
            self._count(READ, result.scanned_files, "GetObject for queries", tables)
            for one in result.tables:
                self._count(LISTING, one.partitions, "ListObjectsV2 for queries", one.table)
        return result

    def limited(self, **limits: Any) -> MeteredQueryEngine:
        """Returns the same engine with other limits."""
        return MeteredQueryEngine(self._inner.limited(**limits), self._meter, self._clock)
