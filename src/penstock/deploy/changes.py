"""What a plan means to a person: how much is made, changed and deleted, and which data would be lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from penstock.deploy.doctor.rules.loss import HOLDS_DATA
from penstock.deploy.terraform_command import Change

# The attribute that a person knows a resource by, where it is not its id.
NAMES: dict[str, str] = {
    "aws_s3_bucket": "bucket",
    "aws_dynamodb_table": "name",
    "aws_db_instance": "identifier",
    "aws_kinesis_stream": "name",
    "aws_secretsmanager_secret": "name",
}
# What ``terraform import`` finds by its name, not by its id.
IMPORTED_BY_NAME = frozenset({"aws_db_instance"})
BUCKET_SETTINGS = "aws_s3_bucket_"
# Without these a database cannot be: a network is deleted only when nothing is in it.
DATABASE_PLACES = frozenset({"aws_vpc", "aws_subnet", "aws_db_subnet_group", "aws_db_parameter_group"})
DATABASE_GROUP = "aws_security_group.warehouse_database"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How much a plan would do: kinds of resources with their numbers.

    Attributes:
        forgotten: stay in the account, and Terraform knows them no more.
    """

    created: dict[str, int]
    updated: dict[str, int]
    replaced: dict[str, int]
    deleted: dict[str, int]
    forgotten: dict[str, int]

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, verb) for verb in self.__struct_fields__)


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What holds data that nothing else holds, or is the key to them.

    Attributes:
        name: what a person types to have it deleted.
        id: what ``terraform import`` finds it by.
    """

    address: str
    type: str
    name: str
    id: str


def summarize(changes: Iterable[Change]) -> Summary:
    """Returns how much a plan would do."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in Summary.__struct_fields__}
    for change in changes:
        counts[_verb(change)][change.type.removeprefix("aws_")] += 1
    return Summary(**{name: dict(sorted(count.items())) for name, count in counts.items()})


def losses(changes: Iterable[Change]) -> list[Holding]:
    """Returns what holds data and would be deleted, for good or to be made anew."""
    return [_holding(one) for one in changes if one.type in HOLDS_DATA and "delete" in one.actions]


def with_settings(changes: Sequence[Change], kept: Iterable[Holding]) -> list[str]:
    """Returns the addresses of what is kept, and of that without which it would be open, unencrypted, or nowhere."""
    holdings = list(kept)
    addresses = {one.address for one in holdings}
    buckets = {one.name for one in holdings if one.type == "aws_s3_bucket"}
    has_database = any(one.type == "aws_db_instance" for one in holdings)
    return [
        one.address
        for one in changes
        if one.address in addresses
        or (one.type.startswith(BUCKET_SETTINGS) and (one.before or {}).get("bucket") in buckets)
        or (has_database and (one.type in DATABASE_PLACES or one.address == DATABASE_GROUP))
    ]


def _holding(change: Change) -> Holding:
    before = change.before or {}
    known = str(before.get("id") or change.address)
    name = str(before.get(NAMES.get(change.type, "id")) or known)
    found_by = name if change.type in IMPORTED_BY_NAME else known
    return Holding(address=change.address, type=change.type, name=name, id=found_by)


def _verb(change: Change) -> str:
    if "delete" in change.actions:
        return "replaced" if "create" in change.actions else "deleted"
    if "create" in change.actions:
        return "created"
    return "forgotten" if "forget" in change.actions else "updated"
