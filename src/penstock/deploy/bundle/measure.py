"""How a function starts: once, here, in an interpreter that has what its zip, its layers and Lambda hold."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from penstock.deploy.bundle.archive import Contents
from penstock.deploy.bundle.libraries import RUNTIME_HAS, closure, distribution, installed_files
from penstock.deploy.bundle.target import Target
from penstock.errors import LoadError

START = Path(__file__).with_name("start.py")
START_SECONDS = 60


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a start took on this machine, with the libraries that are installed here and no compiled Python.

    Attributes:
        import_seconds: from nothing imported to a function that can be called.
        peak_memory_kilobytes: of the whole process, the interpreter included.
    """

    import_seconds: float
    peak_memory_kilobytes: int

    @property
    def peak_memory_mb(self) -> float:
        """In MB, as Lambda counts a function's memory."""
        return self.peak_memory_kilobytes / 1024


class Starter:
    """Starts functions in a scratch folder; each library is laid out there once.

    Args:
        region: what Lambda tells a function about where it is.
    """

    def __init__(self, scratch: Path, region: str) -> None:
        self._scratch = scratch
        self._region = region
        self._laid_out: dict[str, Path] = {}

    def start(self, task: str, contents: Contents, distributions: Collection[str]) -> Measured:
        """Starts a function once.

        Args:
            contents: of its zip, without libraries.
            distributions: that it imports from; what they require is found.

        Raises:
            LoadError: it does not start.
        """
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="function-") as root:
            for path, source in contents.items():
                file = Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
            folders = [root, *(str(self._lay_out(name)) for name in _with_sdk(distributions))]
            output = self._run(task, root, folders)
        return msgspec.json.decode(output.strip().rpartition("\n")[2], type=Measured)

    def _lay_out(self, name: str) -> Path:
        if name not in self._laid_out:
            folder = self._scratch / "libraries" / name
            files = installed_files(name)
            if name in RUNTIME_HAS:
                # Of the SDK's thousands of files none is left out in Lambda.
                tops = {path.partition("/")[0] for path in files}
                files = {top: Path(str(distribution(name).locate_file(top))) for top in tops}
            for path, file in files.items():
                link = folder / path
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.resolve())
            self._laid_out[name] = folder
        return self._laid_out[name]

    def _run(self, task: str, root: str, folders: list[str]) -> str:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-B", str(START), *folders],
                env=self._environment(task, root),
                cwd=root,
                capture_output=True,
                text=True,
                timeout=START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LoadError(
                f"the function of task {task!r} does not start within {START_SECONDS} s",
                hint="do at import what has to be done once, and nothing that waits",
            ) from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise LoadError(
                f"the function of task {task!r} does not start with what its zip holds: {last}",
                hint="what only a string names is found by include=; a variable of this machine is not set there",
                stderr=done.stderr[-4000:],
            )
        return done.stdout

    def _environment(self, task: str, root: str) -> Mapping[str, str]:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime"""
        return {
            "LAMBDA_TASK_ROOT": root,
            "PENSTOCK_TASK": task,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }


def _with_sdk(distributions: Collection[str]) -> list[str]:
    """Returns distributions, what they require, and of the SDK what Lambda adds."""
    here = Target.here()
    names = set(closure(distributions, here))
    return sorted(names | closure(RUNTIME_HAS & set(distributions), here, has=frozenset()))
