import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from penstock.adapters.aws import session
from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.session import client
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import ThrottledError
from penstock.rehearsal.furnish import table_arguments
from penstock.testing.contracts.hot import CONTRACT_TABLES, HotCapabilities, HotStoreContract
from penstock.testing.contracts.hot_tables import PLAIN

NOW = 1_790_000_000.5
# What moto 5.2 does otherwise than DynamoDB; a test that passes after all says so (strict).
MOTO_DEFECTS = {
    "test_a_page_has_about_a_megabyte": "moto's pages are not limited by the bytes of their items",
    "test_an_item_has_400_kilobytes_of_names_and_values": "moto counts the item's JSON, not DynamoDB's bytes",
    "test_a_write_happens_if_its_condition_holds[condition12-False-False]": "moto fails to compare text with a number",
    "test_a_write_happens_if_its_condition_holds[condition22-True-False]": "moto takes false and null for equal",
}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


class TestDynamoDbHotStore(HotStoreContract):
    @pytest.fixture(autouse=True)
    def expect_defects_of_moto(self, request: pytest.FixtureRequest) -> None:
        if request.node.name in MOTO_DEFECTS:
            request.applymarker(pytest.mark.xfail(reason=MOTO_DEFECTS[request.node.name], strict=True))

    @pytest.fixture
    def capabilities(self) -> HotCapabilities:
        return HotCapabilities(index_reads_are_consistent=False, expired_items_are_hidden=False, expire_deletes=False)

    @pytest.fixture
    def store(self, aws: str, clock: VirtualClock) -> DynamoDbHotStore:
        for table in CONTRACT_TABLES:
            client("dynamodb").create_table(**table_arguments(table))
        return DynamoDbHotStore(clock)


def service(answers: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A DynamoDB that gives these answers, one after the other, and keeps the requests."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = answers.pop(0)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


@pytest.fixture
def answering(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    with contextlib.ExitStack() as stack:

        def start(*answers: tuple[int, dict[str, Any]]) -> list[dict[str, Any]]:
            endpoint, requests = stack.enter_context(contextlib.contextmanager(service)(list(answers)))
            monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
            return requests

        yield start


def unprocessed(*numbers: int) -> tuple[int, dict[str, Any]]:
    return 200, {"UnprocessedItems": {PLAIN.name: [{"PutRequest": {"Item": {"id": {"S": str(n)}}}} for n in numbers]}}


def written(request: dict[str, Any]) -> list[str]:
    return [one["PutRequest"]["Item"]["id"]["S"] for one in request["RequestItems"][PLAIN.name]]


def test_what_dynamodb_left_unprocessed_is_written_again(
    answering: Callable[..., list[dict[str, Any]]], clock: VirtualClock
) -> None:
    requests = answering(unprocessed(3, 7), unprocessed(7), unprocessed(), unprocessed())
    pauses: list[float] = []
    DynamoDbHotStore(clock, pause=pauses.append).batch_put(PLAIN, [{"id": str(n)} for n in range(30)])
    assert [written(request) for request in requests] == [
        [str(n) for n in range(25)], ["3", "7"], ["7"], [str(n) for n in range(25, 30)]
    ]  # fmt: skip
    assert len(pauses) == 2
    assert all(pause >= 0 for pause in pauses)


def test_what_stays_unprocessed_is_said(answering: Callable[..., list[dict[str, Any]]], clock: VirtualClock) -> None:
    requests = answering(*[unprocessed(0)] * 8)
    with pytest.raises(ThrottledError, match="1 items are still unprocessed after 8 attempts"):
        DynamoDbHotStore(clock, pause=lambda _: None).batch_put(PLAIN, [{"id": "0"}])
    assert len(requests) == 8


THROTTLED = (400, {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "x"})


def test_a_throttled_request_is_tried_again(
    answering: Callable[..., list[dict[str, Any]]], clock: VirtualClock
) -> None:
    requests = answering(THROTTLED, THROTTLED, (200, {"Item": {"id": {"S": "a"}}}))
    assert DynamoDbHotStore(clock).get(PLAIN, {"id": "a"}) == {"id": "a"}
    assert len(requests) == 3


def test_a_request_that_stays_throttled_is_said(
    answering: Callable[..., list[dict[str, Any]]], clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ATTEMPTS", 2)
    answering(THROTTLED, THROTTLED)
    with pytest.raises(ThrottledError, match="cannot get an item of contract-plain"):
        DynamoDbHotStore(clock).get(PLAIN, {"id": "a"})
