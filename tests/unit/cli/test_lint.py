import json
from pathlib import Path

import pytest

from penstock.cli.main import main

GOOD = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}


def lint(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(["lint", *arguments])
    code = left.value.code
    told = capsys.readouterr()
    return int(code or 0), told.out + told.err


def test_every_mistake_of_every_file_has_its_place_and_its_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, worse = tmp_path / "good.asl.json", tmp_path / "bad.asl.json", tmp_path / "worse.asl.json"
    good.write_text(json.dumps(GOOD))
    bad.write_text(json.dumps({"StartAt": "T", "States": {"S": {"Type": "Succeed", "Nxt": "S"}}}))
    worse.write_text("{")
    code, printed = lint(str(good), str(bad), str(worse), "--json", capsys=capsys)
    found = json.loads(printed)
    assert code == 3
    assert [(Path(one["file"]).name, one["path"], one["code"]) for one in found] == [
        ("bad.asl.json", "$.StartAt", "dangling"),
        ("bad.asl.json", "$.States.S.Nxt", "unknown-field"),
        ("worse.asl.json", "$", "json"),
    ]
    assert all(one["hint"] for one in found)


def test_a_good_document_and_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "good.asl.json"
    good.write_text(json.dumps(GOOD))
    assert lint(str(good), capsys=capsys) == (0, "no mistakes\n")
    code, printed = lint(str(tmp_path / "none.json"), capsys=capsys)
    assert code == 2
    assert "cannot read" in printed


def test_calls_of_services_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "calls.asl.json"
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUr": "q"},
        "End": True,
    }
    document.write_text(json.dumps({"StartAt": "S", "States": {"S": state}}))
    code, printed = lint(str(document), "--json", capsys=capsys)
    assert code == 3
    assert ("$.States.S.Parameters.QueueUr", "did you mean QueueUrl?") in [
        (one["path"], one["hint"]) for one in json.loads(printed)
    ]
