"""The Python that a rehearsed function runs on, and the packages that Lambda's runtime brings along.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
"""

from __future__ import annotations

import functools
import json
import subprocess
from pathlib import Path

import msgspec

from penstock.errors import LoadError

REQUIRED = "awslambdaric"
PROVIDED = (
    REQUIRED,
    "runtime_client",
    "simplejson",
    "snapshot_restore_py",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "six",
    "urllib3",
)
_QUESTION = """
import importlib.util, json, os, sys, sysconfig
packages = {}
for name in sys.argv[1:]:
    found = importlib.util.find_spec(name)
    if found is not None and found.origin is not None:
        packages[name] = os.path.dirname(found.origin) if found.submodule_search_locations else found.origin
folders = [sys.prefix, sys.base_prefix, sys.base_exec_prefix, sysconfig.get_path("stdlib"), sys.executable]
folders += packages.values()
print(json.dumps({"version": sys.version_info[:2], "folders": folders, "packages": packages}))
"""
# What site would do but for the folders of installed packages: a function has none.
START = (
    "import os, runpy, site, sys; site.setquit(); site.setcopyright(); site.sethelper(); "
    "sys.path[0] = os.environ['LAMBDA_TASK_ROOT']; "
    f"runpy.run_module({REQUIRED!r}, run_name='__main__', alter_sys=True)"
)


class Interpreter(msgspec.Struct, frozen=True):
    """An interpreter.

    Attributes:
        folders: everything that it needs to run, and the packages.
        packages: where those that Lambda's runtime brings along are.
    """

    python: str
    version: tuple[int, int]
    folders: tuple[str, ...]
    packages: dict[str, str]

    def command(self, handler: str) -> list[str]:
        """Returns the command that starts a function, as Lambda's bootstrap does."""
        return [self.python, "-S", "-s", "-c", START, handler]

    def link_packages(self, folder: Path) -> None:
        """Fills a folder that stands for Lambda's runtime."""
        folder.mkdir()
        for path in self.packages.values():
            (folder / Path(path).name).symlink_to(path)


@functools.lru_cache(maxsize=8)
def inspect_interpreter(python: str) -> Interpreter:
    """Returns what there is to know of an interpreter.

    Raises:
        LoadError: it does not run, or has no runtime interface client.
    """
    try:
        done = subprocess.run(
            [python, "-c", _QUESTION, *PROVIDED], capture_output=True, text=True, check=True, timeout=60
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise LoadError(f"{python} does not run as a Python: {error}", hint="name an interpreter") from error
    if REQUIRED not in answer["packages"]:
        raise LoadError(f"{python} has no package {REQUIRED}", hint=f"pip install {REQUIRED}")
    resolved = {name: str(Path(name).resolve()) for name in answer["folders"]}
    folders = sorted({*resolved, *resolved.values()})
    return Interpreter(python, tuple(answer["version"]), tuple(folders), answer["packages"])
