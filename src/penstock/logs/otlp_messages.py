"""OpenTelemetry's messages, as far as they are used: numbers and names of fields.

https://github.com/open-telemetry/opentelemetry-proto (common, resource, logs and metrics, version 1)
"""

from __future__ import annotations

from penstock.logs.protobuf import Field, Message


def _many(name: str, message: Message) -> Field:
    return Field(name, "message", is_repeated=True, message=lambda: message)


def _one(name: str, message: Message) -> Field:
    return Field(name, "message", message=lambda: message)


ANY_VALUE: Message = {
    1: Field("stringValue", "string"),
    2: Field("boolValue", "bool"),
    3: Field("intValue", "int64"),
    4: Field("doubleValue", "double"),
    5: Field("arrayValue", "message", message=lambda: ARRAY_VALUE),
    6: Field("kvlistValue", "message", message=lambda: KEY_VALUE_LIST),
    7: Field("bytesValue", "bytes"),
}
ARRAY_VALUE: Message = {1: _many("values", ANY_VALUE)}
KEY_VALUE: Message = {1: Field("key", "string"), 2: _one("value", ANY_VALUE)}
KEY_VALUE_LIST: Message = {1: _many("values", KEY_VALUE)}
RESOURCE: Message = {1: _many("attributes", KEY_VALUE)}
SCOPE: Message = {1: Field("name", "string"), 2: Field("version", "string")}

LOG_RECORD: Message = {
    1: Field("timeUnixNano", "fixed64"),
    2: Field("severityNumber", "int64"),
    3: Field("severityText", "string"),
    5: _one("body", ANY_VALUE),
    6: _many("attributes", KEY_VALUE),
    9: Field("traceId", "bytes"),
    10: Field("spanId", "bytes"),
    11: Field("observedTimeUnixNano", "fixed64"),
    12: Field("eventName", "string"),
}
SCOPE_LOGS: Message = {1: _one("scope", SCOPE), 2: _many("logRecords", LOG_RECORD)}
RESOURCE_LOGS: Message = {1: _one("resource", RESOURCE), 2: _many("scopeLogs", SCOPE_LOGS)}
LOGS_REQUEST: Message = {1: _many("resourceLogs", RESOURCE_LOGS)}

_TIMES = {2: Field("startTimeUnixNano", "fixed64"), 3: Field("timeUnixNano", "fixed64")}
NUMBER_POINT: Message = {
    **_TIMES,
    4: Field("asDouble", "double"),
    6: Field("asInt", "sfixed64"),
    7: _many("attributes", KEY_VALUE),
    8: Field("flags", "uint64"),
}
_TOTALS = {4: Field("count", "fixed64"), 5: Field("sum", "double")}
HISTOGRAM_POINT: Message = {
    **_TIMES,
    **_TOTALS,
    9: _many("attributes", KEY_VALUE),
    10: Field("flags", "uint64"),
    11: Field("min", "double"),
    12: Field("max", "double"),
}
EXPONENTIAL_POINT: Message = {
    **_TIMES,
    **_TOTALS,
    1: _many("attributes", KEY_VALUE),
    10: Field("flags", "uint64"),
    12: Field("min", "double"),
    13: Field("max", "double"),
}
SUMMARY_POINT: Message = {**_TIMES, **_TOTALS, 7: _many("attributes", KEY_VALUE), 8: Field("flags", "uint64")}
_TEMPORALITY = {2: Field("aggregationTemporality", "int64")}
GAUGE: Message = {1: _many("dataPoints", NUMBER_POINT)}
SUM: Message = {**GAUGE, **_TEMPORALITY, 3: Field("isMonotonic", "bool")}
HISTOGRAM: Message = {1: _many("dataPoints", HISTOGRAM_POINT), **_TEMPORALITY}
EXPONENTIAL: Message = {1: _many("dataPoints", EXPONENTIAL_POINT), **_TEMPORALITY}
SUMMARY: Message = {1: _many("dataPoints", SUMMARY_POINT)}
METRIC: Message = {
    1: Field("name", "string"),
    3: Field("unit", "string"),
    5: _one("gauge", GAUGE),
    7: _one("sum", SUM),
    9: _one("histogram", HISTOGRAM),
    10: _one("exponentialHistogram", EXPONENTIAL),
    11: _one("summary", SUMMARY),
}
SCOPE_METRICS: Message = {1: _one("scope", SCOPE), 2: _many("metrics", METRIC)}
RESOURCE_METRICS: Message = {1: _one("resource", RESOURCE), 2: _many("scopeMetrics", SCOPE_METRICS)}
METRICS_REQUEST: Message = {1: _many("resourceMetrics", RESOURCE_METRICS)}
