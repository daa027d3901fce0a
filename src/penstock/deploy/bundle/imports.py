"""What a task imports: a walk over the text of the user's modules, from the task's handler on, and of Penstock's.

Names are followed through the imports that bind them; an attribute of an unknown thing leads to every method of that
name. This finds too much rather than too little. What only a computed string names is for ``include``.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

import penstock
from penstock.deploy.bundle.places import Place, Places, Reference, archived, is_penstock
from penstock.deploy.bundle.syntax import Chain, Import, Part, Source, nameless, read_source
from penstock.deploy.functions import functions, upgrading_task
from penstock.errors import LoadError
from penstock.model.access import Kind
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.model.transformations import Transformation

ENTRY = "penstock.runtime.aws.entry"
JOB = (
    "penstock.runtime.aws.glue_entry", "penstock.adapters.spark.folders", "penstock.adapters.spark.session",
    "penstock.adapters.spark.transform", "penstock.sql.steps",
)  # fmt: skip
INSTANCE = ("penstock.runtime.aws.instance_entry", "penstock.adapters.local.invoke")
# Their functions run at synthesis, or open what a grant has to allow.
UNUSED = ("penstock.define.", "penstock.runtime.aws.ports")
# A function opens an adapter when its task first needs it; a grant says whether it can.
ADAPTERS: Mapping[Kind, str] = {
    Kind.LAKE: "penstock.adapters.aws.objects",
    Kind.INBOX: "penstock.adapters.aws.objects",
    Kind.HOT_TABLE: "penstock.adapters.aws.hot",
    Kind.TOPIC: "penstock.adapters.aws.notify",
    Kind.QUEUE: "penstock.adapters.aws.queues",
    Kind.EVENT_BUS: "penstock.adapters.aws.events",
    Kind.WAREHOUSE: "penstock.adapters.aws.warehouse",
}

# What SQLAlchemy imports by the name in a database's URL.
DRIVERS = {"postgresql": ("psycopg", "psycopg_binary"), "mysql": ("pymysql",)}
# Only those need DuckDB that run a transformation, which is no matter of grants.
TRANSFORMER = "penstock.adapters.local.transform"
# DuckDB asks for it where Python's functions are called by SQL.
FUNCTIONS = "numpy"
# Only those need the library whose tables are compressed.
COMPRESSION = "penstock.lake.zstd"


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What one task needs.

    Attributes:
        files: the user's modules and Penstock's, by their path in the zip.
        distributions: names of those that it imports from, normalized.
    """

    files: dict[str, Path]
    distributions: frozenset[str]


def find_needs(definition: Definition, reference: Reference, include: Sequence[str] = ()) -> dict[str, Needs]:
    """Returns what each task needs.

    Args:
        include: modules that no import statement names, for every task.

    Raises:
        LoadError: a task imports what is not installed, or a module is no Python.
        UsageError: a file is not in the project, or is compiled.
    """
    places = Places(reference)
    return {
        name: _Walk(places, f"task {name!r}").run(definition, task, reference, include)
        for name, task in functions(definition).items()
    }


def find_job_needs(definition: Definition, reference: Reference) -> dict[str, Needs]:
    """Returns what each task needs that is a job on Spark. Raises as ``find_needs`` does."""
    places = Places(reference)
    return {
        name: _Walk(places, f"job {name!r}").run(definition, definition.tasks[name], reference, JOB)
        for name in definition.deployment.jobs
    }


def find_instance_needs(definition: Definition, reference: Reference, include: Sequence[str] = ()) -> Needs:
    """Returns what an instance needs, on which all tasks run. Raises as ``find_needs`` does."""
    places = Places(reference)
    needs = [
        _Walk(places, f"task {name!r}").run(definition, task, reference, (*INSTANCE, *include))
        for name, task in definition.tasks.items()
    ]
    files = {path: file for need in needs for path, file in need.files.items()}
    distributions = (need.distributions for need in needs)
    return Needs(files=dict(sorted(files.items())), distributions=frozenset[str]().union(*distributions))


def _read(path: Path, package: str) -> Source:
    """Returns what a module says; one is read once, until it changes."""
    status = path.stat()
    return _read_version(path, package, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4096)
def _read_version(path: Path, package: str, _changed_at: int, _size_bytes: int) -> Source:
    return read_source(path, package)


class _Walk:
    def __init__(self, places: Places, what: str) -> None:
        self._places = places
        self._what = what
        self._found: dict[str, Place] = {}
        self._sources: dict[str, Source] = {}
        self._used: set[tuple[str, Chain]] = set()
        self._attributes: set[str] = set()

    def run(self, definition: Definition, task: Task, reference: Reference, include: Sequence[str]) -> Needs:
        # What `from penstock import` can name is loaded by those names.
        for name in (ENTRY, *sorted(set(penstock._SOURCES.values()))):
            self._module(name, ENTRY)
        for name in include:
            self._module(name, "include")
        for kind in sorted({grant.kind for grant in task.grants} & ADAPTERS.keys()):
            self._module(ADAPTERS[kind], f"may= at {task.place}")
        if _uses_warehouse(definition, task):
            for name in (*DRIVERS[definition.deployment.database], *_migrations(definition, task)):
                self._module(name, f"a warehouse of {self._what}")
        if _compresses(definition, task):
            self._module(COMPRESSION, f"may= at {task.place}")
        self._module(reference.module, task.place)
        for module, name in _names(task.handler):
            # A pipeline of a file was loaded by a name of its own.
            known = module if module and self._places.find(module) is not None else reference.module
            self._module(known, task.place)
            self._use(known, (name,))
        transformations = _transformations(definition, self._used)
        if include != JOB and transformations:
            self._module(TRANSFORMER, task.place)
        if include != JOB and any(one.functions for one in transformations):
            self._module(FUNCTIONS, task.place)
        files = {path: file for place in self._found.values() for path, file in archived(place).items()}
        for package in _migrations(definition, task):
            files |= _revisions(self._found[package])
        return Needs(
            files=dict(sorted(files.items())),
            distributions=frozenset(one for place in self._found.values() for one in place.distributions),
        )

    def _module(self, name: str, where: str, *, optional: bool = False) -> None:
        if name in self._found or not name or self._places.is_standard(name):
            return
        place = self._places.find(name)
        if place is None:
            if optional:
                return
            raise LoadError(
                f"{self._what} imports {name!r}, which is not installed ({where})",
                hint=f"install it here, in the version that is to be deployed, or correct {where}",
                module=name,
            )
        self._found[name] = place
        if place.distributions:
            return
        self._module(name.rpartition(".")[0], where)
        if place.file is not None:
            self._sources[name] = _read(place.file, place.package)
            self._load(place, self._sources[name])

    def _load(self, place: Place, source: Source) -> None:
        self._imports(place, source.imports)
        if is_penstock(place.name):
            if not place.name.startswith(UNUSED):
                for part in source.parts.values():
                    self._imports(place, part.imports)
            return
        for attribute in sorted(self._attributes & source.methods.keys()):
            self._part(place.name, source.methods[attribute])
        for chain in sorted(source.called):
            self._use(place.name, chain)

    def _imports(self, place: Place, imports: Sequence[Import]) -> None:
        for one in imports:
            where = f"{place.file}:{one.line}"
            self._module(one.module, where, optional=one.optional)
            for name in one.names:
                # A name from a package can be a module of it.
                self._module(f"{one.module}.{name}", where, optional=True)

    def _part(self, module: str, part: Part) -> None:
        self._imports(self._found[module], part.imports)
        for chain in sorted(part.uses):
            self._use(module, chain)

    def _use(self, module: str, chain: Chain) -> None:
        """Follows a name and its attributes, as code in a module means them."""
        if (module, chain) in self._used or is_penstock(module):
            return
        self._used.add((module, chain))
        for attribute in chain[1:]:
            self._attribute(attribute)
        source = self._sources.get(module)
        if source is None:
            return
        head = chain[0]
        if head in source.parts:
            self._part(module, source.parts[head])
        meant = source.bound.get(head) or {f"{star}.{head}" for star in source.stars if head}
        for name in sorted(meant):
            self._use_absolute(tuple(name.split(".")) + chain[1:])

    def _use_absolute(self, chain: Chain) -> None:
        for length in range(len(chain) - 1, 0, -1):
            if ".".join(chain[:length]) in self._sources:
                self._use(".".join(chain[:length]), chain[length:])
                return

    def _attribute(self, name: str) -> None:
        """Follows all methods of a name: nobody knows whose it is."""
        if name not in self._attributes:
            self._attributes.add(name)
            for module, source in list(self._sources.items()):
                if name in source.methods and not is_penstock(module):
                    self._part(module, source.methods[name])


def _transformations(definition: Definition, used: Collection[tuple[str, Chain]]) -> list[Transformation]:
    """Returns the transformations that one of these names, with its attributes, stands for."""
    if not definition.transformations:
        return []
    meant = {id(thing) for module, chain in used for thing in _meant(module, chain)}
    return [one for one in definition.transformations.values() if id(one) in meant]


def _meant(module: str, chain: Chain) -> Iterator[Any]:
    """Yields what a name and its attributes stand for, as far as it was loaded."""
    # A pipeline of a file was loaded by a name of its own: any module may be it.
    loaded: list[Any] = [sys.modules[module]] if module in sys.modules else list(sys.modules.values())
    for thing in loaded:
        for name in chain:
            thing = getattr(thing, "__dict__", {}).get(name)  # noqa: PLW2901 - from a name to its attribute
            yield thing


def _uses_warehouse(definition: Definition, task: Task) -> bool:
    return task == upgrading_task(definition) or any(grant.kind is Kind.WAREHOUSE for grant in task.grants)


def _migrations(definition: Definition, task: Task) -> list[str]:
    """Returns the packages of migrations that a function reads: to upgrade a warehouse, or to see whether it is."""
    used = {grant.resource for grant in task.grants if grant.kind is Kind.WAREHOUSE}
    is_all = task == upgrading_task(definition)
    known = definition.warehouses.values()
    return sorted({one.migrations for one in known if one.migrations and (is_all or one.name in used)})


def _revisions(place: Place) -> dict[str, Path]:
    """Returns the revisions of a package of migrations, by their path in a zip: Alembic reads them by their files."""
    if place.file is None:
        return {}
    folder = place.name.replace(".", "/")
    return {f"{folder}/versions/{one.name}": one for one in sorted((place.file.parent / "versions").glob("*.py"))}


def _compresses(definition: Definition, task: Task) -> bool:
    tables = {grant.resource for grant in task.grants if grant.kind == Kind.LAKE}
    return any(definition.lake_tables[name].compress for name in tables & definition.lake_tables.keys())


def _names(handler: Any) -> Iterator[tuple[str, str]]:
    """Yields the names that lead from a handler to the code that it runs, each with its module."""
    waiting, seen = [handler], set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        match thing:
            case functools.partial():
                waiting += [thing.func, *thing.args, *thing.keywords.values()]
            case types.MethodType():
                waiting += [thing.__func__, thing.__self__]
            case types.FunctionType():
                top = thing.__qualname__.partition(".")[0]
                is_nameless = thing.__name__ == "<lambda>"
                yield thing.__module__ or "", nameless(thing.__code__.co_firstlineno) if is_nameless else top
                waiting += [cell.cell_contents for cell in thing.__closure__ or () if _is_filled(cell)]
                waiting += [thing.__wrapped__] if hasattr(thing, "__wrapped__") else []
            case type():
                yield thing.__module__, thing.__qualname__.partition(".")[0]
            case _ if callable(thing):
                waiting.append(type(thing))


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
