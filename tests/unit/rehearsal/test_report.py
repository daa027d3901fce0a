"""A report passes only when everything was done and nothing was found; each kind of failure is named."""

from typing import Any

import msgspec
import pytest

from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.drift import Drift
from penstock.rehearsal.parity import Comparison
from penstock.rehearsal.policies import Decision
from penstock.rehearsal.probes import Refused
from penstock.rehearsal.proof import Denied, Exempt, Grant, Proof
from penstock.rehearsal.report import Report, document

EQUAL = Comparison(what="objects in the lake: key and records", compared=4)
OTHER = Comparison(what="items of T", compared=4, differences=["here only: 1", "there only: 2"])
PROOF = Proof(denied=[], spare=[], granted=3, exempt=[], broad=[])
GRANT = Grant("metrics-collect", "policy/Read", "s3:GetObject", "arn:aws:s3:::lake/raw/*")
CALL = RecordedCall("metrics-collect", "s3:ListAllMyBuckets", "*")


def passed(**options: Any) -> Report:
    return msgspec.structs.replace(Report(pipeline="metrics", comparisons=[EQUAL], proof=PROOF), **options)


def denied(times: int) -> Proof:
    return msgspec.structs.replace(PROOF, denied=[Denied(CALL, Decision(allowed=False, reason="no"), times)])


def test_a_report_without_findings_passes() -> None:
    exempt = msgspec.structs.replace(PROOF, exempt=[Exempt(GRANT, "inside AWS")])
    explained = Drift(address="aws_cloudtrail.audit", attributes=("tags",), defect="MiniStack drops tags")
    report = passed(proof=exempt, drift=[explained], schedule_fired=True, second_comparisons=[EQUAL])
    assert report.failures == []
    assert document(report)["passed"] is True
    assert document(report)["failures"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"comparisons": [EQUAL, OTHER]}, ["items of T", "2 differences", "in the emulator", "here only: 1"]),
        ({"second_comparisons": [OTHER]}, ["items of T", "as Lambda functions"]),
        ({"comparisons": []}, ["nothing was compared"]),
        ({"schedule_fired": False}, ["schedule did not start its workflow"]),
        ({"refused": [Refused("collect", "lake:t.append", "denied by policy")]},
         ["collect", "lake:t.append", "denied by policy"]),
        ({"proof": None}, ["least privilege was not proven"]),
        ({"proof": denied(1)}, ["metrics-collect was denied s3:ListAllMyBuckets on *", "may=[…]"]),
        ({"proof": denied(7)}, ["7 times"]),
        ({"proof": msgspec.structs.replace(PROOF, spare=[GRANT])},
         ["metrics-collect may s3:GetObject on arn:aws:s3:::lake/raw/*", "no call needed it"]),
        ({"proof": msgspec.structs.replace(PROOF, broad=[GRANT])}, ["more than can be rehearsed"]),
        ({"drift": [Drift(address="aws_sqs_queue.q", attributes=("a", "b"))]},
         ["aws_sqs_queue.q would change again", "a, b"]),
        ({"leftovers": ["s3: lake"]}, ["destroy left s3: lake"]),
    ],
)  # fmt: skip
def test_each_kind_of_failure_is_named_alone(options: dict[str, Any], words: list[str]) -> None:
    report = passed(**options)
    assert len(report.failures) == 1
    assert [word for word in words if word not in report.failures[0]] == []
    assert document(report)["passed"] is False


def test_failures_add_up() -> None:
    report = passed(
        comparisons=[OTHER, OTHER], schedule_fired=False, leftovers=["s3: a", "s3: b"],
        proof=msgspec.structs.replace(denied(1), spare=[GRANT], broad=[GRANT]),
    )  # fmt: skip
    assert len(report.failures) == 2 + 1 + 2 + 3


def test_an_empty_report_does_not_pass() -> None:
    assert len(Report(pipeline="metrics").failures) == 2


def test_the_document_holds_all_that_was_found() -> None:
    whole = document(passed(comparisons=[OTHER], leftovers=["s3: a"], used=3, tried=4))
    assert whole["comparisons"][0]["differences"] == ["here only: 1", "there only: 2"]
    assert (whole["used"], whole["tried"], whole["leftovers"]) == (3, 4, ["s3: a"])
    assert len(whole["not_compared"]) >= 5
