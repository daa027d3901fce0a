"""A home whose tasks are Lambda functions: the real runtime client, Lambda's limits, and moto in the place of AWS.

The engine, the journal and the alarms are this machine's; data are in the emulated bucket and tables.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from penstock.adapters.aws.objects import S3ObjectStore
from penstock.deploy.release import Built
from penstock.errors import UnavailableError
from penstock.model.pipeline import Definition
from penstock.ports.bus import ObjectCreated
from penstock.ports.invoke import Answer, Call, Invoker, Reply
from penstock.rehearsal.bus_inbox import BusInbox
from penstock.rehearsal.credentials import settings
from penstock.rehearsal.databases import unjudged
from penstock.rehearsal.emulated_home import EmulatedHome
from penstock.rehearsal.emulator import PASSED_ON, free_port
from penstock.rehearsal.environments import installed
from penstock.rehearsal.furnish import furnish
from penstock.rehearsal.guard import guarded
from penstock.rehearsal.lambda_caller import LambdaInvoker
from penstock.rehearsal.lambda_deployment import LocalFunctions, Names
from penstock.rehearsal.scene import triggering_prefixes
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.home import Home

REQUIREMENTS = ("moto[server]==5.2.5", "awslambdaric==4.2.2", "boto3>=1.40")
START_SECONDS = 60
Say = Callable[[str], None]


class LambdaHome:
    """The surroundings of a pipeline's functions. Enter it before anything else of AWS is used.

    Args:
        reference: where the pipeline is, as the bundler takes it.
        folder: for zips and what they unpack to; new.

    Raises:
        UnavailableError: what is needed cannot be installed, or does not start.
    """

    def __init__(self, definition: Definition, reference: str, folder: Path, say: Say = lambda text: None) -> None:
        self._definition = definition
        self._folder = folder
        self._python = installed("lambda", REQUIREMENTS, say)
        self._reference = reference
        self._port = free_port()
        self._environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "test",
            "AWS_REGION": definition.region,
            "AWS_DEFAULT_REGION": definition.region,
        }

    @contextlib.contextmanager
    def open(self) -> Iterator[Names]:
        """Starts moto, makes bucket, tables, topics, queues and buses; the environment points to them meanwhile."""
        with settings(self._environment), self._server(), unjudged(self._definition) as self._databases:
            self.names = furnish(self._definition)
            self._heard = BusInbox(self.names.event_buses)
            self._heard.open()
            self._functions = LocalFunctions(
                self._definition, self._reference, self._folder / "functions",
                names=self.names, given=self._environment, python=str(self._python),
                environment={name: self._databases.variables(task) for name, task in self._definition.tasks.items()},
            )  # fmt: skip
            yield self.names

    @property
    def built(self) -> Built:
        """The functions' artifacts, once it is open."""
        return self._functions.built

    def make_invoker(self, home: Home) -> Callable[[Callable[[Call], Reply]], Invoker]:
        """Returns what a ``Machine`` calls its tasks with."""
        services = TaskCaller({self._definition.name: self._definition}, lambda: self.open_home(home.path).ports("s3"))
        invoker = LambdaInvoker(self._functions, services=services)
        return lambda perform: ObservingInvoker(invoker, lambda: self.announce(home))

    def open_home(self, path: Path) -> EmulatedHome:
        """Returns the home in a folder, with data in the emulator."""
        return EmulatedHome(path, self.names, self._databases)

    def announce(self, home: Home) -> None:
        """Tells the engine of the objects that are new in the bucket, and of events on buses, as AWS would."""
        for bus, name, said in self._heard.read():
            home.events.put(self._definition.event_buses[bus], said, token=name)
        bucket = S3ObjectStore(self.names.bucket)
        for name, prefix in triggering_prefixes(self._definition):
            found = {info.key: info for info in bucket.list(prefix)}
            for key in found.keys() - home.bus.known(list(found)):
                event = ObjectCreated(
                    pipeline=self._definition.name, table=name, key=key, size=found[key].size,
                    at=found[key].modified_at,
                )  # fmt: skip
                home.bus.announce(event, writer="s3")
                home.bus.confirm(event)

    @contextlib.contextmanager
    def _server(self) -> Iterator[None]:
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        log = self._folder / "moto.log"
        with log.open("wb") as output, subprocess.Popen(
            guarded([str(self._python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]),
            env={**kept, **self._environment}, stdin=subprocess.PIPE, stdout=output, stderr=output,
            start_new_session=True,
        ) as server:  # fmt: skip
            try:
                _wait(server, f"http://127.0.0.1:{self._port}/moto-api/", log)
                yield
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)


class ObservingInvoker:
    """An invoker that looks around after calls have ended, before the engine hears of them."""

    def __init__(self, invoker: LambdaInvoker, look: Callable[[], None]) -> None:
        self._invoker = invoker
        self._look = look

    def submit(self, call: Call) -> None:
        self._invoker.submit(call)

    def cancel(self, token: str) -> None:
        self._invoker.cancel(token)

    def wait(self, timeout_seconds: float) -> list[Answer]:
        answers = self._invoker.wait(timeout_seconds)
        if answers:
            self._look()
        return answers

    def wake(self) -> None:
        self._invoker.wake()

    def close(self) -> None:
        self._invoker.close()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310
            return
        time.sleep(0.1)
    last = log.read_text("utf-8", errors="replace")[-500:]
    raise UnavailableError(f"moto does not start: {last}", hint="see whether its port and memory are free")
