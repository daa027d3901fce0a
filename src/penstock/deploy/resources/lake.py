"""The lake: one bucket for all tables of a pipeline, beside one for results of queries and one for logs."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.deploy.hcl import Block, Expression, Template, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, has_bucket, sid
from penstock.deploy.policy import Statement
from penstock.deploy.resources import bucket, inbox
from penstock.deploy.views import RAW_DAYS
from penstock.errors import Finding
from penstock.lake.catalog import ARCHIVE_PREFIX, WIDTH_SECONDS
from penstock.model.access import Grant, LakeAction
from penstock.model.datasets import ZONES, LakeTable, Zone
from penstock.model.pipeline import Definition

DAY_SECONDS = 86_400
RESULTS_DAYS = 30
LOGS_DAYS = 90
# Before an object may move to infrequent access, and again before it may leave it; archives take an object at once.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
INFREQUENT_DAYS = 30
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET_NAME_LIMIT = 63
ACCOUNT_DIGITS = 12
ZONE_OF_ACTION = {
    LakeAction.APPEND: ("s3:PutObject", "raw"),
    LakeAction.READ: ("s3:GetObject", "raw"),
    LakeAction.QUARANTINE: ("s3:PutObject", "quarantine"),
}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the buckets."""
    definition = site.definition
    if not has_bucket(definition):
        return {"storage": _logs(definition)}
    made = bucket.blocks(
        "lake",
        Expression("local.lake_bucket"),
        comment="The lake: raw objects as they arrived, and what did not fit.",
        rules=[*table_rules(definition), *inbox.expiry(definition)],
    )
    notify = resource(
        "aws_s3_bucket_notification",
        "lake",
        {"bucket": Expression("aws_s3_bucket.lake.id"), "eventbridge": True},
        comment="Every new object is an event, which starts the workflows that wait for it.",
    )
    if not definition.lake_tables:
        return {"storage": [*made, notify, *_logs(definition)]}
    results = bucket.blocks(
        "results",
        Template("${local.bucket_prefix}-results-${local.bucket_suffix}"),
        comment="What queries in Athena answered.",
        rules=[bucket.rule("expire", "", nested("expiration", {"days": RESULTS_DAYS}))],
        noncurrent_days=1,
    )
    return {"storage": [*made, notify, *results, *_logs(definition)]}


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on the lake mean: objects below the table's own prefixes, and nothing else."""
    return [
        Statement(
            sid=sid(grant.action, grant.resource),
            actions=(ZONE_OF_ACTION[LakeAction(grant.action)][0],),
            resources=(
                Template(
                    f"${{aws_s3_bucket.lake.arn}}/{ZONE_OF_ACTION[LakeAction(grant.action)][1]}/{grant.resource}/*"
                ),
            ),
        )
        for grant in grants
    ]


def sealing_statements(definition: Definition) -> list[Statement]:
    """Returns what sealing needs beside reading raw objects and writing to the quarantine.

    To replace what is there on a condition, S3 asks for the permission to read it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    tables = list(definition.lake_tables)
    sealed, quarantine = (
        tuple(Template(f"${{aws_s3_bucket.lake.arn}}/{zone}/{table}/*") for table in tables)
        for zone in ("sealed", "quarantine")
    )
    prefixes = [f"{zone}/{table}/*" for table in tables for zone in ("raw", "sealed", "quarantine")]
    return [
        Statement(sid="KeepSealed", actions=("s3:GetObject", "s3:PutObject"), resources=sealed),
        Statement(sid="KeepQuarantine", actions=("s3:GetObject", "s3:DeleteObject"), resources=quarantine),
        Statement(
            sid="ListWhatIsDue",
            actions=("s3:ListBucket",),
            resources=(Expression("aws_s3_bucket.lake.arn"),),
            condition={"StringLike": {"s3:prefix": prefixes}},
        ),
    ]


def limits(definition: Definition) -> list[Finding]:
    """Returns what S3 would refuse."""
    is_sealing = definition.deployment.sealing
    found = [one for table in definition.lake_tables.values() for one in _findings(table, is_sealing=is_sealing)]
    longest = f"{definition.name}-results-{'0' * ACCOUNT_DIGITS}-{definition.region}"
    if len(longest) > BUCKET_NAME_LIMIT:
        message = f"the bucket {longest!r} would have {len(longest)} characters, {BUCKET_NAME_LIMIT} are possible"
        found.append(Finding(f"pipeline {definition.name}", "name-too-long", message, "choose a shorter name"))
    return found


def _findings(table: LakeTable, *, is_sealing: bool) -> list[Finding]:
    mistakes = [mistake for zone in _zones(is_sealing) for mistake in _mistakes(table, zone)]
    if is_sealing:
        mistakes += _too_soon(table)
    elif table.retain_zones and table.retained_seconds("raw") != table.retain_seconds:
        mistake = "keeps raw records for a shorter time than sealed ones, and nothing seals them in the account"
        mistakes.append(("raw-expiry", mistake, "add sealing=True to pipeline.aws(…); or let raw be kept as long"))
    found = (Finding(table.place, code, f"lake table {table.name!r} {what}", hint) for code, what, hint in mistakes)
    return list(dict.fromkeys(found))


def _mistakes(table: LakeTable, zone: Zone) -> list[tuple[str, str, str]]:
    """Returns code, message and mend of what S3 would refuse in a rule of a zone."""
    infrequent, retain = _days(table.infrequent_seconds(zone)), _days(table.retained_seconds(zone))
    archive = _days(table.archive_after_seconds) if zone == "raw" else None
    mistakes = []
    if infrequent is not None and infrequent < INFREQUENT_DAYS:
        mistake = f"moves to infrequent access before {INFREQUENT_DAYS} days"
        mistakes.append(("lifecycle-too-early", mistake, f"S3 allows it from {INFREQUENT_DAYS} days on"))
    if infrequent is not None and archive is not None and archive < infrequent + INFREQUENT_DAYS:
        mistake = f"is archived less than {INFREQUENT_DAYS} days after it moves to infrequent access"
        mistakes.append(("lifecycle-too-early", mistake, "let archive_after= be later"))
    if retain is not None and any(days is not None and retain <= days for days in (infrequent, archive)):
        hint = "let retain= be later than infrequent_after= and archive_after="
        mistakes.append(("lifecycle-order", "expires before it moves to a colder tier", hint))
    return mistakes


def _too_soon(table: LakeTable) -> list[tuple[str, str, str]]:
    """Returns what is amiss where raw objects go, or cannot be read, before one can count on it that they are sealed.

    S3 counts from the creation of an object, and does not ask whether it is sealed; a function seals once in the width
    of a partition, and a view reads raw objects of ``RAW_DAYS``, within which alarms tell of what is not sealed.
    """
    needed = WIDTH_SECONDS[table.partition] * 2 + table.seal_after_seconds + RAW_DAYS * DAY_SECONDS
    least = -(-int(needed) // DAY_SECONDS)
    ages = (("expire", table.retained_seconds("raw")), ("are archived", table.archive_after_seconds))
    return [
        (
            "raw-expiry",
            f"has raw objects that {what} after {seconds / DAY_SECONDS:g} days; S3 asks not whether they are sealed",
            f"let it be {least} days or more, so that an alarm on what is not sealed can be answered",
        )
        for what, seconds in ages
        if seconds is not None and seconds < least * DAY_SECONDS
    ]


def _zones(is_sealing: bool) -> tuple[Zone, ...]:
    return ZONES if is_sealing else ("raw", "quarantine")


def _days(seconds: int | None) -> int | None:
    return None if seconds is None else seconds // DAY_SECONDS


def table_rules(definition: Definition) -> list[Block]:
    """Returns the lifecycle rules of all tables: what is raw grows cold, what is sealed stays at hand, all expires.

    Athena does not read what is archived.
    https://docs.aws.amazon.com/athena/latest/ug/other-notable-limitations.html
    """
    zones = _zones(definition.deployment.sealing)
    rules = [_rule(table, zone) for table in definition.lake_tables.values() for zone in zones]
    rules += [_archive_rule(table) for table in definition.lake_tables.values()]
    return [rule for rule in rules if rule is not None]


def _rule(table: LakeTable, zone: Zone) -> Block | None:
    actions = []
    infrequent, retain = table.infrequent_seconds(zone), table.retained_seconds(zone)
    if infrequent is not None:
        actions.append(_transition(infrequent, "STANDARD_IA"))
    if table.archive_after_seconds is not None and zone == "raw":
        actions.append(_transition(table.archive_after_seconds, "GLACIER"))
    if retain is not None:
        actions.append(_expiration(retain))
    return bucket.rule(f"{zone}-{table.name}", f"{zone}/{table.name}/", *actions) if actions else None


def _archive_rule(table: LakeTable) -> Block | None:
    """Returns the rule for what was archived on a machine, and came with a promotion."""
    if table.archive_after_seconds is None:
        return None
    retain = table.retained_seconds("raw")
    actions = [_transition(DAY_SECONDS, "GLACIER"), *([] if retain is None else [_expiration(retain)])]
    return bucket.rule(f"archive-{table.name}", f"{ARCHIVE_PREFIX}raw/{table.name}/", *actions)


def _expiration(seconds: int) -> Block:
    return nested("expiration", {"days": max(1, seconds // DAY_SECONDS)})


def _transition(seconds: int, tier: str) -> Block:
    return nested("transition", {"days": seconds // DAY_SECONDS, "storage_class": tier})


def _logs(definition: Definition) -> list[Block]:
    names = ("lake", "results") if definition.lake_tables else ("lake",)
    sources = [Expression(f"aws_s3_bucket.{name}.arn") for name in names]
    allowed = []
    if has_bucket(definition):
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        writer = "logging.s3.amazonaws.com"
        allowed.append(bucket.allowance("AccessLogs", writer, "s3:PutObject", "/s3/*", sources, own_account=True))
    if definition.deployment.audit_trail:
        allowed += _trail_allowances()
    return bucket.blocks(
        "logs",
        Template("${local.bucket_prefix}-logs-${local.bucket_suffix}"),
        comment="Who asked for what: access logs of the buckets, and the audit trail.",
        rules=[bucket.rule("expire", "", nested("expiration", {"days": LOGS_DAYS}))],
        logged=False,
        statements=allowed,
    )


def _trail_allowances() -> list[Block]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
    trail = [Expression("local.trail_arn")]
    return [
        bucket.allowance("TrailLooks", "cloudtrail.amazonaws.com", "s3:GetBucketAcl", "", trail),
        bucket.allowance(
            "TrailWrites", "cloudtrail.amazonaws.com", "s3:PutObject", "/AWSLogs/${local.account}/*", trail
        ),
    ]


CAPABILITY = Capability(
    name="lake",
    purpose="Raw objects, closed to the public, encrypted, versioned; results of queries; access logs",
    blocks=blocks,
    statements=statements,
    limits=limits,
)
