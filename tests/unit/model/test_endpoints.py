"""Endpoints: what is accepted, what is refused, what may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.model.endpoints import check_endpoint, file_name, redact, scheme_of, secret_names


@pytest.mark.parametrize(
    "endpoint",
    [
        "console:",
        "file:",
        "file:alerts.jsonl",
        "file:team/alerts.jsonl",
        "mailto:you@example.com",
        "mailto:first.last+tag@mail.example.co.uk",
        "mailto:root@localhost",
        "mailto:${OPS_ADDRESS}",
        "mailto:${WHO}@example.com",
        "slack://${SLACK_TOKEN}/#alerts",
        "json://user:${PASSWORD}@127.0.0.1:8080/hook",
        "mailto://user:${PASSWORD}@mail.example.com",
        "https://hooks.slack.com/services/T000/B000/XXXX",
    ],
)
def test_usable(endpoint: str) -> None:
    assert check_endpoint(endpoint) is None


@pytest.mark.parametrize(
    ("endpoint", "mistake"),
    [
        ("", "starts with"),
        ("you@example.com", "starts with"),
        ("Slack://token", "starts with"),
        ("${WHOLE_URL}", "starts with"),
        ("console:stderr", "takes nothing"),
        ("file:/etc/passwd", "below the folder"),
        ("file:../alerts", "below the folder"),
        ("file:a/../../b", "below the folder"),
        ("file:a//b", "below the folder"),
        ("file://alerts", "below the folder"),
        ("file:a\\b", "below the folder"),
        ("file:.hidden", "below the folder"),
        ("file:a\x00b", "control character"),
        ("mailto:", "no @"),
        ("mailto:you", "no @"),
        ("mailto:you@example", "domain"),
        ("mailto:you@-example.com", "domain"),
        ("mailto:you@example..com", "domain"),
        ("mailto:you@example.com?subject=x", "domain"),
        ("mailto:.you@example.com", "before the @"),
        ("mailto:a,b@example.com", "before the @"),
        ("mailto:<you@example.com>", "before the @"),
        ("mailto:you@exämple.com", "xn--"),
        (f"mailto:{'a' * 65}@example.com", "too long"),
        ("mailto:you@example.com\nBcc:x@example.com", "control character"),
        ("slack:token", "slack://…"),
        ("slack://", "no channel"),
        ("slack://a b", "space"),
        ("slack://${TOKEN", "broken secret"),
        ("slack://${}", "broken secret"),
        ("slack://${a-b}", "broken secret"),
    ],
)
def test_unusable(endpoint: str, mistake: str) -> None:
    assert mistake in (check_endpoint(endpoint) or "")


def test_secret_names_in_order_each_once() -> None:
    assert secret_names("json://${USER_1}:${PW}@host/${USER_1}") == ["USER_1", "PW"]
    assert secret_names("console:") == []


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("console:", "console:"),
        ("file:a.jsonl", "file:a.jsonl"),
        ("mailto:you@example.com", "mailto:you@example.com"),
        ("slack://${SLACK_TOKEN}/#alerts", "slack://${SLACK_TOKEN}/***"),
        ("slack://TokenA/TokenB/TokenC", "slack://***/***/***"),
        ("tgram://123456789:abcdefg/42", "tgram://***/***"),
        ("sendgrid://SG.abc.def:me@x.com/you@y.com", "sendgrid://***/***"),
        ("discord://${ID}/${TOKEN}", "discord://${ID}/${TOKEN}"),
        ("json://user:pw@127.0.0.1:8080/hook/abc", "json://***@127.0.0.1:8080/***/***"),
        ("json://user:${PW}@a.example", "json://***${PW}@a.example"),
        ("json://localhost:8080/x", "json://localhost:8080/***"),
        ("json://a.example?token=abc", "json://***"),
        ("json://user:1/2@a.example", "json://***/***"),
        ("json://token", "json://***"),
        ("https://hooks.slack.com/services/T/B/X", "https://hooks.slack.com/***/***/***/***"),
        ("mailto://user:pw@mail.example.com", "mailto://***"),
        ("token-without-scheme", "***"),
        ("mailto:hunter2", "mailto:***"),
    ],
)
def test_redacted(endpoint: str, shown: str) -> None:
    assert redact(endpoint) == shown


@settings(max_examples=100)
@given(
    st.sampled_from(["slack", "discord", "tgram", "json", "https", "mailto"]),
    st.lists(st.from_regex(r"[A-Z]{6,12}", fullmatch=True), min_size=1, max_size=4),
    st.sampled_from(["/", ":", "@", "?key=", "#", "&"]),
)
def test_no_literal_token_survives_redaction(scheme: str, tokens: list[str], separator: str) -> None:
    shown = redact(f"{scheme}://{separator.join(tokens)}@hooks.example.com/{tokens[0]}")
    assert not any(token in shown for token in tokens)


def test_parts() -> None:
    assert scheme_of("slack://x") == "slack"
    assert scheme_of("nothing") == ""
    assert file_name("file:") == "notifications.jsonl"
    assert file_name("file:a/b.jsonl") == "a/b.jsonl"
