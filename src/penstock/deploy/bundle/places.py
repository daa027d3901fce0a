"""Where modules are: the user's own files, Penstock's, libraries of distributions, the standard library."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from penstock.define.pipeline import Pipeline
from penstock.errors import LoadError, UsageError

PENSTOCK = "penstock"
PIPELINES = "penstock.pipelines."
PACKAGE = Path(__file__).parents[2]
INSTALLED = {"site-packages", "dist-packages"}
UNUSED_DATA = {".py", ".pyc", ".pyi", ".so", ".md", ".typed"}


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pipeline is.

    Attributes:
        module: its module's name, as a function imports it.
        attribute: its name in that module.
        folder: what has to be on the path.
    """

    module: str
    attribute: str
    folder: Path


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A module.

    Attributes:
        file: of the user's own or of Penstock; None for a package without a file.
        distributions: what a library's module comes from; empty for the user's own and for Penstock.
    """

    name: str
    file: Path | None = None
    distributions: tuple[str, ...] = ()

    @property
    def is_package(self) -> bool:
        return self.file is None or self.file.name == "__init__.py"

    @property
    def package(self) -> str:
        """What relative imports in it are relative to."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def find_reference(text: str, name: str) -> Reference:
    """Returns what ``module:attribute``, ``module``, ``file.py`` or ``file.py:attribute`` means.

    Args:
        name: of the pipeline, which finds it where no attribute is given.

    Raises:
        LoadError: it is not there.
        UsageError: a function could not import a file of such a name.
    """
    place, _, attribute = text.partition(":")
    if place.endswith(".py"):
        path = Path(place).absolute()
        if not path.is_file():
            raise LoadError(f"there is no file {place}", hint="give the file or the module that defines the pipeline")
        module, folder = path.stem, path.parent
        if "." in module or module in {*sys.stdlib_module_names, PENSTOCK, "__init__"}:
            raise UsageError(f"{path.name} cannot be imported by its name in a function", hint="rename the file")
    else:
        module, path = place, _spec_file(place)
        folder = path.parents[place.count(".") + (path.name == "__init__.py")]
    return Reference(module=module, attribute=attribute or _attribute(path, name), folder=folder)


def _spec_file(module: str) -> Path:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError) as error:
        raise LoadError(f"cannot find {module!r}: {error}", hint="install it, or give its file") from error
    if found is None or not found.origin or not found.origin.endswith(".py"):
        raise LoadError(f"there is no module {module!r}", hint="install it, or give its file")
    return Path(found.origin).absolute()


def _attribute(path: Path, name: str) -> str:
    """Returns a pipeline's name in its module, which was loaded to get its definition."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and Path(file).absolute() == path:
            for attribute, thing in vars(module).items():
                if isinstance(thing, Pipeline) and thing.name == name:
                    return attribute
    raise LoadError(f"{path} has no pipeline {name!r}", hint="name it: file.py:attribute, or module:attribute")


class Places:
    """Finds modules as a function of a project would.

    Args:
        reference: of the pipeline; its folder is the project's.
    """

    def __init__(self, reference: Reference) -> None:
        self._top = reference.module.partition(".")[0]
        self._folder = reference.folder
        self._is_project = not INSTALLED & set(reference.folder.parts) and self._top != PENSTOCK
        self._libraries = importlib.metadata.packages_distributions()
        self.find: Callable[[str], Place | None] = functools.cache(self._find)

    def is_standard(self, name: str) -> bool:
        """Says whether a module comes with Python."""
        return name.partition(".")[0] in sys.stdlib_module_names

    def _find(self, name: str) -> Place | None:
        """Returns where a module is; None where there is none."""
        top = name.partition(".")[0]
        if top == PENSTOCK:
            return _own(PACKAGE.parent, name)
        if top == self._top or (self._is_project and _file(self._folder, top) is not None):
            return _own(self._folder, name)
        distributions = self._distributions(name)
        if distributions is not None:
            return Place(name=name, distributions=distributions)
        return next((place for root in self._roots() if (place := _own(root, name)) is not None), None)

    def _distributions(self, name: str) -> tuple[str, ...] | None:
        """Returns whose a library's module is; nobody's for a folder that several share; None if nobody has it."""
        found = sorted(
            {normalize(one) for one in self._libraries.get(name.partition(".")[0], []) if not is_editable(one)}
        )
        if len(found) < 2:
            return tuple(found) or None
        path = name.replace(".", "/")
        inside = [one for one in found if _has_file(one, f"{path}/", f"{path}.")]
        owners = [one for one in inside if _has_file(one, f"{path}/__init__.", f"{path}.")]
        return tuple(owners) if inside else None

    def _roots(self) -> Iterator[Path]:
        if self._is_project:
            yield self._folder
        for entry in sys.path:
            path = Path(entry or ".").absolute()
            if path.is_dir() and not INSTALLED & set(path.parts) and path.name != "lib-dynload":
                yield path


def _own(root: Path, name: str) -> Place | None:
    file = _file(root, name)
    if file is None:
        is_namespace = root.joinpath(*name.split(".")).is_dir()
        return Place(name=name) if is_namespace else None
    if not INSTALLED & set(root.parts):
        check_inside(root, file)
    return Place(name=name, file=file)


def _file(root: Path, name: str) -> Path | None:
    base = root.joinpath(*name.split("."))
    package, module = base / "__init__.py", base.parent / f"{base.name}.py"
    found = next((path for path in (package, module) if path.is_file()), None)
    compiled = next(iter(base.parent.glob(f"{base.name}.*.so")), None) if found is None else None
    if compiled is not None:
        raise UsageError(f"{compiled} is compiled", hint="put it into a wheel, and install that")
    return found


def check_inside(root: Path, file: Path) -> None:
    """Checks that a file is in its project, as a link to anything of this machine must not be deployed.

    Raises:
        UsageError: it leads elsewhere.
    """
    if not file.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{file} is a link to {file.resolve()}, out of {root}", hint="put a copy in its place")


def archived(place: Place) -> dict[str, Path]:
    """Returns a module's file by its path in a zip, and with a package of the user's own the data that lie in it."""
    if place.file is None:
        return {}
    path = place.name.replace(".", "/")
    if not place.is_package:
        return {f"{path}.py": place.file}
    found = {f"{path}/__init__.py": place.file}
    folder = place.file.parent
    if is_penstock(place.name):
        return found
    for data in _data(folder):
        check_inside(folder, data)
        found[f"{path}/{data.relative_to(folder).as_posix()}"] = data
    return found


def _data(folder: Path) -> Iterator[Path]:
    """Yields the files of a package that are no modules, with those of folders in it that are no packages."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_file() and path.suffix not in UNUSED_DATA:
            yield path
        elif path.is_dir() and not any(path.glob("*.py")) and not path.is_symlink():
            yield from _data(path)


def is_penstock(name: str) -> bool:
    """Says whether a module is Penstock's; a pipeline that comes with it is like a user's."""
    return name.partition(".")[0] == PENSTOCK and not f"{name}.".startswith(PIPELINES)


def normalize(name: str) -> str:
    """Returns a distribution's name in its normal form.

    https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def is_editable(distribution: str) -> bool:
    """Says whether a distribution is installed as a link to its source."""
    text = importlib.metadata.distribution(distribution).read_text("direct_url.json")
    return bool(text and json.loads(text).get("dir_info", {}).get("editable"))


def _has_file(distribution: str, *prefixes: str) -> bool:
    files = importlib.metadata.distribution(distribution).files or ()
    return any(path.as_posix().startswith(prefixes) for path in files)
