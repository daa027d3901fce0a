"""Map runs, driven without tasks and processes: each child is stepped as soon as it is created."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import states
from penstock.adapters.local.database import Database
from penstock.adapters.local.journal import SqliteJournal
from penstock.adapters.local.map_runs import MIGRATION, SqliteMapRunStore
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.model.access import Grant, Kind
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.ports.journal import Execution, Outcome, Recorded, Status
from penstock.ports.map_runs import MapRunStatus
from penstock.runtime.machine.home import JOURNAL_MIGRATIONS
from penstock.runtime.machine.map_run_description import describe_map_run
from penstock.runtime.machine.map_runs import MapRunner
from penstock.runtime.replay import begin, replay

MIGRATIONS = JOURNAL_MIGRATIONS if MIGRATION in JOURNAL_MIGRATIONS else (*JOURNAL_MIGRATIONS, MIGRATION)
ECHO = {"StartAt": "E", "States": {"E": {"Type": "Pass", "End": True}}}
# Fails on items whose "bad" is there, waits on those whose "slow" is there, and gives any other back.
CHOOSY = {
    "StartAt": "C",
    "States": {
        "C": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.bad", "IsPresent": True, "Next": "F"},
                {"Variable": "$.slow", "IsPresent": True, "Next": "W"},
            ],
            "Default": "E",
        },
        "F": {"Type": "Fail", "Error": "Boom", "Cause": "why"},
        "W": {"Type": "Wait", "Seconds": 3600, "Next": "E"},
        "E": {"Type": "Pass", "End": True},
    },
}
GET = "arn:aws:states:::s3:getObject"
PUT = "arn:aws:states:::s3:putObject"
MAY = tuple(Grant(Kind.LAKE, "t", action) for action in ("read", "append", "list"))


class World:
    """A home's journal and lake, and one process that drives map runs."""

    open_limit = 256

    def __init__(self, folder: Path, document: dict[str, Any], may: tuple[Grant, ...] = MAY) -> None:
        self.database = Database(folder / "journal.sqlite", MIGRATIONS)
        self.objects = FileObjectStore(folder / "lake")
        self.journal = SqliteJournal(self.database)
        self.runs = SqliteMapRunStore(self.database)
        self.clock = VirtualClock(1_000.0)
        self.workflow = Workflow(name="w", definition=json.dumps(document).encode(), may=may)
        self.definitions = {"p": Definition(name="p", namespace="p", workflows={"w": self.workflow})}
        self.journal.register("p", [self.workflow], 0.0)
        self.running: dict[str, tuple[Execution, Any, Any]] = {}
        self.runner = self.another("me")
        self.most_running = 0

    def another(self, owner: str) -> MapRunner:
        """Returns what a process has after it starts."""
        self.owner = owner
        return MapRunner(
            journal=self.journal, map_runs=self.runs, objects=self.objects, clock=self.clock,
            definitions=self.definitions, owner=owner, open_limit=self.open_limit,
        )  # fmt: skip

    def start(self, value: Any) -> states.StartMapRun:
        """Begins the parent up to its Map."""
        self.parent = Execution(
            id="parent", pipeline="p", workflow="w", version=self.workflow.version, source="manual", root="parent",
            input=msgspec.json.encode(value), created_at=self.clock.now(), owner="me",
        )  # fmt: skip
        self.journal.create(self.parent)
        self.journal.start("parent", self.clock.now())
        self.parent = self.journal.get("parent")
        commands = begin(self.parent, states.parse(self.workflow.definition)).commands
        for command in commands:
            assert isinstance(command, states.StartMapRun)
            self.runner.start(self.parent, command)
        return commands[0]

    def turn(self) -> None:
        """Gives the map runs a turn, and the children what follows from it."""
        for child in self.runner.tick(self.clock.now()):
            self.begin(child)
        # Those that were put through again, or left by a process that died.
        for child in self.journal.claim(self.owner, ["p"], 1000, self.clock.now()):
            if child.id != "parent":
                self.begin(child)
        self.most_running = max(self.most_running, len(self.running))
        for mail in self.journal.mail(self.owner):
            if mail.execution != "parent" and mail.execution in self.running:
                self.journal.take(mail)
                self.step(mail.execution, msgspec.json.decode(mail.event, type=states.Event))

    def begin(self, child: Execution) -> None:
        machine = states.parse(self.journal.definition(child.version))
        recorded = self.journal.events(child.id)
        self.journal.start(child.id, self.clock.now())
        child.started_at = self.clock.now()
        made = replay(child, machine, recorded) if recorded else begin(child, machine)
        self.running[child.id] = (child, machine, made.state)
        self.settle(child, made.commands)

    def step(self, child: str, event: Any) -> None:
        execution, machine, state = self.running[child]
        made = states.step(machine, state, event)
        sequence = len(self.journal.events(child))
        self.journal.append([(child, Recorded(sequence, msgspec.json.encode(event)))])
        self.settle(execution, made.commands)

    def settle(self, child: Execution, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, states.Finish):
                output = None if command.error else msgspec.json.encode(command.output)
                end = Outcome(Status(command.status), self.clock.now(), output, command.error, command.cause)
                child.status, child.output = end.status, end.output
                with self.journal.transaction():
                    self.journal.finish(child.id, end)
                    self.runner.ended(child)
                del self.running[child.id]

    def answer(self) -> Any:
        """Goes on until the parent is answered."""
        for _ in range(1000):
            for mail in self.journal.mail("me"):
                if mail.execution == "parent":
                    return msgspec.json.decode(mail.event, type=states.Event)
            self.turn()
        raise AssertionError("the map run does not end")


def document(processor: dict[str, Any] = ECHO, **fields: Any) -> dict[str, Any]:
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    return {
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "End": True, "ItemProcessor": {**config, **processor}, **fields}},
    }


@pytest.fixture
def made(tmp_path: Path) -> Iterator[list[World]]:
    worlds: list[World] = []
    yield worlds
    for world in worlds:
        world.database.close()


@pytest.fixture
def world(tmp_path: Path, made: list[World]) -> Any:
    def make(document: dict[str, Any], may: tuple[Grant, ...] = MAY) -> World:
        made.append(World(tmp_path, document, may))
        return made[-1]

    return make


def test_each_item_is_an_execution_and_the_output_is_in_order(world: Any) -> None:
    here = world(document(MaxConcurrency=3))
    command = here.start([{"n": number} for number in range(10)])
    answer = here.answer()
    assert answer == states.TaskSucceeded(
        token=command.token, output=[{"n": number} for number in range(10)], at=here.clock.now()
    )
    run = here.runs.by_token(command.token)
    children = here.runs.children(run.id, "", 100)
    assert [json.loads(child.input)["n"] for child in children] == list(range(10))
    assert {child.source for child in children} == {f"map:{run.id}"}
    assert {(child.root, child.workflow, child.pipeline) for child in children} == {("parent", "w", "p")}
    assert (run.items.succeeded, run.executions.succeeded, run.given, run.status) == (10, 10, 10, "SUCCEEDED")


def test_no_more_run_at_once_than_may(world: Any) -> None:
    here = world(document(CHOOSY, MaxConcurrency=3))
    here.start([{"slow": 1}] * 8)
    for _ in range(5):
        here.turn()
    assert len(here.running) == here.most_running == 3
    for _ in range(8):
        child = next(iter(here.running), None)
        if child is None:
            break
        _, _, state = here.running[child]
        (timer,) = states.pending(state)
        here.step(child, states.TimerFired(token=timer.token, at=here.clock.now()))
        here.turn()
    assert len(here.answer().output) == 8
    assert here.most_running == 3


def test_an_objects_members_and_the_selector(world: Any) -> None:
    selector = {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.a"}
    here = world(document(ItemSelector=selector))
    here.start({"a": 1, "b": 2})
    assert here.answer().output == [{"k": "a", "v": 1, "i": 0, "all": 1}, {"k": "b", "v": 2, "i": 1, "all": 1}]


def test_items_are_batched_after_the_selector(world: Any) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"f.$": "$[0]"}}
    here = world(document(CHOOSY, ItemSelector={"x.$": "$$.Map.Item.Value"}, ItemBatcher=batcher))
    command = here.start([5, 6, 7])
    assert here.answer().output == [
        {"BatchInput": {"f": 5}, "Items": [{"x": 5}, {"x": 6}]},
        {"BatchInput": {"f": 5}, "Items": [{"x": 7}]},
    ]
    run = here.runs.by_token(command.token)
    assert (run.items.succeeded, run.executions.succeeded) == (3, 2)


def reader(key: str = "raw/t/items.jsonl", kind: str = "JSONL", **more: Any) -> dict[str, Any]:
    return {"Resource": GET, "ReaderConfig": {"InputType": kind, **more}, "Parameters": {"Bucket": "lake", "Key": key}}


def test_items_are_read_from_the_lake(world: Any) -> None:
    here = world(document(ItemReader=reader(), ItemSelector={"v.$": "$$.Map.Item.Value", "s.$": "$$.Map.Item.Source"}))
    here.objects.put("raw/t/items.jsonl", b"1\n2\n")
    here.start({})
    source = "S3://lake/raw/t/items.jsonl"
    assert here.answer().output == [{"v": 1, "s": source}, {"v": 2, "s": source}]


def test_objects_of_the_lake_are_listed(world: Any) -> None:
    listing = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "lake", "Prefix": "raw/t/"}}
    here = world(document(ItemReader=listing))
    here.objects.put("raw/t/a", b"12")
    here.objects.put("raw/u/b", b"")
    here.start({})
    (entry,) = here.answer().output
    assert (entry["Key"], entry["Size"], entry["StorageClass"]) == ("raw/t/a", 2, "STANDARD")
    assert entry["Etag"][0] == entry["Etag"][-1] == '"'
    assert isinstance(entry["LastModified"], float)


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"Bucket": "lake", "Key": "raw/t/missing"}, "The specified key does not exist"),
        ({"Bucket": "elsewhere", "Key": "raw/t/x"}, "The specified bucket does not exist"),
        ({"Bucket": "lake", "Key": "raw/secret/x"}, "is not authorized to perform: s3:GetObject"),
        ({"Bucket": "lake", "Key": "raw/t/../../journal.sqlite"}, "segment"),
        ({"Bucket": "lake", "Key": "/etc/passwd"}, "is not authorized"),
        ({"Bucket": "lake", "Key": "../journal.sqlite"}, "is not authorized"),
    ],
)
def test_what_is_not_granted_or_not_there_is_not_read(world: Any, parameters: dict[str, Any], cause: str) -> None:
    here = world(document(ItemReader={**reader(), "Parameters": parameters}))
    here.start({})
    answer = here.answer()
    assert answer.error == "States.ItemReaderFailed"
    assert cause in answer.cause


def test_without_a_grant_nothing_is_read(world: Any) -> None:
    here = world(document(ItemReader=reader()), may=())
    here.objects.put("raw/t/items.jsonl", b"1\n")
    here.start({})
    assert "add t.read to its may=[…]" in here.answer().cause


def test_a_reader_that_fails_in_the_middle_stops_the_map(world: Any) -> None:
    here = world(document(ItemReader=reader(), MaxConcurrency=1))
    here.objects.put("raw/t/items.jsonl", b"1\n2\nnope\n")
    here.start({})
    answer = here.answer()
    assert (answer.error, "Line 3" in answer.cause) == ("States.ItemReaderFailed", True)


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
