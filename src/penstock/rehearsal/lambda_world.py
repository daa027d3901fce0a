"""What a function finds around it: folders and variables.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from penstock.rehearsal.lambda_interpreter import Interpreter
from penstock.rehearsal.lambda_memory import MIB

TASK_ROOT, RUNTIME, LAYERS = "/var/task", "/var/runtime", "/opt"
RESOLVER = Path("/etc/resolv.conf")


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A function's surroundings.

    Attributes:
        root: the unpacked zip.
        layers: the unpacked layers, if there are any.
        work: a folder of the sandbox's own, with the packages of Lambda's runtime in ``runtime``.
        environment: the function's own variables.
        given: variables that the function has beside its own and Lambda's.
    """

    root: Path
    layers: Path | None
    work: Path
    interpreter: Interpreter
    name: str
    handler: str
    region: str
    memory_mb: int
    ephemeral_mb: int
    environment: Mapping[str, str]
    given: Mapping[str, str]

    def plan(self, *, namespaces: bool) -> dict[str, Any]:
        """Returns what ``lambda_jail`` is told.

        Args:
            namespaces: whether the function gets a file system of its own.
        """
        task_root, runtime, layers = self.places(namespaces=namespaces)
        binds = [(folder, folder) for folder in self.interpreter.folders]
        binds += [(str(self.root), task_root), (str(self.work / "runtime"), runtime)]
        if self.layers is not None:
            binds += [(str(child), f"{layers}/{child.name}") for child in sorted(self.layers.iterdir())]
        # Where names of hosts are looked up is often a link out of /etc.
        names = str(RESOLVER.resolve())
        return {
            "namespaces": namespaces,
            "stage": str(self.work / "root"),
            "binds": [*binds, (names, names)],
            "ephemeral_bytes": self.ephemeral_mb * MIB,
            "command": self.interpreter.command(self.handler),
            "folder": task_root,
        }

    def places(self, *, namespaces: bool) -> tuple[str, str, str]:
        """Returns where the function finds its code, the runtime and the layers."""
        if namespaces:
            return TASK_ROOT, RUNTIME, LAYERS
        return str(self.root), str(self.work / "runtime"), str(self.layers or LAYERS)

    def variables(self, address: str, *, namespaces: bool) -> dict[str, str]:
        """Returns all variables of the function.

        Args:
            address: of the Runtime API.
        """
        task_root, runtime, layers = self.places(namespaces=namespaces)
        python = "python{}.{}".format(*self.interpreter.version)
        libraries = f"{layers}/python/lib/{python}/site-packages:{layers}/python:{runtime}"
        own = self.environment.get("PYTHONPATH")
        changeable = {
            "LANG": "en_US.UTF-8",
            "LD_LIBRARY_PATH": f"{task_root}:{task_root}/lib:/opt/lib",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "TZ": ":UTC",
        }
        return {
            **changeable,
            **self.environment,
            **self._fixed(python),
            **self.given,
            "AWS_LAMBDA_RUNTIME_API": address,
            "LAMBDA_TASK_ROOT": task_root,
            "LAMBDA_RUNTIME_DIR": runtime,
            "PYTHONPATH": f"{own}:{libraries}" if own else libraries,
        }

    def _fixed(self, python: str) -> dict[str, str]:
        return {
            "_HANDLER": self.handler,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{python}",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "rehearsal/[$LATEST]",
        }
