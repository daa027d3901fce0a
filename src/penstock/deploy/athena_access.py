"""What a workflow's queries need: its own workgroup and tables, what these hold, and a place for results.

https://docs.aws.amazon.com/step-functions/latest/dg/athena-iam.html lists the actions, on every bucket and table; here
are those that a query of one's own tables needs, on these alone. What the page has beside them is left out: to make
buckets, databases, tables and partitions (no query of Penstock's does), and Lake Formation (which does not govern
these tables).
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.deploy.hcl import Expression, Template
from penstock.deploy.lake_access import BUCKET, listing
from penstock.deploy.policy import Statement
from penstock.deploy.projection import RAW, SEALED
from penstock.deploy.service_calls import Called
from penstock.model.access import Grant, Kind, LakeAction
from penstock.model.pipeline import Definition

RESULTS = "aws_s3_bucket.results.arn"
DATABASE = "${aws_glue_catalog_database.lake.name}"
GLUE = "arn:${local.partition}:glue:${local.region}:${local.account}:"
ATHENA = "arn:${local.partition}:athena:${local.region}:${local.account}:"
START = "startQueryExecution"
# What Step Functions does beside the start when it waits for the end.
TO_THE_END = ("athena:GetQueryExecution", "athena:StopQueryExecution")


def statements(definition: Definition, grants: Sequence[Grant], called: Sequence[Called]) -> list[Statement]:
    """Returns what the queries of a workflow need, of those tables that it was granted ``query`` on."""
    sealing = definition.deployment.sealing
    tables = [one.resource for one in grants if one.kind is Kind.LAKE and one.action == LakeAction.QUERY]
    queries = [one for one in called if one.call.service == "athena"]
    if not tables or not queries:
        return []
    made = [_speak(queries)]
    if any(one.call.action == START for one in queries):
        made += [*_look_up(tables, sealing), *_read(tables, sealing), *_keep_results()]
    elif any(one.call.action == "getQueryResults" for one in queries):
        made.append(_read_results(("s3:GetObject",)))
    return made


def _speak(queries: Sequence[Called]) -> Statement:
    actions = []
    for one in queries:
        actions.append(f"athena:{one.call.action[0].upper()}{one.call.action[1:]}")
        actions += TO_THE_END if one.call.runs_to_the_end else ()
    return Statement(
        sid="RunQueries",
        actions=tuple(dict.fromkeys(actions)),
        resources=(Expression("aws_athena_workgroup.queries.arn"),),
    )


def _look_up(tables: Sequence[str], sealing: bool) -> list[Statement]:
    """https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"""
    database = (Template(f"{GLUE}catalog"), Template(f"{GLUE}database/{DATABASE}"))
    # Whoever asks a view asks the tables in it.
    prefixes = ("", RAW, SEALED) if sealing else ("", RAW)
    named = tuple(Template(f"{GLUE}table/{DATABASE}/{prefix}{one}") for one in tables for prefix in prefixes)
    return [
        Statement(
            sid="NameCatalog",
            actions=("athena:GetDataCatalog",),
            resources=(Template(f"{ATHENA}datacatalog/AwsDataCatalog"),),
        ),
        Statement(sid="LookDatabaseUp", actions=("glue:GetDatabase",), resources=database),
        Statement(sid="LookTablesUp", actions=("glue:GetTable", "glue:GetPartitions"), resources=(*database, *named)),
    ]


def _read(tables: Sequence[str], sealing: bool) -> list[Statement]:
    zones = ("raw", "sealed") if sealing else ("raw",)
    objects = tuple(Template(f"${{{BUCKET}}}/{zone}/{one}/*") for one in tables for zone in zones)
    return [
        Statement(sid="ReadTables", actions=("s3:GetObject",), resources=objects),
        *(listing(one, ("look", "into"), zones) for one in tables),
        Statement(
            sid="LocateBuckets",
            actions=("s3:GetBucketLocation",),
            resources=(Expression(BUCKET), Expression(RESULTS)),
        ),
    ]


def _keep_results() -> list[Statement]:
    return [
        _read_results(("s3:GetObject", "s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")),
        Statement(
            sid="ListResults",
            actions=("s3:ListBucket", "s3:ListBucketMultipartUploads"),
            resources=(Expression(RESULTS),),
        ),
    ]


def _read_results(actions: tuple[str, ...]) -> Statement:
    return Statement(sid="KeepResults", actions=actions, resources=(Template(f"${{{RESULTS}}}/athena/*"),))
