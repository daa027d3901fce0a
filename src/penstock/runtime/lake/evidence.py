"""What speaks against sealing a partition anew: raw objects that were sealed once, and are in the raw zone no more.

Their rows are in the sealed file alone. Where that file is gone or cannot be read, a new one would be smaller, and the
check of the lake could not tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from penstock.errors import NotFoundError, ValidationError
from penstock.lake import sealing
from penstock.lake.catalog import ARCHIVE_PREFIX, raw_key_of
from penstock.lake.layout import table_prefix
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectStore
from penstock.runtime.lake.quarantined import SEAL, read_quarantine

SHOWN = 3


def archived_keys(objects: ObjectStore, table: str, partition: str) -> list[str]:
    """Returns the keys that the archived objects of a partition had as raw ones."""
    return [raw_key_of(info.key) for info in objects.list(f"{ARCHIVE_PREFIX}{table_prefix(table)}{partition}/")]


def damaged(objects: ObjectStore, table: LakeTable, partition: str, raw: Collection[str]) -> ValidationError:
    """Returns the error for a sealed file that cannot be read: it may hold rows of raw objects that have expired."""
    archived = sorted({*archived_keys(objects, table.name, partition)} - {*raw})
    found = f"the raw zone has {_objects(len(raw))} of it"
    if archived:
        found += f", the archive {_objects(len(archived))}, such as {archived[0]}"
    return ValidationError(
        f"{sealing.sealed_key(table.name, partition)} is damaged, and which raw objects it covered cannot be told;"
        f" {found}",
        hint=_mend(table.name, partition, is_archived=bool(archived), is_rest=bool(raw)),
    )


def refuse_lost(objects: ObjectStore, table: LakeTable, partition: str, raw: Collection[str]) -> None:
    """Refuses to seal again where there is no sealed file and archive or quarantine know raw objects that are gone.

    Raises:
        ValidationError: rows of these objects would be missing.
    """
    archived = {*archived_keys(objects, table.name, partition)}
    missing = sorted((archived | quarantined_sources(objects, table, partition)) - {*raw})
    if not missing:
        return
    raise ValidationError(
        f"{sealing.sealed_key(table.name, partition)} {lost(missing)}",
        hint=_mend(table.name, partition, is_archived=bool(archived & {*missing}), is_rest=bool(raw)),
    )


def lost(missing: Iterable[str]) -> str:
    """Returns what is to be said of a sealed file that is not there, and of what it covered."""
    return f"is gone, and so are raw objects that it covered: {_some(missing)}"


def quarantined_sources(objects: ObjectStore, table: LakeTable, partition: str) -> set[str]:
    """Returns the raw objects of which sealing has put something into quarantine."""
    found: set[str] = set()
    for info in objects.list(f"{table_prefix(table.name, 'quarantine')}{partition}/"):
        try:
            found.update(line.source for line in read_quarantine(objects, info.key) if line.by == SEAL and line.source)
        except NotFoundError:
            continue
    return found


def _mend(table: str, partition: str, *, is_archived: bool, is_rest: bool) -> str:
    restore = f"first `penstock lake restore {table} {partition}`; or " if is_archived else ""
    mend = f"{restore}put the file back from a backup"
    if not is_rest:
        return mend
    again = f"`penstock lake seal {table} --partition {partition} --again --accept-loss`"
    return f"{mend}; to seal what is there and lose the rest: {again}"


def _objects(count: int) -> str:
    return f"{count} object{'' if count == 1 else 's'}"


def _some(keys: Iterable[str]) -> str:
    every = list(keys)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more
