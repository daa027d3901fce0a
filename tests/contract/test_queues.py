"""Queues on SQLite and in SQS; the latter on moto."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_aws import as_json, serving

from penstock.adapters.local import queues
from penstock.adapters.local.database import Database
from penstock.adapters.local.queues import SqliteQueueStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import ConditionFailedError, UsageError, ValidationError
from penstock.model.queues import Queue
from penstock.testing.contracts.queues import JOBS, QueueStoreContract, QueuesUnderTest

NOW = 1_771_574_220.0


class TestSqliteQueueStore(QueueStoreContract):
    knows_its_queues = False

    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock(NOW)

    @pytest.fixture
    def store(self, tmp_path: Path, clock: VirtualClock) -> Iterator[SqliteQueueStore]:
        database = Database(tmp_path / "journal.sqlite", [queues.MIGRATION])
        yield SqliteQueueStore(database, clock, sleep=clock.advance)
        database.close()

    @pytest.fixture
    def subject(self, store: SqliteQueueStore, clock: VirtualClock) -> QueuesUnderTest:
        return QueuesUnderTest(store=store, pass_time=clock.advance)

    def test_a_receiver_waits_as_long_as_it_says(self, store: SqliteQueueStore, clock: VirtualClock) -> None:
        assert store.receive(JOBS, wait_seconds=20) == []
        assert clock.now() == pytest.approx(NOW + 20)
        store.send(JOBS, "soon", delay_seconds=3)
        assert [message.body for message in store.receive(JOBS, wait_seconds=20)] == ["soon"]
        assert clock.now() == pytest.approx(NOW + 23, abs=0.2)

    def test_a_message_past_its_retention_is_gone(self, store: SqliteQueueStore, clock: VirtualClock) -> None:
        short = Queue(name="jobs", retain_seconds=60)
        store.send(short, "a")
        clock.advance(59.0)
        assert len(store.receive(short, visibility_seconds=0)) == 1
        clock.advance(1.0)
        assert store.receive(short) == []
        assert store.counts(short).waiting == 0
        assert store.expire() == 1

    def test_a_late_receipt_does_not_delete_what_somebody_else_holds(
        self, store: SqliteQueueStore, clock: VirtualClock
    ) -> None:
        store.send(JOBS, "a")
        (slow,) = store.receive(JOBS, visibility_seconds=1)
        clock.advance(1.0)
        (quick,) = store.receive(JOBS)
        store.delete(JOBS, slow.receipt)
        assert store.counts(JOBS).in_flight == 1
        store.delete(JOBS, quick.receipt)
        assert store.counts(JOBS).in_flight == 0

    def test_a_receipt_lasts_twelve_hours(self, store: SqliteQueueStore, clock: VirtualClock) -> None:
        store.send(JOBS, "a")
        (message,) = store.receive(JOBS, visibility_seconds=43_200)
        clock.advance(3600.0)
        store.change_visibility(JOBS, message.receipt, 11 * 3600)
        with pytest.raises(ValidationError, match="39601"):
            store.change_visibility(JOBS, message.receipt, 11 * 3600 + 1)

    def test_two_receivers_never_hold_one_message(self, tmp_path: Path) -> None:
        path = tmp_path / "shared.sqlite"
        database = Database(path, [queues.MIGRATION])
        store = SqliteQueueStore(database, VirtualClock(NOW))
        for number in range(200):
            store.send(JOBS, str(number))
        code = (
            "import sys; from pathlib import Path; from penstock.adapters.local import queues as q;"
            "from penstock.adapters.local.database import Database;"
            "from penstock.adapters.virtual.clock import VirtualClock; from penstock.model.queues import Queue;"
            f"s = q.SqliteQueueStore(Database(Path(sys.argv[1]), [q.MIGRATION]), VirtualClock({NOW}));"
            "j = Queue(name='jobs')\n"
            "while found := s.receive(j, limit=3):\n"
            "    print(*(m.body for m in found), sep='\\n')"
        )
        running = [
            subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        received = [line for one in running for line in one.communicate(timeout=60)[0].split()]
        assert sorted(received, key=int) == [str(number) for number in range(200)]
        database.close()

    def test_a_sender_that_dies_sends_wholly_or_not(self, tmp_path: Path) -> None:
        path = tmp_path / "crash.sqlite"
        code = (
            "import sys; from pathlib import Path; from penstock.adapters.local import queues as q;"
            "from penstock.adapters.local.database import Database;"
            "from penstock.adapters.virtual.clock import VirtualClock; from penstock.model.queues import Queue;"
            "d = Database(Path(sys.argv[1]), [q.MIGRATION]);"
            "from penstock.faultpoints import arm; arm(sys.argv[2]);"
            f"q.SqliteQueueStore(d, VirtualClock({NOW})).send(Queue(name='jobs'), 'a', token='step-1')"
        )
        for point, waiting in (("database.before_commit", 0), ("database.after_commit", 1)):
            dead = subprocess.run([sys.executable, "-c", code, str(path), point], env=os.environ, check=False)
            assert dead.returncode == -9
            database = Database(path, [queues.MIGRATION])
            store = SqliteQueueStore(database, VirtualClock(NOW))
            assert store.counts(JOBS).waiting == waiting
            if waiting:
                store.send(JOBS, "a", token="step-1")
                assert store.counts(JOBS).waiting == 1
            database.close()


class TestSqsQueueStore(QueueStoreContract):
    deduplicates = False

    @pytest.fixture
    def subject(self, aws: str) -> QueuesUnderTest:
        from penstock.adapters.aws.queues import SqsQueueStore
        from penstock.adapters.aws.session import client

        sqs = client("sqs")
        urls = {
            name: sqs.create_queue(QueueName=f"dev-{name}", Attributes={"MaximumMessageSize": "262144"})["QueueUrl"]
            for name in ("jobs", "other")
        }
        store = SqsQueueStore({**urls, "absent": urls["jobs"] + "-absent"})
        return QueuesUnderTest(store=store, pass_time=time.sleep)

    def test_a_message_that_is_not_hidden_any_more_cannot_be_kept(self, subject: QueuesUnderTest) -> None:
        pytest.skip("moto keeps it; below, the answer that SQS documents")


def test_sqs_says_that_a_message_is_not_hidden_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.adapters.aws.queues import SqsQueueStore

    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
    told = {"__type": "com.amazonaws.sqs#MessageNotInflight", "message": "The message is not in flight."}
    query = {"x-amzn-query-error": "AWS.SimpleQueueService.MessageNotInflight;Sender"}
    for headers in ({}, query):
        with serving(monkeypatch) as scripted:
            scripted.script = [as_json(told, 400)._replace(headers=headers)]
            store = SqsQueueStore({"jobs": "http://localhost/1/jobs"})
            with pytest.raises(ConditionFailedError, match="not hidden any more"):
                store.change_visibility(JOBS, "receipt", 600)


def test_a_queue_that_was_not_granted_is_told(aws: str) -> None:
    from penstock.adapters.aws.queues import SqsQueueStore

    with pytest.raises(UsageError, match="jobs"):
        SqsQueueStore({}).send(JOBS, "a")
