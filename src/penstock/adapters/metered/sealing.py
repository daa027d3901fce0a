"""Sealing: what the function that seals in an account asks of the bucket for one partition."""

from __future__ import annotations

from typing import Any

from penstock.adapters.metered.wrapper import Wrapper
from penstock.model.datasets import LakeTable

WRITE, READ = "s3-put", "s3-get"
OPERATION = "sealing"
# The raw objects, and the quarantine, are listed; the sealed file is looked for and written.
LISTED_AND_WRITTEN = 3


class MeteredPartitionSealer(Wrapper):
    """Partitions that got a new sealed file."""

    def seal(self, table: LakeTable, partition: str, **asked: Any) -> Any:
        outcome = self._inner.seal(table, partition, **asked)
        if outcome.is_new:
            self._count(READ, outcome.read, OPERATION, table.name)
            self._count(WRITE, LISTED_AND_WRITTEN, OPERATION, table.name)
        return outcome
