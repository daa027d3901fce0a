"""A directory that says of each login whether it may be: the server's side of LDAP's simple bind, and nothing else.

A database asks it where RDS asks IAM. It runs in the emulator's environment too: the standard library is all it needs.
https://www.rfc-editor.org/rfc/rfc4511#section-4.2
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Callable

SEQUENCE, INTEGER, OCTETS, ENUMERATED = 0x30, 0x02, 0x04, 0x0A
BIND, BOUND, SIMPLE = 0x60, 0x61, 0x80
SUCCESS, PROTOCOL_ERROR, INVALID_CREDENTIALS = 0, 2, 49
# A token of IAM has some 1,500 characters.
MOST_BYTES = 1 << 17
SECONDS = 30.0


class BindServer:
    """A server on loopback, until it is closed.

    Args:
        may: tells of a name and a password whether they go together. It is called in a thread of the server's.
    """

    def __init__(self, may: Callable[[str, str], bool], port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), may)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="logins", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], may: Callable[[str, str], bool]) -> None:
        self.may = may
        super().__init__(address, _Connection)


class _Connection(socketserver.StreamRequestHandler):
    timeout = SECONDS
    server: _Server

    def handle(self) -> None:
        """Answers binds until the other side goes, or says what is none."""
        with contextlib.suppress(OSError, ValueError):
            while (message := self._message()) is not None:
                number, name, password = bind_request(message)
                result = PROTOCOL_ERROR
                if password is not None:
                    result = SUCCESS if self._may(name, password) else INVALID_CREDENTIALS
                self.wfile.write(bind_response(number, result))

    def _may(self, name: str, password: str) -> bool:
        # To bind without a password is to be nobody. https://www.rfc-editor.org/rfc/rfc4513#section-5.1.2
        return bool(name and password) and self.server.may(name, password)

    def _message(self) -> bytes | None:
        head = self.rfile.read(2)
        if len(head) < 2:
            return None
        long = head[1] & 0x7F if head[1] & 0x80 else 0
        length = int.from_bytes(self.rfile.read(long), "big") if long else head[1]
        if head[0] != SEQUENCE or length > MOST_BYTES:
            raise ValueError("this is no message of LDAP")
        return self.rfile.read(length)


def bind_request(message: bytes) -> tuple[int, str, str | None]:
    """Returns a bind's number, name and password; no password where it is none of simple authentication.

    Args:
        message: what is in the outermost sequence.

    Raises:
        ValueError: it is no bind, such as an unbind.
    """
    number, rest = element(message, INTEGER)
    body, _ = element(rest, BIND)
    _, body = element(body, INTEGER)
    name, body = element(body, OCTETS)
    if body[:1] != bytes([SIMPLE]):
        return int.from_bytes(number, "big"), name.decode(), None
    password, _ = element(body, SIMPLE)
    return int.from_bytes(number, "big"), name.decode(), password.decode()


def bind_response(number: int, result: int) -> bytes:
    """Returns the answer to a bind."""
    told = made(ENUMERATED, bytes([result])) + made(OCTETS, b"") + made(OCTETS, b"")
    size = max(1, (number.bit_length() + 8) // 8)
    return made(SEQUENCE, made(INTEGER, number.to_bytes(size, "big")) + made(BOUND, told))


def element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Returns what an element of BER holds, and what follows it.

    Raises:
        ValueError: there is none of this kind.
    """
    if len(data) < 2 or data[0] != tag:
        raise ValueError(f"there is no element {tag:#x}")
    start = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    length = int.from_bytes(data[2:start], "big") if data[1] & 0x80 else data[1]
    if len(data) < start + length:
        raise ValueError("an element is cut off")
    return data[start : start + length], data[start + length :]


def made(tag: int, content: bytes) -> bytes:
    """Returns an element of BER."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
