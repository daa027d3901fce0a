"""A server that gives the answers it is told to, for what no emulator does: throttle, fail in part, cut into pages."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest


class Answer(NamedTuple):
    """What a request is answered with; ``effect`` happens before."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}
    effect: Callable[[], None] = lambda: None


class Asked(NamedTuple):
    """A request: the operation and the body as it was before compression."""

    operation: str
    body: bytes

    def document(self) -> Any:
        return json.loads(self.body)


class ScriptedAws:
    """Answers in the order of the script; past its end with an error that nobody repeats."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.asked: list[Asked] = []
        self.endpoint = ""

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self.script.pop(0) if self.script else Answer(400, b'{"__type": "ScriptIsOver"}')
        found.effect()
        return found

    @property
    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked]


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    """Runs a server on this machine; the environment points to it."""
    aws = ScriptedAws()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            target = self.headers.get("X-Amz-Target") or self.path
            found = aws.answer(Asked(target.rpartition("." if "." in target else "/")[2], body))
            self.send_response(found.status)
            for name, text in found.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_PUT = do_POST  # noqa: N815 - the handler's own names

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Writes nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    aws.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": aws.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    try:
        yield aws
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def as_json(document: Any, status: int = 200) -> Answer:
    """An answer of a service that speaks JSON, as botocore asks all these to do."""
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/x-amz-json-1.1"})
