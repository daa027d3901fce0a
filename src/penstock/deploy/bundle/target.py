"""What artifacts are built for: a Lambda runtime on an architecture, or the interpreter that runs here."""

from __future__ import annotations

import platform
import sys
from typing import Any

import msgspec

from penstock.errors import UsageError
from penstock.model.deployment import Architecture

# The C library of each runtime's operating system: Amazon Linux 2 has glibc 2.26, Amazon Linux 2023 has 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
GLIBC_MINOR = {"python3.11": 26, "python3.12": 34, "python3.13": 34, "python3.14": 34}
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# https://peps.python.org/pep-0600/#legacy-manylinux-tags
LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What an artifact runs on.

    Attributes:
        runtime: Lambda's name of the Python version.
        installed: take the libraries as they are installed here, so that the artifact runs on this machine.
    """

    runtime: str = "python3.13"
    architecture: Architecture = "arm64"
    installed: bool = False

    def __post_init__(self) -> None:
        if not self.installed and self.runtime not in GLIBC_MINOR:
            raise UsageError(f"there is no runtime {self.runtime!r}", hint=f"one of {', '.join(GLIBC_MINOR)}")
        if self.architecture not in MACHINES:
            raise UsageError(f"there is no architecture {self.architecture!r}", hint="arm64 or x86_64")

    @classmethod
    def here(cls) -> Target:
        """Returns this machine: its interpreter and the libraries that are installed for it."""
        architecture: Architecture = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
        runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return cls(runtime=runtime, architecture=architecture, installed=True)

    @property
    def version(self) -> str:
        """The Python version, such as ``3.13``."""
        return self.runtime.removeprefix("python")

    @property
    def machine(self) -> str:
        """The processor, as wheels name it."""
        return MACHINES[self.architecture]

    def platforms(self) -> list[str]:
        """Returns the platform tags that the runtime can load, newest first.

        https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
        """
        tags = []
        for minor in range(GLIBC_MINOR[self.runtime], 4, -1):
            tags.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in LEGACY:
                tags.append(f"{LEGACY[minor]}_{self.machine}")
        return [*tags, f"linux_{self.machine}"]

    def markers(self) -> dict[str, Any]:
        """Returns the environment that requirements are judged by."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.version}.0",
            "python_version": self.version,
            "sys_platform": "linux",
            "extra": "",
        }
