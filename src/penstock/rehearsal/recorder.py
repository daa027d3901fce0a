"""A recorder in front of an emulator of AWS: it passes requests on, and keeps what each needed.

Whoever is to be recorded gets its address as ``AWS_ENDPOINT_URL``. Bytes, ``Host`` and signature pass unchanged,
so an emulator that checks signatures still finds them valid.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from penstock.errors import UsageError
from penstock.rehearsal.calls import RecordedCall, line
from penstock.rehearsal.exchange import Exchange, signature
from penstock.rehearsal.needs import needs

# Headers that are about one connection only. https://www.rfc-editor.org/rfc/rfc9110.html#section-7.6.1
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
# What is answered here itself, or told anew.
OWN_REQUEST = HOP_BY_HOP | {"expect", "content-length"}
TIMEOUT_SECONDS = 120.0
# On AWS every request of an SDK goes over TLS; only the way to an emulator does not.
ALWAYS: dict[str, str | list[str]] = {"aws:SecureTransport": "true"}


class Recorder:
    """A reverse proxy on loopback that keeps what passed.

    Args:
        upstream: the emulator's address, such as ``http://127.0.0.1:4566``.
        role_of: returns the name of the role that has an access key; ``""`` when it has none.
        account: the account in which the emulator keeps resources, for ARNs that a request does not tell.
        path: a file to which every call is added as a line of JSON, before the answer is passed on.
        now: seconds since the epoch.

    Raises:
        UsageError: the upstream address is not an ``http`` one.
    """

    def __init__(
        self,
        upstream: str,
        *,
        role_of: Callable[[str], str],
        account: str,
        path: Path | None = None,
        port: int = 0,
        now: Callable[[], float] = time.time,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        parts = urlsplit(upstream)
        if parts.scheme != "http" or not parts.hostname:
            raise UsageError(f"{upstream!r} is no http address", hint="give the emulator's: http://127.0.0.1:4566")
        self.upstream = (parts.hostname, parts.port or 80)
        self.timeout_seconds = timeout_seconds
        self._role_of, self._account, self._path, self._now = role_of, account, path, now
        self._lock = threading.Lock()
        self._calls: list[tuple[str, RecordedCall]] = []
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="recorder")

    @property
    def url(self) -> str:
        """The address for ``AWS_ENDPOINT_URL``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def calls(self) -> list[RecordedCall]:
        """What was recorded until now, in order; a role that was not known at the time is looked up again."""
        with self._lock:
            kept = list(self._calls)
        return [call if call.role else msgspec.structs.replace(call, role=self._role_of(key)) for key, call in kept]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends every connection and every thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def keep(self, exchange: Exchange) -> None:
        """Keeps what a request needed. One that nobody signed is of no role, and is not kept."""
        signed = signature(exchange)
        if signed is None:
            return
        role, at = self._role_of(signed.access_key_id), self._now()
        made = [
            RecordedCall(role, need.action, need.resource, ALWAYS | need.context, at)
            for need in needs(exchange, signed, self._account)
        ]
        with self._lock:
            self._calls += ((signed.access_key_id, call) for call in made)
            if self._path is not None:
                with self._path.open("ab") as file:
                    file.write(b"".join(line(call) for call in made))


class _Server(ThreadingHTTPServer):
    # Closing the server waits for its threads, so that none outlives it.
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], recorder: Recorder) -> None:
        self.recorder = recorder
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        with self._open_lock:
            for request in self._open:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        """Handles a request by any method, until the connection ends."""
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Says nothing: what passed is in the record."""

    def _pass_on(self) -> None:
        body = _body(self.rfile, self.headers)
        try:
            status, reason, headers, answer = self._ask(body)
        except OSError:
            # Without a body: no protocol of AWS's could read one.
            self._answer(502, "Bad Gateway", [], b"")
            return
        self.server.recorder.keep(
            Exchange(
                method=self.command,
                target=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
                status=status,
                answer=answer,
            )
        )
        self._answer(status, reason, headers, answer)

    def _ask(self, body: bytes) -> tuple[int, str, list[tuple[str, str]], bytes]:
        host, port = self.server.recorder.upstream
        upstream = http.client.HTTPConnection(host, port, timeout=self.server.recorder.timeout_seconds)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in OWN_REQUEST:
                    upstream.putheader(name, value)
            if body or "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body or None)
            response = upstream.getresponse()
            return response.status, response.reason, response.getheaders(), response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        finally:
            upstream.close()

    def _answer(self, status: int, reason: str, headers: list[tuple[str, str]], answer: bytes) -> None:
        self.send_response_only(status, reason)
        without_body = self.command == "HEAD" or status in {204, 304}
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP and (without_body or name.lower() != "content-length"):
                self.send_header(name, value)
        if not without_body:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if not without_body:
            self.wfile.write(answer)


def _body(file: BufferedIOBase, headers: Any) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc9112.html#section-7.1"""
    if "chunked" not in headers.get("Transfer-Encoding", "").lower():
        return file.read(int(headers.get("Content-Length") or 0))
    parts = []
    while size := int(file.readline().split(b";")[0], 16):
        parts.append(file.read(size))
        file.readline()
    while file.readline().strip():
        pass
    return b"".join(parts)
