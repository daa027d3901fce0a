"""Where pipelines come from: files, the project's ``pyproject.toml``, and installed packages."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from penstock.define.asking import Translate
from penstock.define.pipeline import Pipeline
from penstock.errors import LoadError, NotFoundError, PenstockError
from penstock.model.pipeline import Definition

GROUP = "penstock.pipelines"
Source = Callable[[], Pipeline]


class Catalog:
    """The pipelines that can be had here. The first source that has a name wins: files, project, packages.

    Args:
        files: Python files that define pipelines.
        folder: where ``pyproject.toml`` is looked for, there and above.
        translate: translates named queries, which are checked by it.

    Raises:
        LoadError: a file or the project's configuration cannot be loaded.
    """

    def __init__(
        self, files: Sequence[Path] = (), folder: Path | None = None, *, translate: Translate | None = None
    ) -> None:
        self._translate = translate
        self._sources: dict[str, Source] = {}
        self._references: dict[str, str] = {}
        for path in files:
            self._add(_from_file(path), str(path))
        for reference, root in _project_references(folder or Path.cwd()):
            self._add(_from_reference(reference, root), str(root / reference) if ".py" in reference else reference)
        for point in entry_points(group=GROUP):
            self._sources.setdefault(point.name, _EntryPointSource(point))
            self._references.setdefault(point.name, point.value)

    def names(self) -> list[str]:
        """Returns all names, without loading anything more."""
        return sorted(self._sources)

    def load(self, name: str) -> Definition:
        """Returns a checked definition.

        Raises:
            NotFoundError: there is no such pipeline.
            LoadError: it cannot be imported.
            DefinitionError: it has mistakes.
        """
        if name not in self._sources:
            near = difflib.get_close_matches(name, self._sources, 1)
            hint = f"did you mean {near[0]!r}?" if near else "`penstock ls` lists them; -f FILE adds those of a file"
            raise NotFoundError(f"there is no pipeline {name!r}", hint=hint)
        return self._sources[name]().build(translate=self._translate)

    def reference(self, name: str) -> str:
        """Returns where a pipeline that was loaded is: ``module:attribute``, ``module`` or a file."""
        return self._references[name]

    def load_all(self, names: Sequence[str] = ()) -> dict[str, Definition]:
        """Returns several definitions, all when no name is given, and checks that they go together.

        Raises:
            LoadError: two pipelines have a table, a queue or an event bus of one name.
        """
        definitions = {name: self.load(name) for name in names or self.names()}
        check_together(definitions)
        return definitions

    def load_good(self) -> tuple[dict[str, Definition], dict[str, PenstockError]]:
        """Returns the definitions that load, and why the others do not."""
        good: dict[str, Definition] = {}
        bad: dict[str, PenstockError] = {}
        for name in self.names():
            try:
                good[name] = self.load(name)
            except PenstockError as error:
                bad[name] = error
        return good, bad

    def _add(self, pipelines: Iterator[Pipeline], reference: str) -> None:
        for pipeline in pipelines:
            self._sources.setdefault(pipeline.name, lambda pipeline=pipeline: pipeline)  # type: ignore[misc]
            self._references.setdefault(pipeline.name, reference)


class _EntryPointSource:
    def __init__(self, point: EntryPoint) -> None:
        self._point = point

    def __call__(self) -> Pipeline:
        what = f"pipeline {self._point.name!r} ({self._point.value})"
        loaded = _guarded(what, self._point.load)
        if not isinstance(loaded, Pipeline):
            raise LoadError(f"{what} is no Pipeline", hint="the entry point must name a Pipeline object")
        return loaded


def check_together(definitions: dict[str, Definition]) -> None:
    """Checks that pipelines can live in one home.

    Raises:
        LoadError: two of them have a table, a queue or an event bus of one name.
    """
    for kind, noun in (
        ("lake_tables", "lake table"), ("hot_tables", "hot table"), ("queues", "queue"), ("inboxes", "inbox"),
        ("event_buses", "event bus"), ("warehouses", "warehouse"),
    ):  # fmt: skip
        owners: dict[str, str] = {}
        for name, definition in definitions.items():
            for table in getattr(definition, kind):
                if owners.setdefault(table, name) != name:
                    raise LoadError(
                        f"pipelines {owners[table]!r} and {name!r} both have a {noun} {table!r}",
                        hint="rename one of them, or give each its own --home",
                    )


def _from_file(path: Path) -> Iterator[Pipeline]:
    if not path.is_file():
        raise LoadError(f"there is no file {path}", hint="`penstock init NAME` writes one to begin with")
    name = f"penstock_file_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise LoadError(f"{path} is no Python file", hint="give a file that ends in .py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    _guarded(str(path), lambda: specification.loader.exec_module(module))  # type: ignore[union-attr]
    return _pipelines_of(module, str(path))


def _from_reference(reference: str, root: Path) -> Iterator[Pipeline]:
    if reference.endswith(".py"):
        return _from_file(root / reference)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module_name, _, attribute = reference.partition(":")
    module = _guarded(reference, lambda: importlib.import_module(module_name))
    if not attribute:
        return _pipelines_of(module, reference)
    found = getattr(module, attribute, None)
    if not isinstance(found, Pipeline):
        raise LoadError(f"{reference} is no Pipeline", hint="[tool.penstock] pipelines names module:object or a file")
    return iter([found])


def _pipelines_of(module: ModuleType, where: str) -> Iterator[Pipeline]:
    found = {id(thing): thing for thing in vars(module).values() if isinstance(thing, Pipeline)}
    if not found:
        raise LoadError(f"{where} defines no pipeline", hint='write `pipeline = Pipeline("name")` at its top level')
    return iter(found.values())


def _project_references(folder: Path) -> Iterator[tuple[str, Path]]:
    for candidate in (folder, *folder.parents):
        path = candidate / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("penstock", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise LoadError(f"cannot read {path}: {error}", hint="mend the file") from error
        references = table.get("pipelines", [])
        if not isinstance(references, list) or not all(isinstance(reference, str) for reference in references):
            raise LoadError(
                f"{path}: [tool.penstock] pipelines is no list of text", hint='such as pipelines = ["my_pipeline.py"]'
            )
        yield from ((reference, candidate) for reference in references)
        return


def _guarded(what: str, load: Callable[[], Any]) -> Any:
    """Imports a user's code; whatever it raises becomes a LoadError that names the line."""
    try:
        return load()
    except PenstockError:
        raise
    except SyntaxError as error:
        raise LoadError(f"{error.filename}:{error.lineno}: {error.msg}", hint="mend the line") from error
    except (Exception, SystemExit) as error:
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else what
        raise LoadError(
            f"cannot load {what}: {type(error).__name__}: {error} ({place})", hint="mend what the file does when loaded"
        ) from error
