"""A local Lambda: runs a function's folder by the Lambda Runtime API, under Lambda's limits.

What Lambda enforces and this does too: the memory, the timeout, ten seconds of initialization, the sizes of events,
answers and variables, the names of variables, 1024 files, a file system that can be read but for ``/tmp`` and holds
nothing of the machine's but its programs, the packages of the zip and of the runtime and no others, no shared memory,
and that nothing runs between two invocations. What it does not do: give a share of the CPU by memory size, keep
``/tmp`` when a process had to be replaced, and whatever ``unenforced`` says of this machine.
"""

from __future__ import annotations

import functools
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from penstock.errors import LoadError, UsageError
from penstock.rehearsal.lambda_api import Delivery, Message
from penstock.rehearsal.lambda_interpreter import inspect_interpreter
from penstock.rehearsal.lambda_limits import (
    INIT_LIMIT_SECONDS,
    check_environment,
    check_request,
    check_settings,
)
from penstock.rehearsal.lambda_memory import MIB
from penstock.rehearsal.lambda_process import RefusedError, RuntimeProcess
from penstock.rehearsal.lambda_report import (
    Failure,
    FunctionLog,
    exited,
    init_report_line,
    out_of_memory,
    report_line,
    reported,
    timed_out,
)
from penstock.rehearsal.lambda_world import World

ACCOUNT = "123456789012"
UNENFORCED = ("the share of the CPU that goes with the memory size",)
OPEN_FILES = "a file system of its own: the function reads and writes what you can, and /tmp has no size"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "test"}


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """How an invocation ended.

    Attributes:
        payload: what the caller gets, a JSON document: the answer, or the description of the error.
        error: the error's type, as Retry and Catch know it; None for a success.
        init_seconds: how long a new process took before it asked for its first event; None when it was warm.
        duration_seconds: how long the event took.
        peak_memory_mb: the most that the function's processes ever held (MiB, as Lambda's megabytes are).
        log: what is in the function's log, Lambda's own lines included; of more than 16 MB both ends.
        report: the REPORT line.
    """

    request_id: str
    payload: bytes
    error: str | None = None
    init_seconds: float | None = None
    duration_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    log: str = ""
    report: str = ""


class LambdaSandbox:
    """One function, with at most one process: invocations wait for each other, and find what the last one left.

    Args:
        root: the unpacked zip.
        handler: ``module.function``, as Lambda's configuration has it.
        memory_mb: 128 to 10,240.
        timeout_seconds: 1 to 900.
        environment: the function's variables, at most 4 KB.
        ephemeral_mb: the size of ``/tmp``.
        python: an interpreter that has ``awslambdaric``; of its packages the function sees only those that Lambda's
            runtime brings along. Imports take longer than in Lambda if these were never compiled.
        layers: the unpacked layers, one folder, seen as ``/opt``.
        given: variables that are not the function's own: its role's credentials, ``AWS_ENDPOINT_URL`` of an emulator.

    Attributes:
        unenforced: what this machine cannot enforce, in words; known once the first process was started.

    Raises:
        UsageError: a setting that Lambda does not take, or no such folder.
    """

    def __init__(
        self,
        root: Path,
        *,
        handler: str,
        memory_mb: int,
        timeout_seconds: float,
        environment: Mapping[str, str],
        ephemeral_mb: int = 512,
        python: str = sys.executable,
        name: str = "function",
        region: str = "us-east-1",
        layers: Path | None = None,
        given: Mapping[str, str] = CREDENTIALS,
        init_limit_seconds: float = INIT_LIMIT_SECONDS,
    ) -> None:
        if sys.platform != "linux":
            raise LoadError("Lambda's rules can be enforced on Linux only", hint="rehearse in a virtual machine")
        check_settings(memory_mb, timeout_seconds, ephemeral_mb)
        check_environment(environment)
        for folder in (root, layers):
            if folder is not None and not folder.is_dir():
                raise UsageError(f"{folder} is no folder", hint="unpack the function's zip there")
        self.unenforced: tuple[str, ...] = UNENFORCED
        self._timeout_seconds, self._init_limit_seconds = timeout_seconds, init_limit_seconds
        self._has_namespaces = True
        self._process: RuntimeProcess | None = None
        self._peak_bytes = 0
        self._log = FunctionLog()
        self._turn = threading.Lock()
        self._aborted = threading.Event()
        interpreter = inspect_interpreter(python)
        work = Path(tempfile.mkdtemp(prefix="penstock-lambda-"))
        (work / "root").mkdir()
        interpreter.link_packages(work / "runtime")
        self._world = World(
            root=root.resolve(),
            layers=layers.resolve() if layers else None,
            work=work,
            interpreter=interpreter,
            name=name,
            handler=handler,
            region=region,
            memory_mb=memory_mb,
            ephemeral_mb=ephemeral_mb,
            environment=dict(environment),
            given=dict(given),
        )

    def __enter__(self) -> LambdaSandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def invoke(self, payload: bytes, *, asynchronous: bool = False) -> Invocation:
        """Sends an event to the function and waits for the end.

        Raises:
            ValidationError: the event is larger than Lambda takes.
            UsageError: the sandbox is closed.
            UnavailableError: no process can be started.
        """
        check_request(payload, asynchronous=asynchronous)
        with self._turn:
            if not self._world.work.exists():
                raise UsageError("the sandbox is closed", hint="open another")
            try:
                return self._invoke(str(uuid.uuid4()), payload)
            except BaseException:
                # What it would answer later must not be taken for the next one's answer.
                self._discard()
                raise

    def abort(self) -> None:
        """Ends the invocation that runs, as if its process had been killed. After that it can only be closed."""
        self._aborted.set()

    def close(self) -> None:
        """Kills the function's process and removes its folders. Closing twice is a no-op."""
        with self._turn:
            self._discard()
            shutil.rmtree(self._world.work, ignore_errors=True)

    # -- one invocation -----------------------------------------------------------------------------

    def _invoke(self, request_id: str, payload: bytes) -> Invocation:
        self._log = FunctionLog()
        init_seconds, ready = self._initialize(request_id)
        self._log.write(f"START RequestId: {request_id} Version: $LATEST\n")
        began = time.monotonic()
        until = began + self._timeout_seconds
        if isinstance(ready, Failure):
            # Lambda tries once more, now as a part of the invocation.
            ready = self._start(request_id, until)
        answer = ready if isinstance(ready, Failure) else self._call(ready, request_id, payload, until)
        duration = time.monotonic() - began
        if self._process is not None:
            self._log.write(self._process.read_log())
            self._process.freeze()
        failure = answer if isinstance(answer, Failure) else None
        self._log.write((failure.lines if failure else "") + f"END RequestId: {request_id}\n")
        report = report_line(
            request_id,
            duration_seconds=duration,
            memory_mb=self._world.memory_mb,
            peak_memory_mb=self._peak_bytes / MIB,
            init_seconds=init_seconds,
            failure=failure,
        )
        self._log.write(report + "\n")
        return Invocation(
            request_id=request_id,
            payload=answer.payload if isinstance(answer, Failure) else answer.body,
            error=failure.error if failure else None,
            init_seconds=init_seconds,
            duration_seconds=duration,
            peak_memory_mb=self._peak_bytes / MIB,
            log=self._log.text(),
            report=report,
        )

    def _initialize(self, request_id: str) -> tuple[float | None, RuntimeProcess | Failure]:
        if self._process is not None:
            return None, self._process
        major, minor = self._world.interpreter.version
        self._log.write(f"INIT_START Runtime Version: python:{major}.{minor}\n")
        began = time.monotonic()
        ready = self._start(request_id, began + self._init_limit_seconds)
        if isinstance(ready, RuntimeProcess):
            return time.monotonic() - ready.began, ready
        kind = "" if ready.status == "timeout" else ready.kind or ready.error
        self._log.write(init_report_line(time.monotonic() - began, status=ready.status, error=kind) + "\n")
        return None, ready

    def _start(self, request_id: str, until: float) -> RuntimeProcess | Failure:
        """Starts a process and waits until it asks for an event."""
        process = self._process = self._open_process()
        said = self._await(process, request_id, until)
        if isinstance(said, Failure):
            return said
        if said.kind == "next":
            return process
        # It ends by itself once it has told; what it prints comes before.
        self._await(process, request_id, until)
        self._discard()
        return reported(said.error, said.body)

    def _call(self, process: RuntimeProcess, request_id: str, payload: bytes, until: float) -> Message | Failure:
        arn = f"arn:aws:lambda:{self._world.region}:{ACCOUNT}:function:{self._world.name}"
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
        process.thaw()
        process.api.deliver(Delivery(request_id, payload, time.time() + self._timeout_seconds, arn, trace))
        said = self._await(process, request_id, until)
        if isinstance(said, Failure):
            return said
        settled = self._await(process, request_id, until)
        if isinstance(settled, Failure):
            if settled.kind or settled.status == "timeout":
                return settled
            self._log.write(settled.lines)
        return said if said.kind == "response" else reported(said.error, said.body)

    def _await(self, process: RuntimeProcess, request_id: str, until: float) -> Message | Failure:
        """Waits for what the process says next; after a failure the process is gone."""
        while True:
            process.wait(until - time.monotonic())
            self._log.write(process.read_log())
            self._peak_bytes = process.memory.look()
            if self._peak_bytes > self._world.memory_mb * MIB:
                failure = out_of_memory(request_id)
                break
            said = process.api.take()
            if said is not None:
                return said
            if process.ended is not None or self._aborted.is_set():
                failure = exited(request_id, -signal.SIGKILL if process.ended is None else process.ended)
                break
            if time.monotonic() >= until:
                failure = timed_out(request_id, self._timeout_seconds, time.time())
                break
        self._discard()
        return failure

    # -- the process --------------------------------------------------------------------------------

    def _open_process(self) -> RuntimeProcess:
        self._peak_bytes = 0
        try:
            return self._open(namespaces=self._has_namespaces)
        except RefusedError as error:
            self._has_namespaces = False
            self.unenforced = (*UNENFORCED, f"{OPEN_FILES} ({error})")
            return self._open(namespaces=False)

    def _open(self, *, namespaces: bool) -> RuntimeProcess:
        world = self._world
        variables = functools.partial(world.variables, namespaces=namespaces)
        return RuntimeProcess(world.interpreter.python, world.plan(namespaces=namespaces), variables)

    def _discard(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            self._log.write(process.kill())
