"""Where a document names what its pipeline has, and what such a name is in a deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from penstock.deploy.hcl import Expression, Template, identifier
from penstock.deploy.json_text import Path
from penstock.deploy.kit import bus_address, has_bucket, hot_table_address, machine_arn, queue_address, topic_address
from penstock.deploy.service_calls import Called
from penstock.model.access import Kind
from penstock.model.integrations import LAKE_BUCKET, is_given, static
from penstock.model.pipeline import Definition

FUNCTION, BUCKET, WORKGROUP, DATABASE, JOB = "function", "bucket", "workgroup", "database", "job"
# What Athena is told beside the query. https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
_CONTEXT = "QueryExecutionContext"


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A place with a name.

    Attributes:
        kind: of what it is the name: a grant's kind, or one of this module's.
        name: None where the running execution computes it.
        member: what is written into the object at this place, with ``{}`` for the name; ``""`` for a string, which is
            exchanged as a whole.
    """

    path: Path
    kind: str
    name: str | None
    member: str = ""

    def is_known(self, definition: Definition) -> bool:
        """Tells whether it is the name of something that the pipeline has."""
        return self.name is not None and _KNOWN[self.kind](definition, self.name)


class Physical(msgspec.Struct, frozen=True):
    """How a name is written in a template, and what the placeholder in it stands for."""

    text: str
    placeholder: str
    value: Expression | Template


def named_places(calls: Iterable[Called]) -> Iterator[Named]:
    """Yields the places of a document that name something, those of computed names as well."""
    for called in calls:
        operation = called.call.operation
        if called.role != "task" or called.call.service == "s3":
            yield from _parameter(called, "Bucket", BUCKET)
        elif called.call.service == "lambda":
            yield from _parameter(called, "FunctionName", FUNCTION)
        elif called.call.service == "glue":
            yield from _parameter(called, "JobName", JOB)
        elif operation is None or operation.kind is None:
            continue
        elif operation.kind is Kind.EVENT_BUS:
            yield from _buses(called)
        elif operation.action == "startQueryExecution":
            yield from _query(called)
        elif operation.names:
            yield from _parameter(called, operation.names, operation.kind)


def physical(definition: Definition, named: Named) -> Physical:
    """Returns what a name is in a deployment. It has to be the name of something that the pipeline has."""
    name = named.name or ""
    if named.kind == FUNCTION:
        return Physical(f"${{prefix}}{name}", "prefix", Expression("local.prefix"))
    if named.kind == JOB:
        return Physical(f"${{prefix}}{definition.name}-{name}", "prefix", Expression("local.prefix"))
    placeholder, value = _VALUES[named.kind](definition, name)
    reference = f"${{{placeholder}}}"
    return Physical(named.member.replace("{}", reference) or reference, placeholder, value)


def _parameter(called: Called, name: str, kind: str) -> Iterator[Named]:
    if called.arguments is None:
        yield Named(path=called.path, kind=kind, name=None)
    elif is_given(called.arguments, name):
        yield _given(called.arguments, called.path, name, kind)


def _given(arguments: Mapping[str, Any], path: Path, name: str, kind: str) -> Named:
    given = name if name in arguments else f"{name}.$"
    return Named(path=(*path, given), kind=kind, name=static(arguments, name))


def _buses(called: Called) -> Iterator[Named]:
    entries = (called.arguments or {}).get("Entries")
    if not isinstance(entries, list):
        name = "Entries" if "Entries" in (called.arguments or {}) else "Entries.$"
        yield Named(
            path=called.path if called.arguments is None else (*called.path, name), kind=Kind.EVENT_BUS, name=None
        )
        return
    for number, entry in enumerate(entries):
        path = (*called.path, "Entries", number)
        if not isinstance(entry, Mapping):
            yield Named(path=path, kind=Kind.EVENT_BUS, name=None)
        elif is_given(entry, "EventBusName"):
            yield _given(entry, path, "EventBusName", Kind.EVENT_BUS)


def _query(called: Called) -> Iterator[Named]:
    """A query runs in the deployment's workgroup and database, whether the document names some or not."""
    given = called.arguments
    if given is None:
        yield Named(path=called.path, kind=WORKGROUP, name=None)
        return
    if is_given(given, "WorkGroup"):
        yield _given(given, called.path, "WorkGroup", WORKGROUP)
    else:
        yield Named(path=called.path, kind=WORKGROUP, name="", member='"WorkGroup": "{}", ')
    context = given.get(_CONTEXT)
    if not is_given(given, _CONTEXT):
        catalog = '"Catalog": "AwsDataCatalog"'
        yield Named(
            path=called.path, kind=DATABASE, name="", member=f'"{_CONTEXT}": {{{catalog}, "Database": "{{}}"}}, '
        )
    elif not isinstance(context, Mapping):
        yield _given(given, called.path, _CONTEXT, DATABASE)
    elif is_given(context, "Database"):
        yield _given(context, (*called.path, _CONTEXT), "Database", DATABASE)
    else:
        member = '"Database": "{}", ' if context else '"Database": "{}"'
        yield Named(path=(*called.path, _CONTEXT), kind=DATABASE, name="", member=member)


def _machine(definition: Definition, name: str) -> tuple[str, Template]:
    return f"workflow_{identifier(name)}", machine_arn(definition, name)


def _attribute(prefix: str, address: Callable[[str], str], attribute: str) -> Callable[[Definition, str], Any]:
    return lambda _, name: (f"{prefix}_{identifier(name)}", Expression(f"{address(name)}.{attribute}"))


_KNOWN: dict[str, Callable[[Definition, str], bool]] = {
    FUNCTION: lambda definition, name: name in {f"{definition.name}-{task}" for task in definition.tasks},
    BUCKET: lambda definition, name: name == LAKE_BUCKET and has_bucket(definition),
    JOB: lambda definition, name: name in definition.deployment.jobs,
    WORKGROUP: lambda definition, _: bool(definition.lake_tables),
    DATABASE: lambda definition, _: bool(definition.lake_tables),
    Kind.HOT_TABLE: lambda definition, name: name in definition.hot_tables,
    Kind.TOPIC: lambda definition, name: name in definition.topics,
    Kind.QUEUE: lambda definition, name: name in definition.queues,
    Kind.EVENT_BUS: lambda definition, name: name in definition.event_buses,
    Kind.WORKFLOW: lambda definition, name: name in definition.workflows,
}
_VALUES: dict[str, Callable[[Definition, str], tuple[str, Expression | Template]]] = {
    BUCKET: lambda *_: ("lake", Expression("aws_s3_bucket.lake.id")),
    WORKGROUP: lambda *_: ("workgroup", Expression("aws_athena_workgroup.queries.name")),
    DATABASE: lambda *_: ("database", Expression("aws_glue_catalog_database.lake.name")),
    Kind.HOT_TABLE: _attribute("hot_table", hot_table_address, "name"),
    Kind.TOPIC: _attribute("topic", topic_address, "arn"),
    Kind.QUEUE: _attribute("queue", queue_address, "url"),
    Kind.EVENT_BUS: _attribute("event_bus", bus_address, "name"),
    Kind.WORKFLOW: _machine,
}
