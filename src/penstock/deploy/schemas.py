"""The schemas of lake tables in a release: what breaks those of the last one is refused, as a home refuses it.

Glue reads what lies in the bucket by the table's present columns: a change that is none of those that only add would
make of old objects NULLs, errors or other values.
https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
"""

from __future__ import annotations

from collections.abc import Mapping

from penstock.errors import DefinitionError, Finding, report
from penstock.lake.evolution import SchemaVersion, changes, version_of
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition

Schemas = Mapping[str, SchemaVersion]


def schemas(definition: Definition, earlier: Schemas) -> dict[str, SchemaVersion]:
    """Returns the schemas of a release, by table; a table that is no more keeps its last one, as its objects stay."""
    found = dict(earlier)
    for table in definition.lake_tables.values():
        last = earlier.get(table.name)
        present = _present(table, 1 if last is None else last.version + 1)
        if last is None or not last.is_same(present):
            found[table.name] = present
    return found


def refuse_breaking(definition: Definition, earlier: Schemas) -> None:
    """Refuses a release whose tables break what the last one has had written.

    Raises:
        DefinitionError: with every breaking change and its mend.
    """
    findings = [
        Finding(table.place, "schema-change", f"lake table {table.name!r}: {change.message}", change.hint)
        for table in definition.lake_tables.values()
        if table.name in earlier
        for change in changes(earlier[table.name], _present(table, earlier[table.name].version))
        if change.is_breaking
    ]
    if findings:
        raise DefinitionError(
            f"the last release of {definition.name!r} has tables of an older schema:\n{report(findings)}",
            hint="mend the record types; or let the change pass with --accept-schema: older objects may not be read",
            findings=[{"where": f.where, "code": f.code, "message": f.message, "hint": f.hint} for f in findings],
        )


def _present(table: LakeTable, version: int) -> SchemaVersion:
    # A release is the same at any time.
    return version_of(table, version=version, since=0.0)
