"""The directory that databases ask: bytes as RFC 4511 has them, laid out by hand, and a client that speaks to it."""

from __future__ import annotations

import contextlib
import socket

import pytest

from penstock.rehearsal.assets.simple_bind import BindServer, bind_request, bind_response, element, made

# LDAPMessage { messageID 1, bindRequest { version 3, name "db:bob", simple "key" } }
BOB = bytes.fromhex("3016 0201 01 6011 0201 03 0407") + b"db:bob!" + bytes.fromhex("8003") + b"key"
# LDAPMessage { messageID 2, unbindRequest NULL }
UNBIND = bytes.fromhex("3005 0201 02 4200")
SUCCESS = bytes.fromhex("300c 0201 01 6107 0a01 00 0400 0400")
INVALID_CREDENTIALS = bytes.fromhex("300c 0201 01 6107 0a01 31 0400 0400")
PROTOCOL_ERROR = bytes.fromhex("300c 0201 01 6107 0a01 02 0400 0400")


def ask(port: int, *messages: bytes) -> bytes:
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
        connection.sendall(b"".join(messages))
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(4096):
            found += part
        return found


def test_a_bind_is_read() -> None:
    assert bind_request(BOB[2:]) == (1, "db:bob!", "key")


def test_a_long_password_is_read() -> None:
    """A length of 128 and more says first in how many bytes it is: X.690, 8.1.3.5."""
    token = "t" * 1500
    body = bytes.fromhex("0201 03 0402") + b"db" + bytes.fromhex("80 82 05dc") + token.encode()
    message = bytes.fromhex("0201 07 60 82") + len(body).to_bytes(2, "big") + body
    assert bind_request(message) == (7, "db", token)


def test_an_answer_is_as_the_rfc_has_it() -> None:
    assert bind_response(1, 0) == SUCCESS
    assert bind_response(1, 49) == INVALID_CREDENTIALS
    assert bind_response(200, 0)[2:6] == bytes.fromhex("0202 00c8"), "an integer has a sign"


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70_000])
def test_elements_of_every_length_are_read_as_they_were_made(size: int) -> None:
    assert element(made(0x04, b"x" * size) + b"rest", 0x04) == (b"x" * size, b"rest")


@pytest.mark.parametrize("data", [b"", b"\x04", b"\x04\x05abc", b"\x02\x01\x01"])
def test_what_is_cut_off_or_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="element"):
        element(data, 0x04)


def test_it_answers_who_goes_with_the_password() -> None:
    asked = []

    def may(name: str, password: str) -> bool:
        asked.append((name, password))
        return password == "key"

    server = BindServer(may)
    wrong = BOB.replace(b"key", b"kex")
    nobody = BOB[:-4].replace(b"\x30\x16", b"\x30\x13", 1).replace(b"\x60\x11", b"\x60\x0e", 1) + b"\x00"
    by_another_way = BOB.replace(bytes.fromhex("8003"), bytes.fromhex("a303"))
    try:
        assert ask(server.port, BOB, UNBIND) == SUCCESS
        assert ask(server.port, BOB, wrong) == SUCCESS + INVALID_CREDENTIALS
        assert ask(server.port, by_another_way) == PROTOCOL_ERROR
        assert ask(server.port, nobody) == INVALID_CREDENTIALS
        assert ask(server.port, b"GET / HTTP/1.1\r\n\r\n") == b""
        assert ask(server.port, bytes.fromhex("30 84 7fffffff")) == b"", "nobody reads two gigabytes"
    finally:
        server.close()
    assert asked == [("db:bob!", "key"), ("db:bob!", "key"), ("db:bob!", "kex")]
