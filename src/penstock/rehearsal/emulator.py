"""An emulator of AWS on loopback: MiniStack, which runs functions, state machines and schedules without containers.

It has an environment of its own, so that a function finds what its zip holds and nothing more.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from penstock.errors import UnavailableError
from penstock.rehearsal.environments import installed

MINISTACK = "ministack==1.5.33"
# Lambda's Python runtimes have it: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
SDK = "boto3>=1.40"
ACCOUNT = "000000000000"
START_SECONDS = 60
STOP_SECONDS = 10
# Nothing of the person who rehearses reaches a function: no credentials, no configuration.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class Emulator:
    """A running emulator, empty at first. It checks signatures and IAM policies.

    Args:
        say: told what takes long.
        region: where it says to be.

    Raises:
        UnavailableError: it cannot be installed, or does not start.
    """

    def __init__(self, *, region: str, say: Callable[[str], None] = lambda text: None) -> None:
        self.region = region
        self._python = installed("ministack", (MINISTACK, SDK), say)
        self._folder = Path(tempfile.mkdtemp(prefix="penstock-emulator-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        """What the emulator says."""
        return self._folder / "emulator.log"

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
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(self._python), "-m", "ministack"],
                cwd=self._folder, env={**kept, **own}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._wait()

    def close(self) -> None:
        """Stops it, with the functions that it runs, and removes what it kept."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        assert self._process is not None  # noqa: S101
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2).close()  # noqa: S310
                return
            time.sleep(0.2)
        last = self.log.read_text("utf-8", errors="replace")[-500:]
        self.close()
        raise UnavailableError(f"the emulator does not start: {last}", hint="see whether its port and memory are free")


def access_key(function_arn: str, role_arn: str) -> str:
    """Returns the access key with which the emulator runs a function: it is derived from these two."""
    return f"ASIA{_digest(function_arn, role_arn)[:16].upper()}"


def credentials(function_arn: str, role_arn: str) -> dict[str, str]:
    """Returns the variables with which the emulator runs a function. They count once the function has run."""
    digest = _digest(function_arn, role_arn)
    return {
        "AWS_ACCESS_KEY_ID": access_key(function_arn, role_arn),
        "AWS_SECRET_ACCESS_KEY": hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        "AWS_SESSION_TOKEN": hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    }


def _digest(function_arn: str, role_arn: str) -> str:
    return hashlib.sha256(f"{function_arn}:{role_arn}".encode()).hexdigest()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
