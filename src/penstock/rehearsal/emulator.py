"""An emulator of AWS on loopback: MiniStack, which runs functions, state machines and schedules without containers.

It has an environment of its own, so that a function finds what its zip holds and nothing more.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from penstock.errors import UnavailableError
from penstock.rehearsal.environments import installed
from penstock.rehearsal.guard import end, guarded

MINISTACK = "ministack==1.5.33"
# Lambda's Python runtimes have it: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
SDK = "boto3>=1.40"
ACCOUNT = "000000000000"
LAUNCH = Path(__file__).parent / "assets" / "launch_ministack.py"
START_SECONDS = 60
# Another server on its port could answer in its stead: its own log says that it is ready.
READY = b"Ready "
# Below the range from which systems take ports for connections. https://www.rfc-editor.org/rfc/rfc6335#section-6
PORTS = range(20_000, 32_000)
# Nothing of the person who rehearses reaches a function: no credentials, no configuration.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class Emulator:
    """A running emulator, empty at first. It checks signatures and IAM policies.

    It ends with this process, however that ends.

    Args:
        say: told what takes long.
        region: where it says to be.
        log: a file for what it says; one that is removed with it when absent.
        told: variables that say what it is to have beyond what it has by itself.

    Raises:
        UnavailableError: it cannot be installed, or does not start.
    """

    def __init__(
        self,
        *,
        region: str,
        say: Callable[[str], None] = lambda text: None,
        log: Path | None = None,
        told: Mapping[str, str] | None = None,
    ) -> None:
        self.region = region
        self._told = dict(told or {})
        self._python = installed("ministack", (MINISTACK, SDK), say)
        self._folder = Path(tempfile.mkdtemp(prefix="penstock-emulator-"))
        self.log = log or self._folder / "emulator.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """Returns the variables with which a client is the owner of the emulated account."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self, functions_endpoint: str | None = None) -> None:
        """Starts it and waits until it answers.

        Args:
            functions_endpoint: where functions find AWS; the emulator itself when absent.

        Raises:
            UnavailableError: it does not start.
        """
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        own = {
            **self.environment(functions_endpoint),
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": self.region,
            "GATEWAY_PORT": str(self._port),
            "TMPDIR": str(self._folder),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **self._told,
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                guarded([str(self._python), str(LAUNCH)], str(self._folder)),
                cwd=self._folder, env={**kept, **own}, stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._wait()

    def close(self) -> None:
        """Stops it, with the functions that it runs, and removes what it kept."""
        process, self._process = self._process, None
        if process is not None:
            end(process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        assert self._process is not None  # noqa: S101
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if READY in self._said() and self._answers():
                return
            time.sleep(0.1)
        last = self._said()[-500:].decode("utf-8", errors="replace").strip()
        self.close()
        raise UnavailableError(
            f"the emulator does not start: {last or 'it says nothing'}",
            hint=f"see whether memory is free, and port {self._port}; then do the same again: another port is chosen",
        )

    def _said(self) -> bytes:
        with contextlib.suppress(FileNotFoundError):
            return self.log.read_bytes()
        return b""

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status < 500
        return False


def access_key(function_arn: str, role_arn: str) -> str:
    """Returns the access key with which the emulator runs a function, or a job: it is derived from these two."""
    return f"ASIA{hashlib.sha256(f'{function_arn}:{role_arn}'.encode()).hexdigest()[:16].upper()}"


def free_port() -> int:
    """Returns a port of loopback that nobody has, and that no connection will be given meanwhile.

    Raises:
        UnavailableError: none was found.
    """
    for _ in range(100):
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise UnavailableError("no port of this machine is free", hint="stop what listens, then try again")
