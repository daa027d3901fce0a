"""Which distributions an artifact holds, and their files: as installed here, or of wheels for the target."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

from penstock.deploy.bundle.places import normalize
from penstock.deploy.bundle.target import Target
from penstock.errors import LoadError, UsageError

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
RUNTIME_HAS = frozenset({"boto3", "botocore", "s3transfer"})
DOWNLOAD_SECONDS = 600
UNUSED_SUFFIXES = (".pyc", ".pyo", ".pyi", ".pyx", ".pxd", ".c", ".h", ".hpp", ".cpp", ".a", ".egg-link", ".pth")
UNUSED_FOLDERS = frozenset({"__pycache__", "tests", "test"})
UNUSED_AT_TOP = frozenset({"docs", "doc", "examples", "bin"})
# Code asks for its version and its plugins there; licenses ask to be passed on.
KEPT_METADATA = ("METADATA", "entry_points.txt")
LICENSES = ("licen", "copying", "notice", "authors")


def closure(names: Iterable[str], target: Target, has: Collection[str] = RUNTIME_HAS) -> frozenset[str]:
    """Returns distributions with all that they require on the target.

    Args:
        has: what the target has already.

    Raises:
        LoadError: something is required and is not installed here, so that nobody knows its version.
    """
    found: set[str] = set()
    waiting = [(normalize(name), "", frozenset[str]()) for name in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, by, extras = waiting.pop()
        if (name, extras) in seen or name in has:
            continue
        seen.add((name, extras))
        found.add(name)
        waiting += [(need, name, wanted) for need, wanted in _requirements(distribution(name, by), target, extras)]
    return frozenset(found)


def distribution(name: str, by: str = "") -> Distribution:
    """Returns an installed distribution.

    Raises:
        LoadError: it is not installed.
    """
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        needed = f", which {by} requires on the target," if by else ""
        raise LoadError(
            f"distribution {name!r}{needed} is not installed here",
            hint=f"`pip install {name}`: its version is deployed",
        ) from None


def _requirements(found: Distribution, target: Target, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError as error:
        raise LoadError("the package `packaging` is not installed", hint="`pip install packaging`") from error

    for text in found.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise LoadError(f"{found.name} requires {text!r}: {error}", hint=f"reinstall {found.name}") from error
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**target.markers(), "extra": extra}) for extra in ("", *extras)):
            yield normalize(requirement.name), frozenset(requirement.extras)


def installed_files(name: str) -> dict[str, Path]:
    """Returns the files of an installed distribution that are of use at run time, by their path in a zip."""
    found = distribution(name)
    files = ((path.as_posix(), Path(str(found.locate_file(path)))) for path in found.files or ())
    kept = {path: file for path, file in files if is_useful(path) and file.is_file()}
    if not kept:
        raise LoadError(f"{name} has no list of its files", hint=f"reinstall {name} from a wheel")
    return kept


def is_useful(path: str) -> bool:
    """Says whether a file of a distribution is of use at run time: no tests, documents, sources of what is compiled."""
    pure = PurePosixPath(path)
    folders, name = pure.parts[:-1], pure.name
    if pure.is_absolute() or ".." in pure.parts or name.endswith(UNUSED_SUFFIXES):
        return False
    if folders and folders[0].endswith(".dist-info"):
        return name in KEPT_METADATA or name.lower().startswith(LICENSES) or "licenses" in folders[1:]
    return not UNUSED_FOLDERS & set(folders) and not (folders and folders[0] in UNUSED_AT_TOP)


class Wheels:
    """Wheels for a target, kept in a folder: what is there needs no network.

    Args:
        cache: where they are kept, for all targets.
    """

    def __init__(self, cache: Path, target: Target) -> None:
        self._target = target
        self._folder = cache / f"{target.runtime}-{target.architecture}"

    def fetch(self, names: Collection[str]) -> dict[str, Path]:
        """Returns the wheel of each distribution, in the version that is installed here.

        Raises:
            LoadError: there is no wheel for the target, or no network.
        """
        wanted = {name: distribution(name).version for name in sorted(names)}
        missing = {name: version for name, version in wanted.items() if self._kept(name, version) is None}
        if missing:
            self._download(missing)
        return {name: self._kept_or_fail(name, version) for name, version in wanted.items()}

    def _kept(self, name: str, version: str) -> Path | None:
        for path in sorted(self._folder.glob("*.whl")):
            found, said, *_ = path.name.split("-")
            if normalize(found) == name and _canonical(said) == _canonical(version):
                return path
        return None

    def _kept_or_fail(self, name: str, version: str) -> Path:
        path = self._kept(name, version)
        if path is None:
            raise LoadError(f"pip gave no wheel of {name} {version}", hint=f"look into {self._folder}")
        return path

    def _download(self, wanted: Mapping[str, str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".download-") as folder:
            done = subprocess.run(
                [*self._command(folder), *(f"{name}=={version}" for name, version in wanted.items())],
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_SECONDS,
                check=False,
            )
            if done.returncode:
                raise self._explained(done.stderr, wanted)
            for path in Path(folder).glob("*.whl"):
                path.replace(self._folder / path.name)

    def _command(self, folder: str) -> list[str]:
        platforms = itertools.chain.from_iterable(("--platform", tag) for tag in self._target.platforms())
        chosen = ["--python-version", self._target.version, "--implementation", "cp"]
        quiet = ["--disable-pip-version-check", "--quiet", "--no-input"]
        only = ["--no-deps", "--only-binary=:all:", "--dest", folder]
        return [sys.executable, "-m", "pip", "download", *quiet, *only, *chosen, *platforms]

    def _explained(self, output: str, wanted: Mapping[str, str]) -> LoadError:
        where = f"{self._target.runtime} on {self._target.architecture}"
        listed = ", ".join(f"{name} {version}" for name, version in wanted.items())
        lines = [line for line in output.strip().splitlines() if line.startswith("ERROR")] or output.splitlines()[-1:]
        hint = "another version or architecture may have one; installed code without a wheel cannot be deployed"
        if "No module named pip" in output:
            hint = f"`{Path(sys.executable).name} -m ensurepip` gives pip to this environment"
        elif "NewConnectionError" in output or "ConnectTimeout" in output or "No such host" in output:
            hint = f"the network is needed once; wheels are then kept in {self._folder}"
        said = " ".join(line.removeprefix("ERROR: ") for line in lines)
        return LoadError(f"cannot get wheels for {where} of {listed}: {said}", hint=hint, stderr=output[-4000:])


def _canonical(version: str) -> str:
    from packaging.utils import canonicalize_version

    return canonicalize_version(version)


def unpack(wheel: Path, folder: Path) -> dict[str, Path]:
    """Unpacks a wheel's useful files, and returns them by their path in a zip.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/

    Raises:
        LoadError: it is damaged.
    """
    found: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                path = _installed_path(entry.filename)
                if path is not None and not entry.is_dir() and is_useful(path):
                    found[path] = folder / path
                    found[path].parent.mkdir(parents=True, exist_ok=True)
                    found[path].write_bytes(archive.read(entry))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise LoadError(f"{wheel} is damaged: {error}", hint="delete it; the next build downloads it again") from error
    return found


def _installed_path(name: str) -> str | None:
    parts = name.split("/")
    if not parts[0].endswith(".data"):
        return name
    return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in {"purelib", "platlib"} else None


def default_cache() -> Path:
    """Returns the folder that wheels are kept in: https://specifications.freedesktop.org/basedir/latest/"""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(root).expanduser() / "penstock" / "wheels"
    except RuntimeError as error:
        raise UsageError("this user has no home folder", hint="set XDG_CACHE_HOME") from error
