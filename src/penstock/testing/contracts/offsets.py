"""What every store of offsets guarantees."""

from __future__ import annotations

from collections.abc import Callable

from penstock.ports.offsets import Batch, FileOffset, OffsetStore


def offset(name: str, position: int = 10, at: float = 1.0) -> FileOffset:
    """Returns the offset of some file."""
    return FileOffset(
        id=name, file=f"1:{name}", path=f"/{name}.log", position=position, head=b"\x00head", tail=b"tail", seen_at=at
    )


class OffsetsContract:
    """Subclass it with fixtures ``store``, and ``reopen``: a function that opens the same store anew."""

    def test_nothing_is_known_at_first(self, store: OffsetStore) -> None:
        assert store.offsets("s") == []
        assert store.patterns("s") == set()
        assert store.pending("s") is None
        assert store.sequence("s") == 0

    def test_offsets_are_kept_replaced_and_forgotten(self, store: OffsetStore) -> None:
        store.keep("s", [offset("b", at=2.0), offset("a")])
        assert store.offsets("s") == [offset("a"), offset("b", at=2.0)]
        store.keep("s", [offset("a", 20)], forget=["b"])
        assert store.offsets("s") == [offset("a", 20)]

    def test_streams_know_nothing_of_each_other(self, store: OffsetStore) -> None:
        store.keep("s", [offset("a")])
        store.register("s", "/a.log", [])
        store.begin("s", Batch(key="k", offsets=[]))
        assert store.offsets("t") == []
        assert store.patterns("t") == set()
        assert store.pending("t") is None
        assert store.sequence("t") == 0

    def test_a_pattern_is_registered_with_what_it_begins_with(self, store: OffsetStore) -> None:
        store.register("s", "/*.log", [offset("a")])
        assert store.patterns("s") == {"/*.log"}
        assert store.offsets("s") == [offset("a")]

    def test_a_batch_counts_once_it_is_committed(self, store: OffsetStore) -> None:
        store.keep("s", [offset("a", 10)])
        batch = Batch(key="k", offsets=[offset("a", 20), offset("b")])
        store.begin("s", batch)
        assert store.pending("s") == batch
        assert store.offsets("s") == [offset("a", 10)]
        store.commit("s")
        assert store.pending("s") is None
        assert store.offsets("s") == [offset("a", 20), offset("b")]

    def test_a_discarded_batch_leaves_nothing(self, store: OffsetStore) -> None:
        store.begin("s", Batch(key="k", offsets=[offset("a")]))
        store.discard("s")
        store.commit("s")
        assert store.pending("s") is None
        assert store.offsets("s") == []

    def test_batches_are_counted(self, store: OffsetStore) -> None:
        for number in (1, 2, 3):
            store.begin("s", Batch(key=f"k{number}", offsets=[]))
            store.commit("s")
            assert store.sequence("s") == number

    def test_everything_is_there_again(self, store: OffsetStore, reopen: Callable[[], OffsetStore]) -> None:
        batch = Batch(key="k", offsets=[offset("a", 20)])
        store.register("s", "/a.log", [offset("a")])
        store.begin("s", batch)
        again = reopen()
        assert again.offsets("s") == [offset("a")]
        assert again.pending("s") == batch
        assert again.patterns("s") == {"/a.log"}
        assert again.sequence("s") == 1
        again.close()
