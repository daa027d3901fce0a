"""Projects of a user, libraries that are installed, and wheels, all made of a few lines each."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from penstock.model.pipeline import Definition

Texts = Mapping[str, str]
PIPELINE = """
from penstock import Pipeline
pipeline = Pipeline("flow")

@pipeline.task
def work(event, context):
    return event
"""


class Project:
    """A folder of a user's, on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, texts: Texts) -> None:
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def load(self, module: str = "flow") -> Definition:
        importlib.invalidate_caches()
        definition: Definition = importlib.import_module(module).pipeline.build()
        return definition


class Installed:
    """A folder of installed libraries, on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, texts: Texts, *, version: str = "1.0", requires: tuple[str, ...] = ()) -> None:
        files = dict(texts) | metadata(name, version, requires)
        stem = f"{name.replace('-', '_')}-{version}.dist-info"
        files[f"{stem}/RECORD"] = "".join(f"{path},,\n" for path in files)
        for path, text in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        importlib.invalidate_caches()


def metadata(name: str, version: str, requires: tuple[str, ...] = ()) -> dict[str, str]:
    """Returns the metadata of a distribution, as the specification of core metadata has them."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {required}" for required in requires]
    return {f"{name.replace('-', '_')}-{version}.dist-info/METADATA": "\n".join(lines) + "\n"}


def write_wheel(folder: Path, name: str, tag: str, texts: Texts, version: str = "1.0") -> Path:
    """Writes a wheel, as the specification of the binary distribution format has it."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = dict(texts) | metadata(name, version)
    files[f"{stem}.dist-info/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n"
    files[f"{stem}.dist-info/RECORD"] = "".join(f"{path},,\n" for path in files)
    path = folder / f"{stem}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in files.items():
            archive.writestr(entry, text)
    return path
