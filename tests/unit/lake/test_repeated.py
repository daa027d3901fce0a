"""Keys that an object names twice: found wherever a column could take one of the values, and nowhere else."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.lake.outcome import Bad, Good
from penstock.lake.records import decode
from penstock.lake.repeated import repeated_key
from penstock.model.schema import columns


class Place(msgspec.Struct):
    zone: str


class Record(msgspec.Struct):
    name: str
    count: int = 0
    place: Place | None = None
    places: list[Place] = []
    sizes: dict[str, int] = {}


FIND = repeated_key(columns(Record))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b'{"name":"a","count":1,"name":"b"}', "$.name"),
        (b'{"name" : "a", "name" : "a"}', "$.name"),
        (b'{"name":"a","n\\u0061me":"b"}', "$.name"),
        (b'{"name":"a","place":{"zone":"x","zone":"y"}}', "$.place.zone"),
        (b'{"name":"a","places":[{"zone":"x"},{"zone":"x","zone":"y"}]}', "$.places[1].zone"),
        (b'{"name":"a","sizes":{"m":1,"m":2}}', "$.sizes.m"),
        (b'{"name":"a::","sizes":{"m":1,":":2}}', None),
        (b'{"name":"a\\u003a","count":1}', None),
        (b'{"name":"a","other":1,"other":2}', None),
        (b'{"name":"a","other":{"name":1,"name":2}}', None),
        (b'{"name":"a","place":{"zone":"x","else":1,"else":2}}', None),
        (b'{"name":"a","places":[{"zone":"x"},{"zone":"x"}]}', None),
    ],
)
def test_a_key_that_is_there_twice(raw: bytes, path: str | None) -> None:
    assert FIND(raw) == path


def test_a_record_that_names_a_key_twice_is_none_and_says_which() -> None:
    found = list(decode(b'{"name":"a"}\n{"name":"b","name":"c"}\n', Record))
    assert [type(one) for one in found] == [Good, Bad]
    assert isinstance(found[1], Bad)
    assert found[1].reason == "the key at $.name is there twice"


def test_a_cell_of_csv_is_read_by_the_same_rule() -> None:
    found = list(decode(b'name,sizes\na,"{""m"":1,""m"":2}"\nb,"{""m"":1}"\n', Record, "x.csv"))
    assert [type(one) for one in found] == [Bad, Good]
    assert isinstance(found[0], Bad)
    assert found[0].reason == "not CSV: sizes names the key at $.m twice"


names = st.sampled_from(["name", "count", "place", "sizes", "zone", "other", ":", "\\", "ä"])
documents = st.recursive(
    st.integers(0, 9) | names,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=4).map(tuple),
    max_leaves=8,
)


def written(value: Any) -> str:
    """Returns JSON of a value in which tuples are objects, as pairs that may repeat."""
    if isinstance(value, tuple):
        return "{" + ",".join(f"{json.dumps(name)}:{written(one)}" for name, one in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def repeats(value: Any) -> bool:
    """Tells whether any object of a document names a key twice."""
    if isinstance(value, tuple):
        given = [name for name, _ in value]
        return len(set(given)) < len(given) or any(repeats(one) for _, one in value)
    return any(map(repeats, value)) if isinstance(value, list) else False


@settings(max_examples=100, deadline=None)
@given(document=st.lists(st.tuples(names, documents), max_size=5).map(tuple))
def test_nothing_is_found_where_no_key_is_there_twice(document: tuple[Any, ...]) -> None:
    found = FIND(written(document).encode())
    assert found is None or repeats(document)
    own = [name for name, _ in document if name in Record.__struct_fields__]
    assert len(set(own)) == len(own) or found is not None
