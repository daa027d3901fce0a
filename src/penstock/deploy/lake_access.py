"""What a workflow's states need of the lake: objects below the prefixes of the tables that it was granted.

https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html for Maps that read or write
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.deploy.hcl import Expression, Template
from penstock.deploy.kit import sid
from penstock.deploy.policy import Statement
from penstock.deploy.service_calls import Called
from penstock.model.access import Grant, Kind, LakeAction
from penstock.model.integrations import lake_grant, static

BUCKET = "aws_s3_bucket.lake.arn"
ZONES = {LakeAction.APPEND: "raw", LakeAction.READ: "raw", LakeAction.QUARANTINE: "quarantine"}
READING, WRITING, LISTING = "getObject", "putObject", "listObjectsV2"
# By which calls a grant can be used.
CALLS = {
    LakeAction.APPEND: WRITING,
    LakeAction.QUARANTINE: WRITING,
    LakeAction.READ: READING,
    LakeAction.LIST: LISTING,
}
ACTIONS = {READING: "s3:GetObject", WRITING: "s3:PutObject"}
# Results of a Map are written in parts, and those of a redriven one are read again.
WRITER_ALONE = ("s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
WRITER = ("s3:GetObject", *WRITER_ALONE)
FLATTEN = "LOAD_AND_FLATTEN"


def statements(grant: Grant, called: Sequence[Called]) -> Iterator[Statement]:
    """Yields what one grant on a table of the lake means for a workflow that makes these calls."""
    action = LakeAction(grant.action)
    uses = [one for one in called if _may_use(one, grant)]
    if action is LakeAction.LIST and uses:
        yield listing(grant.resource)
    elif uses:
        objects = Template(f"${{{BUCKET}}}/{ZONES[action]}/{grant.resource}/*")
        yield Statement(sid=sid(action, grant.resource), actions=(ACTIONS[CALLS[action]],), resources=(objects,))


def results(grants: Sequence[Grant], called: Sequence[Called]) -> list[Statement]:
    """Returns what Maps need, beside the permission to write, where they write their results."""
    made: dict[str, tuple[str, ...]] = {}
    for grant in grants:
        for one in called:
            if one.role == "writer" and grant.kind is Kind.LAKE and _may_use(one, grant):
                made[_results(one, grant)] = WRITER_ALONE if _reads(grant.resource, grants, called) else WRITER
    return [
        Statement(sid=sid("write", "results", str(number)), actions=actions, resources=(Template(place),))
        for number, (place, actions) in enumerate(made.items(), start=1)
    ]


def _reads(table: str, grants: Sequence[Grant], called: Sequence[Called]) -> bool:
    """Tells whether a workflow may read all of a table anyway."""
    read = Grant(Kind.LAKE, table, LakeAction.READ)
    return read in grants and any(_may_use(one, read) for one in called)


def listing(table: str, words: tuple[str, ...] = ("list",), zones: tuple[str, ...] = ("raw",)) -> Statement:
    """Returns the permission to list what a table holds in some zones, and nothing beside it."""
    return Statement(
        sid=sid(*words, table),
        actions=("s3:ListBucket",),
        resources=(Expression(BUCKET),),
        condition={"StringLike": {"s3:prefix": [f"{zone}/{table}/*" for zone in zones]}},
    )


def _may_use(one: Called, grant: Grant) -> bool:
    """Tells whether a call needs a grant; one whose key is computed may need any grant of its kind."""
    if one.call.service != "s3":
        return False
    if _flattens(one) and grant.action == LakeAction.READ:
        return _names(one, grant, READING)
    return CALLS.get(LakeAction(grant.action)) == one.call.action and _names(one, grant, one.call.action)


def _names(one: Called, grant: Grant, action: str) -> bool:
    key = _key(one)
    return key is None or lake_grant(action, key) == grant


def _key(one: Called) -> str | None:
    """Returns the key, or what keys begin with; None where only the running execution knows it."""
    if one.arguments is None:
        return None
    key = static(one.arguments, "Prefix" if one.role == "writer" or one.call.action == LISTING else "Key")
    return f"{key.rstrip('/')}/" if key is not None and one.role == "writer" else key


def _results(one: Called, grant: Grant) -> str:
    key = _key(one) or f"{ZONES[LakeAction(grant.action)]}/{grant.resource}/"
    return f"${{{BUCKET}}}/{key}*"


def _flattens(one: Called) -> bool:
    return one.role == "reader" and one.transformation == FLATTEN
