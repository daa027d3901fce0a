"""Files that arrive: each content once, whole, for whoever may read them."""

import contextlib
import hashlib
import resource
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import Context, Invoke, Pipeline, days
from penstock.errors import NotFoundError, StorageFullError, UsageError
from penstock.faultpoints import arm, disarm
from penstock.runtime.machine.arrivals import Arrivals
from penstock.runtime.machine.inbox import Inbox
from penstock.runtime.reading import reading_context
from penstock.testing.sandbox import DEFAULT_NOW, Sandbox

DAY = 1_771_545_600.0  # 2026-02-20T00:00:00Z, the day of DEFAULT_NOW
CONTENT = b"a,b\n1,2\n" * 200_000


def make_pipeline() -> Pipeline:
    pipeline = Pipeline("papers")
    inbox = pipeline.inbox("papers")
    other = pipeline.inbox("other", retain=days(30))

    @pipeline.task(may=[inbox.read, inbox.list])
    def look(event: Any, context: Context) -> dict[str, Any]:
        with context[inbox].open(event["key"]) as file:
            first = file.readline()
            file.seek(0)
            digest = hashlib.sha256(file.read()).hexdigest()
            return {
                "first": first.decode(), "name": file.name, "size": file.size, "digest": file.digest,
                "at": file.arrived_at, "same": digest == file.digest, "closed": file.closed,
                "listed": [[one.key, one.name, one.size, one.arrived_at] for one in context[inbox].list()],
            }  # fmt: skip

    @pipeline.task(may=[inbox.read])
    def trespass(event: Any, context: Context) -> Any:
        if event.get("list"):
            return len(context[inbox].list())
        with context[other].open(event["key"]) as file:
            return file.size

    pipeline.on_object(inbox, Invoke(look), name="papers")
    pipeline.workflow("trespass", Invoke(trespass))
    return pipeline


@pytest.fixture
def sandbox(tmp_path: Path) -> Any:
    with Sandbox(make_pipeline(), tmp_path) as made:
        yield made


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "The paper.csv"
    path.write_bytes(CONTENT)
    return path


def output(sandbox: Sandbox, execution: Any) -> Any:
    import msgspec

    assert execution.status == "SUCCEEDED", execution.cause
    return msgspec.json.decode(execution.output)


def test_a_file_arrives_and_its_task_reads_it(sandbox: Sandbox, paper: Path) -> None:
    told = output(sandbox, sandbox.arrive(paper))
    digest = hashlib.sha256(CONTENT).hexdigest()
    (listed,) = told.pop("listed")
    assert listed[0].startswith(f"inbox/papers/year=2026/month=02/day=20/{digest[:32]}-The-paper.csv")
    assert listed[2:] == [len(CONTENT), DAY]
    assert told.pop("name") == listed[1]
    assert told == {
        "first": "a,b\n", "size": len(CONTENT), "digest": digest, "at": DAY, "same": True, "closed": False,
    }  # fmt: skip
    assert paper.read_bytes() == CONTENT
    assert list(sandbox.home.scratch.iterdir()) == []


def test_the_same_content_is_one_object_whatever_it_is_called(sandbox: Sandbox, paper: Path, tmp_path: Path) -> None:
    first = sandbox.arrive(paper)
    sandbox.clock.advance(3 * 86_400)
    again = tmp_path / "copy.txt"
    again.write_bytes(CONTENT)
    second = sandbox.arrive(again)
    assert first.id != second.id
    assert output(sandbox, first)["listed"] == output(sandbox, second)["listed"]
    assert len(list(sandbox.home.objects.list("inbox/"))) == 1


def test_a_file_that_is_put_starts_one_execution(sandbox: Sandbox, paper: Path) -> None:
    arrivals = sandbox.home.arrivals({"papers": sandbox.definition}, "test")
    assert arrivals.take("papers", paper).created
    assert not arrivals.take("papers", paper).created
    assert len(sandbox.home.bus.due(["papers"], 10)) == 1


@pytest.mark.parametrize("point", ["arrivals.before_create", "arrivals.after_create"])
def test_a_file_whose_taker_dies_is_taken_when_it_comes_again(sandbox: Sandbox, paper: Path, point: str) -> None:
    arrivals = sandbox.home.arrivals({"papers": sandbox.definition}, "dead")
    arm(point, "raise")
    try:
        with pytest.raises(RuntimeError):
            arrivals.take("papers", paper)
    finally:
        disarm()
    assert sandbox.home.bus.due(["papers"], 10) == []
    # What a copy leaves that was under way when the power went.
    (sandbox.home.scratch / "arriving-dead").mkdir()
    arrivals.take("papers", paper)
    assert len(sandbox.home.bus.due(["papers"], 10)) == 1
    assert len(list(sandbox.home.objects.list("inbox/"))) == 1
    assert list(sandbox.home.scratch.iterdir()) == []


def test_a_file_is_never_in_memory_as_a_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(200_000_000)
    arrivals: Arrivals = sandbox.home.arrivals({"papers": sandbox.definition}, "test")
    context = reading_context(sandbox.definition, sandbox.home.ports("test"))
    inbox = sandbox.definition.inboxes["papers"]
    tracemalloc.start()
    taken = arrivals.take("papers", large)
    with context[inbox].open(taken.key) as opened:
        assert opened.size == 200_000_000
        assert opened.read(10) == bytes(10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk with so many bytes left."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_keeps_nothing_of_a_file(sandbox: Sandbox, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(3_000_000))
    arrivals = sandbox.home.arrivals({"papers": sandbox.definition}, "test")
    with files_of_at_most(2_500_000), pytest.raises(StorageFullError, match=r"large\.bin") as raised:
        arrivals.take("papers", large)
    assert raised.value.hint == "free some space; nothing was kept"
    assert list(sandbox.home.objects.list("inbox/")) == list(sandbox.home.scratch.iterdir()) == []
    assert arrivals.take("papers", large).created


@pytest.mark.parametrize("event", [{"list": True}, {"key": "inbox/other/a.csv"}])
def test_a_task_has_what_it_was_granted_alone(sandbox: Sandbox, event: dict[str, Any]) -> None:
    sandbox.home.objects.create("inbox/other/a.csv", b"x")
    failed = sandbox.run(event, workflow="trespass")
    assert failed.error == "AccessDeniedError"


def test_what_is_not_there_is_said(sandbox: Sandbox) -> None:
    context = reading_context(sandbox.definition, sandbox.home.ports("test"))
    inbox = sandbox.definition.inboxes["papers"]
    with pytest.raises(NotFoundError):
        context[inbox].open("inbox/papers/absent.csv")
    with pytest.raises(ValueError, match="no file of inbox 'papers'"):
        context[inbox].open("inbox/other/a.csv")
    arrivals = sandbox.home.arrivals({"papers": sandbox.definition}, "test")
    with pytest.raises(NotFoundError, match="no inbox 'letters'"):
        arrivals.take("letters", Path(__file__))
    with pytest.raises(UsageError, match="is a folder"):
        arrivals.take("papers", Path(__file__).parent)
    with pytest.raises(UsageError, match="No such file"):
        arrivals.take("papers", Path(__file__).with_name("absent"))


def test_an_object_that_somebody_put_by_hand_has_the_time_of_the_store(sandbox: Sandbox) -> None:
    info = sandbox.home.objects.create("inbox/papers/by-hand.csv", b"x")
    context = reading_context(sandbox.definition, sandbox.home.ports("test"))
    inbox = sandbox.definition.inboxes["papers"]
    with context[inbox].open(info.key) as file:
        assert (file.name, file.arrived_at) == ("by-hand.csv", info.modified_at)


def test_a_reader_cannot_write(sandbox: Sandbox) -> None:
    context = reading_context(sandbox.definition, sandbox.home.ports("test"))
    assert context.task == "reader"
    assert context.started_at == DEFAULT_NOW
    assert all(grant.action in {"read", "list"} for grant in context._grants)


def scanner_of(sandbox: Sandbox, said: list[str]) -> Inbox:
    return sandbox.home.file_inbox({"papers": sandbox.definition}, "test", said.append)


def test_a_file_that_cannot_be_taken_stays_and_holds_nobody_up(sandbox: Sandbox) -> None:
    said: list[str] = []
    scanner, folder = scanner_of(sandbox, said), sandbox.home.inbox / "papers"
    folder.mkdir(parents=True)
    (folder / "a-large.txt").write_bytes(bytes(3_000_000))
    (folder / "small.txt").write_text("a")
    with files_of_at_most(2_500_000):
        found = [scanner.scan() for _ in range(4)]
        assert [len(keys) for keys in found] == [0, 1, 0, 0]
        assert [one.partition(" stays in the inbox")[0] for one in said] == [f"{folder}/a-large.txt"]
    sandbox.clock.advance(59)
    assert scanner.scan() == []
    sandbox.clock.advance(1)
    assert len(scanner.scan()) == 1
    assert list(folder.iterdir()) == []


def test_a_file_dropped_into_the_folder_arrives_once_it_has_settled(sandbox: Sandbox) -> None:
    home, scanner = sandbox.home, scanner_of(sandbox, [])
    folder = home.inbox / "papers"
    folder.mkdir(parents=True)
    (folder / "growing.txt").write_text("a")
    (folder / ".hidden").write_text("b")
    assert scanner.scan() == []
    (folder / "growing.txt").write_text("ab")
    assert scanner.scan() == []
    (key,) = scanner.scan()
    assert home.objects.get(key) == b"ab"
    assert sorted(one.name for one in folder.iterdir()) == [".hidden"]
    assert [event.key for event in home.bus.due(["papers"], 10)] == [key]


def test_files_expire_by_the_day(sandbox: Sandbox, paper: Path) -> None:
    arrivals = sandbox.home.arrivals({"papers": sandbox.definition}, "test")
    kept, gone = arrivals.take("papers", paper), arrivals.take("other", paper)
    sandbox.clock.advance(DAY + 31 * 86_400 - 1 - sandbox.clock.now())
    assert arrivals.expire() == 0
    sandbox.clock.advance(1)
    assert arrivals.expire() == 1
    assert [info.key for info in sandbox.home.objects.list("inbox/")] == [kept.key]
    assert gone.key != kept.key
