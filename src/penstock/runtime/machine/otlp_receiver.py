"""OpenTelemetry's logs and metrics over HTTP, for programs of this machine.

An answer of 200 says that everything is stored: log records as one raw object a request, metrics in the home's store. A
request that is repeated, because its answer was lost, is stored once. https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import msgspec

from penstock.errors import AlreadyExistsError, PenstockError, UsageError, ValidationError
from penstock.logs import otlp
from penstock.logs.protobuf import encode_integer, encode_message, encode_string
from penstock.ports.clock import Clock
from penstock.ports.metrics import MetricPublisher
from penstock.runtime.machine.follower import LogSink
from penstock.runtime.machine.otlp_metrics import MetricsReader

ADDRESS = "127.0.0.1"
HOSTS = ("127.0.0.1", "localhost", "[::1]")
BODY_LIMIT_BYTES = 64 * 1024 * 1024
TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 5
PROTOBUF, JSON = "application/x-protobuf", "application/json"


class Answer(NamedTuple):
    """What a request is answered with.

    Attributes:
        refused: how many of its datapoints were left out; of log records none is.
        message: why, or what went wrong.
    """

    status: int
    refused: int = 0
    message: str = ""


class OtlpReceiver:
    """Listens on this machine's own address.

    Args:
        sink: where log records go.
        port: 0 takes a free one.

    Raises:
        UsageError: the port is taken.
    """

    def __init__(self, sink: LogSink, *, metrics: MetricPublisher, clock: Clock, port: int) -> None:
        self._sink = sink
        self._metrics = metrics
        self._clock = clock
        self._reader = MetricsReader(clock.now())
        # One thread stores: the home's databases then have one connection for it.
        self._storing = ThreadPoolExecutor(1, thread_name_prefix="otlp")
        receiver = self

        class Handler(_Handler):
            def answer(self, path: str, body: bytes, *, is_json: bool) -> Answer:
                return receiver.answer(path, body, is_json=is_json)

        try:
            self._server = ThreadingHTTPServer((ADDRESS, port), Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"cannot listen on {ADDRESS}:{port}: {error}", hint="choose another port for OTLP"
            ) from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="otlp-http", daemon=True)
        self._thread.start()

    def answer(self, path: str, body: bytes, *, is_json: bool) -> Answer:
        """Stores what a request holds, and says how that went."""
        store = {"/v1/logs": self._store_logs, "/v1/metrics": self._store_metrics}.get(path)
        if store is None:
            return Answer(404, message="only /v1/logs and /v1/metrics are received")
        try:
            return self._storing.submit(store, body, is_json=is_json).result()
        except ValidationError as error:
            return Answer(400, message=error.message)
        except (PenstockError, OSError) as error:
            return Answer(503, message=str(error))

    def close(self) -> None:
        """Stops listening; what was answered is stored."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._storing.shutdown()

    def _store_logs(self, body: bytes, *, is_json: bool) -> Answer:
        entries = list(otlp.entries(otlp.decode_logs(body, is_json=is_json), self._clock.now()))
        if entries:
            # Its name follows from its content: what is there already is this very request.
            key = self._sink.key("otlp", hashlib.sha256(body).hexdigest()[:32])
            with contextlib.suppress(AlreadyExistsError):
                self._sink.write(key, entries)
        return Answer(200)

    def _store_metrics(self, body: bytes, *, is_json: bool) -> Answer:
        points, refused = self._reader.read(otlp.decode_metrics(body, is_json=is_json), self._clock.now())
        if points:
            self._metrics.publish(points, token=f"otlp/{hashlib.sha256(body).hexdigest()}")
        self._reader.keep()
        return Answer(200, refused, "some points break the rules for datapoints" if refused else "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_SECONDS
    server_version, sys_version = "penstock", ""

    def answer(self, path: str, body: bytes, *, is_json: bool) -> Answer:
        raise NotImplementedError

    def do_POST(self) -> None:
        kind = self.headers.get_content_type()
        try:
            refusal = self._refusal(kind)
            if refusal is None:
                self._reply(kind, self.answer(self.path.partition("?")[0], self._body(), is_json=kind == JSON))
                return
        except (ValueError, zlib.error) as error:
            refusal = Answer(400, message=f"the body cannot be read: {error}")
        self.close_connection = True
        self._reply(kind, refusal)

    def _refusal(self, kind: str) -> Answer | None:
        # A web page that a browser on this machine shows must not get through under another name of this address.
        if (self.headers.get("Host") or "").rpartition(":")[0] not in HOSTS:
            return Answer(403, message="only programs of this machine may send")
        if kind not in {PROTOBUF, JSON}:
            return Answer(415, message=f"send {PROTOBUF} or {JSON}")
        size = self.headers.get("Content-Length")
        if size is None:
            return Answer(411, message="a Content-Length is needed")
        return Answer(413, message=f"at most {BODY_LIMIT_BYTES} bytes") if int(size) > BODY_LIMIT_BYTES else None

    def _body(self) -> bytes:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        encoding = (self.headers.get("Content-Encoding") or "identity").lower()
        if encoding == "identity":
            return raw
        if encoding not in {"gzip", "deflate"}:
            raise ValueError(f"unknown Content-Encoding {encoding}")
        inflating = zlib.decompressobj(zlib.MAX_WBITS | 32)
        body = inflating.decompress(raw, BODY_LIMIT_BYTES)
        if inflating.unconsumed_tail or not inflating.eof:
            raise ValueError(f"it is cut off, or larger than {BODY_LIMIT_BYTES} bytes")
        return body

    def _reply(self, kind: str, answer: Answer) -> None:
        is_json = kind == JSON
        body = _json(answer) if is_json else _protobuf(answer)
        self.send_response(answer.status)
        self.send_header("Content-Type", JSON if is_json else PROTOBUF)
        self.send_header("Content-Length", str(len(body)))
        if answer.status == 503:
            self.send_header("Retry-After", str(RETRY_SECONDS))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Says nothing: a program that logs to us would else log about its logging."""


def _json(answer: Answer) -> bytes:
    if answer.status != 200:
        return msgspec.json.encode({"message": answer.message})
    if not answer.refused:
        return b"{}"
    said = {"rejectedDataPoints": str(answer.refused), "errorMessage": answer.message}
    return msgspec.json.encode({"partialSuccess": said})


def _protobuf(answer: Answer) -> bytes:
    """Returns an Export…ServiceResponse, or a google.rpc.Status where the request failed."""
    if answer.status != 200:
        return encode_string(2, answer.message)
    if not answer.refused:
        return b""
    return encode_message(1, encode_integer(1, answer.refused) + encode_string(2, answer.message))
