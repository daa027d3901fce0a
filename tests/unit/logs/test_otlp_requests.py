"""OpenTelemetry's requests, made by its own SDK, and what is read from them."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from penstock.errors import ValidationError
from penstock.logs import otlp, otlp_messages
from penstock.logs.protobuf import Message, decode
from penstock.runtime.machine.otlp_metrics import MetricsReader

pytest.importorskip("opentelemetry.proto")
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

AT = 1_771_574_220.0
NANOS = 1_771_574_220_123_456_789
KINDS = {"string": 9, "bytes": 12, "bool": 8, "int64": 3, "uint64": 13, "fixed64": 6, "sfixed64": 16, "fixed32": 7,
         "double": 1, "message": 11}  # fmt: skip
ENUM = 14


def same(message: Message, descriptor: Any, seen: set[str]) -> None:
    """Checks a message of ours, and those in it, against OpenTelemetry's own descriptors."""
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    for number, field in message.items():
        theirs = descriptor.fields_by_number[number]
        assert theirs.json_name == field.name
        assert field.is_repeated == theirs.is_repeated
        assert theirs.type == KINDS[field.kind] or (field.kind == "int64" and theirs.type == ENUM)
        if field.message is not None:
            same(field.message(), theirs.message_type, seen)


def test_every_field_is_as_opentelemetry_has_it() -> None:
    seen: set[str] = set()
    same(otlp_messages.LOGS_REQUEST, logs_service_pb2.ExportLogsServiceRequest.DESCRIPTOR, seen)
    same(otlp_messages.METRICS_REQUEST, metrics_service_pb2.ExportMetricsServiceRequest.DESCRIPTOR, seen)
    assert len(seen) > 20


def logs_request() -> Any:
    request = logs_service_pb2.ExportLogsServiceRequest()
    group = request.resource_logs.add()
    for name, text in (("service.name", "shop"), ("host.name", "web1"), ("deployment", "prod")):
        group.resource.attributes.add(key=name).value.string_value = text
    scoped = group.scope_logs.add()
    scoped.scope.name = "checkout"
    record = scoped.log_records.add(
        time_unix_nano=NANOS, severity_number=17, severity_text="Error", trace_id=bytes(range(16)), span_id=b"\x01" * 8
    )
    record.body.string_value = "no stock"
    record.attributes.add(key="http.response.status_code").value.int_value = 503
    record.attributes.add(key="negative").value.int_value = -7
    record.attributes.add(key="share").value.double_value = 0.5
    tags = record.attributes.add(key="tags").value.array_value
    tags.values.add().string_value = "a"
    tags.values.add().bool_value = True
    other = scoped.log_records.add(severity_text="warn")
    other.body.kvlist_value.values.add(key="code").value.int_value = 1 << 40
    return request


def json_of(request: Any) -> bytes:
    """Returns OTLP/JSON: protobuf's, but with identifiers in hexadecimal digits and enums as numbers."""
    document = json_format.MessageToDict(request, use_integers_for_enums=True)
    for group in document.get("resourceLogs", []):
        for record in group["scopeLogs"][0]["logRecords"]:
            for name in {"traceId", "spanId"} & set(record):
                record[name] = base64.b64decode(record[name]).hex()
    return msgspec.json.encode(document)


@pytest.mark.parametrize("is_json", [False, True])
def test_log_records(is_json: bool) -> None:
    body = json_of(logs_request()) if is_json else logs_request().SerializeToString()
    first, second = otlp.entries(otlp.decode_logs(body, is_json=is_json), AT)
    assert (first.severity, first.service, first.host, first.message) == ("ERROR", "shop", "web1", "no stock")
    assert first.timestamp.isoformat() == "2026-02-20T07:57:00.123456+00:00"
    assert (first.trace_id, first.status) == ("000102030405060708090a0b0c0d0e0f", 503)
    assert first.attributes == {
        "deployment": "prod", "http.response.status_code": "503", "negative": "-7", "share": "0.5",
        "tags": '["a",true]', "scope": "checkout", "span_id": "0101010101010101",
    }  # fmt: skip
    assert (second.severity, second.message) == ("WARNING", '{"code":1099511627776}')
    assert second.timestamp.timestamp() == AT


@pytest.mark.parametrize("body", [b"\x0a\x05ab", b"\xff" * 20, b"[1]", b'{"resourceLogs": 7}', b'{"resourceLogs":[7]}'])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        list(otlp.entries(otlp.decode_logs(body, is_json=body[:1] in b"[{"), AT))


def test_unknown_fields_are_left_out() -> None:
    assert decode(b"\xf8\x07\x01" + logs_request().SerializeToString(), {}) == {}


def test_a_message_that_is_nested_for_ever_is_refused() -> None:
    body = b""
    for _ in range(200):
        size = len(body)
        length = bytes([size & 0x7F | 0x80, size >> 7]) if size > 127 else bytes([size])
        body = b"\x2a" + length + body if _ % 2 else b"\x0a" + length + body
    with pytest.raises(ValueError, match="nested"):
        decode(body, otlp_messages.ANY_VALUE)


def metrics_request(total: int, *, at: int = NANOS, start: int = NANOS, count: int = 4, unit: str = "By") -> Any:
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shop"
    metrics = group.scope_metrics.add().metrics
    metrics.add(name="heap", unit=unit).gauge.data_points.add(as_double=1.5, time_unix_nano=at)
    counter = metrics.add(name="sold").sum
    counter.aggregation_temporality, counter.is_monotonic = 2, True
    point = counter.data_points.add(as_int=total, time_unix_nano=at, start_time_unix_nano=start)
    point.attributes.add(key="shelf").value.string_value = "a"
    latency = metrics.add(name="latency", unit="ms").histogram
    latency.aggregation_temporality = 1
    latency.data_points.add(time_unix_nano=at, count=count, sum=20.0, min=1.0, max=9.0)
    return request


def read(reader: MetricsReader, request: Any) -> tuple[dict[str, list[tuple[float, float]]], int]:
    points, refused = reader.read(otlp.decode_metrics(request.SerializeToString(), is_json=False), AT)
    reader.keep()
    found: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        found.setdefault(point.metric.label, []).append((point.value, point.count))
    return found, refused


def test_metrics_become_datapoints() -> None:
    reader = MetricsReader(AT - 100)
    found, refused = read(reader, metrics_request(10))
    # Four values from 1 to 9 whose sum is 20: the other two are 5 on the average.
    assert found == {
        "heap{service=shop}": [(1.5, 1.0)],
        "sold{service=shop,shelf=a}": [(10.0, 1.0)],
        "latency{service=shop}": [(1.0, 1.0), (9.0, 1.0), (5.0, 2.0)],
    }
    assert refused == 0
    assert read(reader, metrics_request(25))[0]["sold{service=shop,shelf=a}"] == [(15.0, 1.0)]


def test_a_total_whose_beginning_was_not_seen_counts_from_the_second_time_on() -> None:
    reader = MetricsReader(AT + 1)
    assert "sold{service=shop,shelf=a}" not in read(reader, metrics_request(1000))[0]
    assert read(reader, metrics_request(1003))[0]["sold{service=shop,shelf=a}"] == [(3.0, 1.0)]


def test_points_that_break_the_rules_are_counted() -> None:
    # CloudWatch takes nothing that is older than two weeks.
    found, refused = read(MetricsReader(0.0), metrics_request(1, at=int((AT - 15 * 86_400) * 1e9)))
    assert (found, refused) == ({}, 3)


def test_units_are_cloudwatchs() -> None:
    points, _ = MetricsReader(0.0).read(otlp.decode_metrics(metrics_request(1).SerializeToString(), is_json=False), AT)
    assert {point.metric.name: point.metric.unit for point in points} == {
        "heap": "Bytes", "sold": "None", "latency": "Milliseconds",
    }  # fmt: skip
