"""The Lambda Runtime API: what a function's process asks for its next event, and tells its answers to.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import msgspec

from penstock.rehearsal.lambda_limits import RESPONSE_LIMIT_BYTES

BASE = "/2018-06-01/runtime/"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


class Message(msgspec.Struct, frozen=True):
    """What the function's process said: it wants an event, it has an answer, it failed, it could not start.

    Attributes:
        body: the answer, or the error as a JSON document.
        error: the error's type.
    """

    kind: Literal["next", "response", "error", "init_error"]
    body: bytes = b""
    error: str = ""


class Delivery(msgspec.Struct, frozen=True):
    """An event for the function's process.

    Attributes:
        deadline: seconds since the epoch.
    """

    request_id: str
    payload: bytes
    deadline: float
    function_arn: str
    trace_id: str


class RuntimeApi:
    """Serves one process of one function, on a port of its own on the loopback interface."""

    def __init__(self) -> None:
        self._said: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._deliveries: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self.current = ""
        self._open = threading.Lock()
        self._closed = False
        self.ready_fd, self._ready_write = os.pipe()
        os.set_blocking(self.ready_fd, False)
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """``host:port``, as AWS_LAMBDA_RUNTIME_API has it."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def deliver(self, delivery: Delivery) -> None:
        """Answers the process that asked for an event."""
        self.current = delivery.request_id
        self._deliveries.put(delivery)

    def take(self) -> Message | None:
        """Returns what was said next, if anything was. ``ready_fd`` is readable when something was."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.ready_fd, 1)
        with contextlib.suppress(queue.Empty):
            return self._said.get_nowait()
        return None

    def say(self, message: Message) -> None:
        with self._open:
            # A process that was killed may have left a request behind.
            if not self._closed:
                self._said.put(message)
                os.write(self._ready_write, b"\0")

    def next_delivery(self) -> Delivery | None:
        """Waits for an event; None when the server closes."""
        self.say(Message("next"))
        delivery = self._deliveries.get()
        if delivery is None:
            self._deliveries.put(None)
        return delivery

    def close(self) -> None:
        """Ends the server and its threads."""
        self._deliveries.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        with self._open:
            self._closed = True
            os.close(self.ready_fd)
            os.close(self._ready_write)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The process was killed while it was answered."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        if self.path != f"{BASE}invocation/next":
            self._answer(404, {"errorType": "InvalidPath", "errorMessage": self.path})
            return
        delivery = self.server.api.next_delivery()
        if delivery is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": delivery.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(delivery.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": delivery.function_arn,
            "Lambda-Runtime-Trace-Id": delivery.trace_id,
        }
        self._send(200, delivery.payload, headers)

    def do_POST(self) -> None:
        body = self._body()
        api, path = self.server.api, self.path.removeprefix(BASE)
        if path == "init/error":
            api.say(Message("init_error", body, self.headers.get(ERROR_TYPE, "")))
        elif path == f"invocation/{api.current}/response":
            if len(body) > RESPONSE_LIMIT_BYTES:
                self._refuse_large(api)
                return
            api.say(Message("response", body))
        elif path == f"invocation/{api.current}/error":
            api.say(Message("error", body, self.headers.get(ERROR_TYPE, "")))
        else:
            self._answer(400, {"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"})
            return
        self._answer(202, {"status": "OK"})

    def _refuse_large(self, api: RuntimeApi) -> None:
        error = "Function.ResponseSizeTooLarge"
        text = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
        api.say(Message("error", json.dumps({"errorType": error, "errorMessage": text}).encode(), error))
        text = f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
        self._answer(413, {"errorType": "RequestEntityTooLarge", "errorMessage": text})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, document: dict[str, str]) -> None:
        self._send(status, json.dumps(document).encode(), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """The function's log is not the place."""
