"""ItemReader of a distributed Map.

Each row names its section of https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html, or the
page https://docs.aws.amazon.com/step-functions/latest/dg/example-csv-parse-dist-map.html.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.states.distributed import Item, Place, given_items, read_items
from penstock.states.failures import StateFailedError


class Objects:
    """Buckets in memory."""

    def __init__(self, objects: dict[str, bytes] | None = None, chunk: int = 7) -> None:
        self.objects = objects or {}
        self.chunk = chunk
        self.read: list[str] = []

    def stream(self, place: Place) -> Iterator[bytes]:
        self.read.append(place.key)
        data = self.objects[place.key]
        return (data[at : at + self.chunk] for at in range(0, len(data), self.chunk))

    def listing(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield {
                    "Etag": '"e"', "Key": key, "LastModified": 1.5, "Size": len(self.objects[key]),
                    "StorageClass": "STANDARD",
                }  # fmt: skip

    def rows(self, place: Place) -> Iterator[dict[str, Any]]:
        yield {"row of": place.key}


def reader(config: dict[str, Any], key: str = "k") -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket": "b", "Key": key},
        "ReaderConfig": config,
    }


def read(data: str | bytes, config: dict[str, Any], key: str = "k") -> list[Item]:
    raw = data.encode() if isinstance(data, str) else data
    return list(read_items(reader(config, key), Objects({key: raw})))


def values(data: str | bytes, config: dict[str, Any], key: str = "k") -> list[Any]:
    return [item.value for item in read(data, config, key)]


def refused(data: str | bytes, config: dict[str, Any], key: str = "k") -> str:
    with pytest.raises(StateFailedError) as caught:
        read(data, config, key)
    assert caught.value.error == "States.ItemReaderFailed"
    return caught.value.cause


JSON = {"InputType": "JSON"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"verdict": "true"}, {"verdict": "false"}]', [{"verdict": "true"}, {"verdict": "false"}]),
        ("[]", []),
        (' [ 1 , -2.5e3, "a,]" , null, true, [1, [2]], {"a": {}} ] \n',
         [1, -2500.0, "a,]", None, True, [1, [2]], {"a": {}}]),
        ('["\\u00e9\\ud83d\\ude00", "é"]', ["é😀", "é"]),
        ("[1234567890123456789012345678901]", [1234567890123456789012345678901]),
    ],
)  # fmt: skip
def test_each_element_of_a_json_array_is_an_item(text: str, expected: list[Any]) -> None:
    found = read(text, JSON)
    assert [item.value for item in found] == expected
    assert all(item.source == "S3://b/k" and item.key is None and item.input == item.value for item in found)


def test_each_member_of_a_json_object_is_an_item_with_its_key() -> None:
    """Context object, "Map": ``Key`` is available only when iterating over JSON objects."""
    found = read('{"a": {"x": 1}, "b": 2}', JSON)
    assert found == [Item({"x": 1}, "a", "S3://b/k"), Item(2, "b", "S3://b/k")]
    assert found[0].input == {"Key": "a", "Value": {"x": 1}}


def test_a_byte_order_mark_is_no_part_of_the_file() -> None:
    assert values(b"\xef\xbb\xbf[1]", JSON) == [1]
    assert values(b"\xef\xbb\xbfa,b\n1,2\n", {"InputType": "CSV"}) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/inventory/products/featured", [{"id": 1}, {"id": 2}]),
        ("/list/1", ["second"]),
        ("/a~1b/m~0n", [3]),
        ("/with space/", [4]),
        ("", None),
    ],
)
def test_a_pointer_leads_to_the_items(pointer: str, expected: list[Any] | None) -> None:
    """ "ItemsPointer": JSON Pointer, RFC 6901."""
    document = {
        "version": "1", "list": [["first"], ["second"]], "a/b": {"m~n": [3]}, "with space": {"": [4]},
        "inventory": {"x": [1, {"products": 1}], "products": {"featured": [{"id": 1}, {"id": 2}]}},
    }  # fmt: skip
    found = read(json.dumps(document), {**JSON, "ItemsPointer": pointer})
    if expected is None:
        assert [item.key for item in found] == list(document)
    else:
        assert [item.value for item in found] == expected


def test_what_follows_the_pointers_target_is_not_read() -> None:
    buckets = Objects({"k": b'{"items": [1, 2], "more": ' + b'"' + b"x" * 10_000})
    items = read_items(reader({**JSON, "ItemsPointer": "/items"}), buckets)
    assert [item.value for item in items] == [1, 2]


@pytest.mark.parametrize("text", ["3", '"text"', "null", "true"])
def test_a_value_that_is_no_array_and_no_object_cannot_be_mapped_over(text: str) -> None:
    assert refused(text, JSON) == "Attempting to map over non-iterable node."
    assert refused(json.dumps({"a": json.loads(text)}), {**JSON, "ItemsPointer": "/a"}).startswith("Attempting to map")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"  ", b"[", b"[1", b"[1,", b"[1,]", b"[1 2]", b"[,1]", b"[1]]", b"[1] 2", b"{", b'{"a"', b'{"a":',
        b'{"a":1,}',
        b"{1: 2}", b"[NaN]", b"[Infinity]", b"[-Infinity]", b"[01]", b"[nul", b'["a\nb"]', b"['a']", b'["\\ud800"]',
        b"[1e400]", b'["\xff"]',
        b"\xff\xfe[\x001\x00]\x00", b"[" + b"9" * 5000 + b"]",
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(data: bytes) -> None:
    assert refused(data, JSON)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_not_followed(opening: bytes) -> None:
    assert refused(opening * 200_000, JSON)
    assert refused(opening * 200_000, {"InputType": "JSONL"})


@pytest.mark.parametrize(
    "pointer", ["a", "/missing", "/a/x", "/list/7", "/list/-", "/list/01", "/a~2", "/" + "x" * 2000]
)
def test_a_pointer_that_leads_to_nothing_is_refused(pointer: str) -> None:
    assert refused('{"a": {"b": 1}, "list": [1, [2]]}', {**JSON, "ItemsPointer": pointer})


def test_each_line_of_json_lines_is_an_item() -> None:
    """ "JSON Lines"."""
    assert values('{"a": 1}\r\n\n[2]\n"three"', {"InputType": "JSONL"}) == [{"a": 1}, [2], "three"]
    assert values("", {"InputType": "JSONL"}) == []


@pytest.mark.parametrize("text", ["{", "1 2", "{}\nnope", "NaN", '"\\udfff\\ud800"'])
def test_a_line_that_is_no_json_is_refused(text: str) -> None:
    assert "Line" in refused(text, {"InputType": "JSONL"})


FIRST = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}


def given(*names: str, **more: Any) -> dict[str, Any]:
    return {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": list(names), **more}


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        # "CSVHeaderLocation": FIRST_ROW, GIVEN
        ("a,b\n1,2\n3,4\n", FIRST, [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("1,307,3.5\n1,481,3.5", given("userId", "movieId", "rating"),
         [{"userId": "1", "movieId": "307", "rating": "3.5"}, {"userId": "1", "movieId": "481", "rating": "3.5"}]),
        ("a,b\n", FIRST, []),
        ("", FIRST, []),
        ("", given("a"), []),
        # "CSVDelimiter"
        ("1|2", given("a", "b", CSVDelimiter="PIPE"), [{"a": "1", "b": "2"}]),
        ("1;2", given("a", "b", CSVDelimiter="SEMICOLON"), [{"a": "1", "b": "2"}]),
        ("1 2", given("a", "b", CSVDelimiter="SPACE"), [{"a": "1", "b": "2"}]),
        ("1\t2", given("a", "b", CSVDelimiter="TAB"), [{"a": "1", "b": "2"}]),
        ("1,2;3", given("a", CSVDelimiter="SEMICOLON", x=1), [{"a": "1,2"}]),
        # "Fields are treated as strings"; newlines end records
        ("1,true,null\r\n", given("a", "b", "c"), [{"a": "1", "b": "true", "c": "null"}]),
        # quotes: not required; what is in them is no separator; written twice they are kept
        ('"a,b","c\nd"', given("x", "y"), [{"x": "a,b", "y": "c\nd"}]),
        ('"say ""hi""",""', given("x", "y"), [{"x": 'say "hi"', "y": ""}]),
        ('{""MyKey"":""MyValue""},"[1,2,3]"', given("x", "y"), [{"x": '{"MyKey":"MyValue"}', "y": "[1,2,3]"}]),
        # backslashes: before themselves, quotes and the separator; before anything else they go
        ("C:\\\\Program Files\\\\MyApp.exe,6534512", given("path", "size"),
         [{"path": "C:\\Program Files\\MyApp.exe", "size": "6534512"}]),
        ("a\\,b,c", given("x", "y"), [{"x": "a,b", "y": "c"}]),
        ("a\\|b|c\\,d", given("x", "y", CSVDelimiter="PIPE"), [{"x": "a|b", "y": "c,d"}]),
        ('\\"a\\",b\\nc', given("x", "y"), [{"x": '"a"', "y": "bnc"}]),
        # fewer fields than the header has: empty text; more: left out
        ("1", given("a", "b", "c"), [{"a": "1", "b": "", "c": ""}]),
        ("1,2,3,4", given("a", "b"), [{"a": "1", "b": "2"}]),
        (",\n,", given("a", "b"), [{"a": "", "b": ""}, {"a": "", "b": ""}]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
def test_rows_are_read_by_the_documented_rules(
    text: str, config: dict[str, Any], expected: list[Any], chunk: int
) -> None:
    found = read_items(reader(config), Objects({"k": text.encode()}, chunk))
    assert [item.value for item in found] == expected


def test_the_documented_example_of_a_row() -> None:
    """How Step Functions parses input CSV files, "Example of parsing an input CSV file"."""
    row = (
        'abc,123,"This string contains commas, a double quotation marks (""), and a newline (\n)",'
        '{""MyKey"":""MyValue""},"[1,2,3]"\n'
    )
    (found,) = values(row, given("My_String", "My_Number", "My_Multi_Line", "My_Object", "My_Array"))
    assert found == {
        "My_String": "abc",
        "My_Number": "123",
        "My_Multi_Line": 'This string contains commas, a double quotation marks ("), and a newline (\n)',
        "My_Object": '{"MyKey":"MyValue"}',
        "My_Array": "[1,2,3]",
    }


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("a", {**FIRST, "CSVDelimiter": "COLON"}),
        ("a", {**FIRST, "CSVHeaderLocation": "NOWHERE"}),
        ("a", {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}),
        ("a", given()),
        ('a\n"never ends', FIRST),
        ("x" * 10_241 + "\n1", FIRST),
        ("a", {"InputType": "XML"}),
        ("a", {}),
    ],
)
def test_a_configuration_or_file_that_makes_no_sense_is_refused(text: str, config: dict[str, Any]) -> None:
    assert refused(text, config)


def test_a_header_may_have_10_kib() -> None:
    assert values("x" * 10_240 + "\n1", FIRST) == [{"x" * 10_240: "1"}]


@pytest.mark.parametrize(
    ("config", "row"),
    [
        (JSON, b'["' + b"x" * (9 << 20) + b'"]'),
        (FIRST, b"a\n" + b"x" * (9 << 20)),
        ({"InputType": "JSONL"}, b'"' + b"x" * (9 << 20)),
    ],
)
def test_an_item_over_8_mib_is_refused(config: dict[str, Any], row: bytes) -> None:
    objects = Objects({"k": row}, chunk=1 << 20)
    with pytest.raises(StateFailedError, match="larger than the limit"):
        list(read_items(reader(config), objects))


def test_a_compressed_file_is_unpacked() -> None:
    """ "External compression": GZIP; a file may be several archives (RFC 1952, 2.2)."""
    data = gzip.compress(b"[1,") + gzip.compress(b"2]")
    assert values(data, JSON, "k.json.gz") == [1, 2]
    assert "GZIP" in refused(data[:-9], JSON, "k.json.gz")
    assert "GZIP" in refused(b"[1]", JSON, "k.json.gz")
    assert "Zstandard" in refused(b"[1]", JSON, "k.json.zst")


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) - 3, 3 << 20, 7_000_000])
def test_a_file_that_is_much_larger_unpacked_is_unpacked_in_pieces(size: int) -> None:
    objects = Objects({"k.gz": gzip.compress(b'"' + b"x" * (size - 2) + b'"')}, chunk=1 << 20)
    (item,) = read_items(reader({"InputType": "JSONL"}, "k.gz"), objects)
    assert len(item.value) == size - 2


LIST = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b", "Prefix": "in/"}}


def test_a_listing_gives_what_is_known_of_each_object() -> None:
    """ "A list of Amazon S3 objects"; its Source is the bucket."""
    found = list(read_items(LIST, Objects({"in/a": b"12", "in/b": b"", "out": b""})))
    assert found[0] == Item(
        {"Etag": '"e"', "Key": "in/a", "LastModified": 1.5, "Size": 2, "StorageClass": "STANDARD"}, None, "S3://b"
    )
    assert [item.value["Key"] for item in found] == ["in/a", "in/b"]


def test_a_listing_can_be_loaded_and_flattened() -> None:
    """ "Transformation": LOAD_AND_FLATTEN."""
    objects = Objects({"in/": b"", "in/a.json": b"[1, 2]", "in/b.json": b"[3]", "in/c.json": b"["}, chunk=3)
    config = {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}
    items = read_items({**LIST, "ReaderConfig": config}, objects)
    assert [next(items) for _ in range(3)] == [
        Item(1, None, "S3://b/in/a.json"), Item(2, None, "S3://b/in/a.json"), Item(3, None, "S3://b/in/b.json"),
    ]  # fmt: skip
    with pytest.raises(StateFailedError):
        next(items)


def test_an_inventory_is_read_from_its_manifest() -> None:
    """ "Amazon S3 inventory"; the manifest as in the Amazon S3 User Guide, storage-inventory-location."""
    manifest = {
        "sourceBucket": "src", "destinationBucket": "arn:aws:s3:::b", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size", "files": [{"key": "data/1.csv.gz"}, {"key": "data/2.csv"}],
    }  # fmt: skip
    objects = Objects(
        {
            "k": json.dumps(manifest).encode(),
            "data/1.csv.gz": gzip.compress(b'"src","x/1.jpg","10"\n"src","x/2.jpg","20"\n'),
            "data/2.csv": b'"src","x/3.jpg","30"',
        }
    )
    expected = [{"Bucket": "src", "Key": f"x/{n}.jpg", "Size": f"{n}0"} for n in (1, 2, 3)]
    for config in ({"InputType": "MANIFEST"}, {"ManifestType": "S3_INVENTORY"}):
        assert [item.value for item in read_items(reader(config), objects)] == expected


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fileFormat": "ORC"}', '{"fileFormat": "CSV", "fileSchema": 1}'])
def test_what_is_no_inventory_is_refused(text: str) -> None:
    assert refused(text, {"InputType": "MANIFEST"})


def test_an_athena_manifest_names_the_files_to_read() -> None:
    """ "Athena manifest as data source"."""
    objects = Objects({"k": b"s3://b/d/1.csv\ns3://b/d/2.csv\n", "d/1.csv": b"1,2\n", "d/2.csv": b"3,4"})
    config = given("a", "b", ManifestType="ATHENA_DATA")
    assert list(read_items(reader(config), objects)) == [
        Item({"a": "1", "b": "2"}, None, "S3://b/d/1.csv"),
        Item({"a": "3", "b": "4"}, None, "S3://b/d/2.csv"),
    ]
    parquet = {"ManifestType": "ATHENA_DATA", "InputType": "PARQUET"}
    assert [item.value for item in read_items(reader(parquet), objects)] == [
        {"row of": "d/1.csv"},
        {"row of": "d/2.csv"},
    ]
    assert refused("not a place", config)


def test_max_items_limits_what_is_read() -> None:
    """ "MaxItems"."""
    objects = Objects({"k": b"1\n" * 1000})
    config = {"InputType": "JSONL", "MaxItems": 3}
    assert len(list(read_items(reader(config), objects))) == 3
    assert len(list(read_items(reader({**config, "MaxItems": 0}), objects))) == 1000
    with pytest.raises(StateFailedError) as caught:
        read_items(reader({**config, "MaxItems": -1}), objects)
    assert (caught.value.error, caught.value.cause) == ("States.ItemReaderFailed", "field MaxItems must be positive")


@pytest.mark.parametrize(
    "broken",
    [
        {"Resource": "arn:aws:states:::s3:headObject"}, {"Parameters": {"Bucket": "b"}}, {"Parameters": {"Key": "k"}},
        {"Parameters": {"Bucket": 1, "Key": "k"}}, {"Parameters": []}, {"ReaderConfig": []},
        {"ReaderConfig": {"InputType": []}},
        {"ReaderConfig": {"ManifestType": "OTHER"}}, {"ReaderConfig": {"InputType": "JSON", "ItemsPointer": 1}},
        {"Parameters": {"Bucket": "b", "Key": "k", "VersionId": "1"}},
    ],
)  # fmt: skip
def test_a_reader_that_makes_no_sense_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(StateFailedError) as caught:
        list(read_items({**reader(JSON), **broken}, Objects({"k": b"[]"})))
    assert caught.value.error == "States.ItemReaderFailed"


def test_items_of_the_states_input_are_an_array_or_an_object() -> None:
    assert list(given_items([1, 2])) == [Item(1), Item(2)]
    assert list(given_items({"a": 1})) == [Item(1, "a", "STATE_DATA")]
    with pytest.raises(StateFailedError, match="non-iterable"):
        given_items("text")
