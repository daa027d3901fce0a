"""Map runs: what failures do to them, what they write, and what their processes leave."""

import json
from typing import Any

import msgspec
import pytest
from tests.map_runs import CHOOSY, PUT, document, reader

from penstock import states
from penstock.ports.journal import Recorded, Status
from penstock.ports.map_runs import MapRunStatus
from penstock.runtime.machine.map_run_description import describe_map_run
from penstock.runtime.replay import replay


def test_no_failure_is_tolerated_unless_it_is_said(world: Any) -> None:
    here = world(document(CHOOSY, MaxConcurrency=1))
    command = here.start([{}, {"bad": 1}, {}, {}])
    answer = here.answer()
    assert answer.error == "States.ExceedToleratedFailureThreshold"
    assert answer.cause == "The specified tolerated failure threshold was exceeded"
    run = here.runs.by_token(command.token)
    assert (run.items.succeeded, run.items.failed, run.given, run.status) == (1, 1, 2, MapRunStatus.FAILED)


@pytest.mark.parametrize(
    ("tolerated", "succeeds"),
    [({"ToleratedFailureCount": 2}, True), ({"ToleratedFailureCount": 1}, False),
     ({"ToleratedFailurePercentage": 40}, True), ({"ToleratedFailurePercentage": 39}, False)],
)  # fmt: skip
def test_tolerated_failures_leave_nothing_in_the_output(world: Any, tolerated: dict[str, Any], succeeds: bool) -> None:
    here = world(document(CHOOSY, **tolerated))
    here.start([{"n": 1}, {"bad": 1}, {"n": 2}, {"bad": 2}, {"n": 3}])
    answer = here.answer()
    if succeeds:
        assert answer.output == [{"n": 1}, {"n": 2}, {"n": 3}]
    else:
        assert answer.error == "States.ExceedToleratedFailureThreshold"


def test_a_map_run_is_described_as_aws_does(world: Any) -> None:
    """API_DescribeMapRun."""
    here = world(document(CHOOSY, MaxConcurrency=2, ToleratedFailurePercentage=50))
    command = here.start([{"bad": 1}, {"slow": 1}, {"n": 1}])
    here.turn()
    described = describe_map_run(here.runs.by_token(command.token), command)
    assert described["itemCounts"] == {
        "pending": 1, "running": 1, "succeeded": 0, "failed": 1, "timedOut": 0, "aborted": 0, "total": 3,
        "resultsWritten": 0,
    }  # fmt: skip
    assert described["executionCounts"]["total"] == 2
    assert (described["status"], described["maxConcurrency"], described["executionArn"]) == ("RUNNING", 2, "parent")
    assert (described["toleratedFailurePercentage"], described["toleratedFailureCount"]) == (50, 0)
    assert "stopDate" not in described


def test_what_runs_when_too_much_failed_is_aborted(world: Any) -> None:
    here = world(document(CHOOSY))
    command = here.start([{"slow": 1}, {"slow": 2}, {"bad": 1}])
    assert here.answer().error == "States.ExceedToleratedFailureThreshold"
    run = here.runs.by_token(command.token)
    assert (run.items.aborted, run.items.failed, run.items.running) == (2, 1, 0)
    children = here.runs.children(run.id, "", 9)
    assert [child.status for child in children] == [Status.ABORTED, Status.ABORTED, Status.FAILED]
    assert not any(child.dead_letter for child in children)


def test_a_map_run_that_is_given_up_aborts_its_children_and_answers_nobody(world: Any) -> None:
    here = world(document(CHOOSY))
    command = here.start([{"slow": 1}] * 3)
    here.turn()
    with here.journal.transaction():
        here.runner.cancel(command.token)
        here.runner.cancel("unknown")
    for _ in range(4):
        here.turn()
    run = here.runs.by_token(command.token)
    assert (run.status, run.items.aborted) == (MapRunStatus.ABORTED, 3)
    assert here.journal.mail("me") == []


def test_results_are_written_to_the_lake(world: Any) -> None:
    writer = {"Resource": PUT, "Parameters": {"Bucket": "lake", "Prefix": "raw/t/results"}}
    here = world(document(CHOOSY, ResultWriter=writer, ToleratedFailureCount=1))
    command = here.start([{"n": 1}, {"bad": 1}])
    run = here.runs.by_token(command.token)
    key = f"raw/t/results/{run.id}/manifest.json"
    assert here.answer().output == {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": "lake", "Key": key}}
    assert run.arn == f"p.w/M:{run.id}"
    manifest = json.loads(here.objects.get(key))
    (succeeded,) = manifest["ResultFiles"]["SUCCEEDED"]
    (record,) = json.loads(here.objects.get(succeeded["Key"]))
    assert (record["Input"], record["Output"], record["ExecutionArn"]) == ('{"n":1}', '{"n":1}', f"{run.id}-000000000")
    (failed,) = json.loads(here.objects.get(manifest["ResultFiles"]["FAILED"][0]["Key"]))
    assert (failed["Error"], failed["Cause"]) == ("Boom", "why")


def test_a_map_that_failed_writes_what_was_never_begun(world: Any) -> None:
    writer = {"Resource": PUT, "Parameters": {"Bucket": "lake", "Prefix": "raw/t"}}
    here = world(document(CHOOSY, ResultWriter=writer, MaxConcurrency=1))
    command = here.start([{"bad": 1}, {"n": 2}, {"n": 3}])
    assert here.answer().error == "States.ExceedToleratedFailureThreshold"
    run = here.runs.by_token(command.token)
    pending = json.loads(here.objects.get(f"raw/t/{run.id}/PENDING_0.json"))
    assert [entry["Input"] for entry in pending] == ['{"n":2}', '{"n":3}']


def test_results_that_may_not_be_written_fail_the_map(world: Any) -> None:
    writer = {"Resource": PUT, "Parameters": {"Bucket": "lake", "Prefix": "raw/other"}}
    here = world(document(ResultWriter=writer))
    here.start([1])
    answer = here.answer()
    assert answer.error == "States.ResultWriterFailed"
    assert "add other.append to its may=[…]" in answer.cause


def test_an_output_over_256_kib_fails_the_map(world: Any) -> None:
    here = world(document(ItemReader=reader()))
    here.objects.put("raw/t/items.jsonl", b'"' + b"x" * 100_000 + b'"\n' + b'"' + b"y" * 170_000 + b'"\n')
    here.start({})
    assert here.answer().error == "States.DataLimitExceeded"


def test_a_map_without_items_succeeds(world: Any) -> None:
    here = world(document())
    here.start([])
    assert here.answer().output == []


def test_asked_for_again_it_changes_nothing(world: Any) -> None:
    here = world(document())
    command = here.start([1, 2])
    here.runner.start(here.parent, command)
    assert len(here.answer().output) == 2
    here.runner.start(here.parent, command)
    assert here.runner.tick(0.0) == []
    assert len(here.journal.mail("me")) == 1


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_another_process_goes_on_behind_the_items_that_were_given(world: Any, turns: int) -> None:
    here = world(document(ItemReader=reader(), MaxConcurrency=2))
    here.objects.put("raw/t/items.jsonl", b"".join(b"%d\n" % number for number in range(7)))
    here.start({})
    for _ in range(turns):
        here.turn()
    assert here.runs.release("me") == 1
    here.runner = here.another("me")
    assert here.answer().output == list(range(7))


def test_children_of_a_process_that_died_before_it_drove_them_are_counted(world: Any) -> None:
    here = world(document(MaxConcurrency=2))
    here.start([1, 2, 3, 4, 5])
    assert len(here.runner.tick(0.0)) == 2
    here.runs.release("me")
    here.journal.release("me")
    here.journal.claim("me", ["nothing"], 1, 0.0)
    here.runner = here.another("me")
    with here.journal.transaction():
        here.database.execute("UPDATE executions SET owner='me' WHERE id='parent'")
    assert here.answer().output == [1, 2, 3, 4, 5]


def test_more_map_runs_than_are_held_open(world: Any) -> None:
    writer = {"Resource": PUT, "Parameters": {"Bucket": "lake", "Prefix": "raw/t"}}
    branches = []
    for name in ("A", "B", "C"):
        processor = {"StartAt": f"{name}1", "States": {f"{name}1": {"Type": "Pass", "End": True}}}
        made = document(processor, ItemReader=reader(), MaxConcurrency=1, ResultWriter=writer)
        branches.append({"StartAt": name, "States": {name: made["States"]["M"]}})
    here = world({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}})
    here.open_limit = 1
    here.runner = here.another("me")
    here.objects.put("raw/t/items.jsonl", b"".join(b"%d\n" % number for number in range(5)))
    here.start({})
    for _ in range(30):
        here.turn()
    answers = [msgspec.json.decode(mail.event, type=states.Event) for mail in here.journal.mail("me")]
    assert len(answers) == 3
    for answer in answers:
        manifest = json.loads(here.objects.get(answer.output["ResultWriterDetails"]["Key"]))
        (file,) = manifest["ResultFiles"]["SUCCEEDED"]
        assert [entry["Input"] for entry in json.loads(here.objects.get(file["Key"]))] == list("01234")


def test_a_redrive_runs_only_what_failed(world: Any) -> None:
    here = world(document(CHOOSY, MaxConcurrency=2))
    command = here.start([{"n": 1}, {"bad": 1}, {"slow": 1}, {"n": 4}])
    assert here.answer().error == "States.ExceedToleratedFailureThreshold"
    (mail,) = here.journal.mail("me")
    here.journal.take(mail)
    run = here.runs.by_token(command.token)
    children = {child.id: child for child in here.runs.children(run.id, "", 9)}
    succeeded = [child.id for child in children.values() if child.status is Status.SUCCEEDED]
    # The parent goes on at its Map, with another token.
    failed = states.TaskFailed(token=command.token, error="E", at=1.0)
    redriven = states.Redriven(at=2.0)
    events = [Recorded(number, msgspec.json.encode(event)) for number, event in enumerate((failed, redriven))]
    gone_on = replay(here.parent, states.parse(here.workflow.definition), events)
    (again,) = gone_on.commands
    assert (again.redriven, again.token == command.token) == (command.token, False)
    here.journal.append([("parent", event) for event in events])
    here.runner.start(here.parent, again)
    answer = here.answer()
    run = here.runs.by_token(again.token)
    assert answer.token == again.token
    assert answer.error == "States.ExceedToleratedFailureThreshold"
    assert run.redrives == 1
    for child in here.runs.children(run.id, "", 9):
        if child.id in succeeded:
            assert (child.redrives, child.stopped_at) == (0, children[child.id].stopped_at)
        elif child.id in children:
            assert child.redrives == 1
