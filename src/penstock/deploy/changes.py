"""What a plan means to a person: how much is made, changed and deleted, and which data would be lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from penstock.deploy.terraform_command import Change

# What holds data that nothing else holds, or the key to them, and the attribute with its name.
PRECIOUS: dict[str, str] = {
    "aws_s3_bucket": "bucket",
    "aws_dynamodb_table": "name",
    "aws_kms_key": "description",
}


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How much a plan would do: kinds of resources with their numbers."""

    created: dict[str, int]
    updated: dict[str, int]
    replaced: dict[str, int]
    deleted: dict[str, int]

    @property
    def is_empty(self) -> bool:
        return not (self.created or self.updated or self.replaced or self.deleted)


def summarize(changes: Iterable[Change]) -> Summary:
    """Returns how much a plan would do."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("created", "updated", "replaced", "deleted")}
    for change in changes:
        counts[_verb(change)][change.type.removeprefix("aws_")] += 1
    return Summary(**{name: dict(sorted(count.items())) for name, count in counts.items()})


def precious_losses(changes: Sequence[Change]) -> dict[str, str]:
    """Returns the names of buckets, tables and keys that a plan would delete or replace, by address."""
    return {
        change.address: str((change.before or {}).get(PRECIOUS[change.type]) or change.address)
        for change in changes
        if change.type in PRECIOUS and "delete" in change.actions
    }


def _verb(change: Change) -> str:
    if "delete" in change.actions:
        return "replaced" if "create" in change.actions else "deleted"
    return "created" if "create" in change.actions else "updated"
