"""Tables of the catalog, against Athena's documents on partition projection and on the OpenX JSON SerDe.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
"""

import datetime
import decimal
import itertools
from enum import Enum

import msgspec
import pytest

from penstock.adapters.local.query_views import sources
from penstock.deploy.projection import CatalogTable, catalog_tables
from penstock.lake.layout import parse_key, partition_path, quarantine_key, raw_key
from penstock.lake.records import Bad, encode_quarantine
from penstock.lake.sealing import sealed_key
from penstock.model.column_types import SCALARS as DUCKDB_SCALARS
from penstock.model.column_types import duckdb_type, glue_type
from penstock.model.datasets import LakeTable
from penstock.model.schema import Column

FEBRUARY_20TH_07 = 1_771_574_220.0  # 2026-02-20T07:57:00Z


class Colour(Enum):
    RED = "red"


class Place(msgspec.Struct):
    street: str
    floors: list[int]


class Everything(msgspec.Struct):
    text: str
    yes: bool
    whole: int
    real: float
    data: bytes
    money: decimal.Decimal
    at: datetime.datetime
    on: datetime.date
    colour: Colour
    place: Place
    names: list[str]
    sizes: dict[str, float]
    maybe: int | None = None


class Camel(msgspec.Struct, rename="camel"):
    user_id: str


EVERYTHING = LakeTable(name="things", record=Everything)


def table_of(record: type[msgspec.Struct], partition: str = "hour") -> CatalogTable:
    return catalog_tables([msgspec.structs.replace(EVERYTHING, record=record, partition=partition)])[0]


def test_columns_have_the_catalogs_types() -> None:
    assert [(column.name, column.type) for column in table_of(Everything).columns] == [
        ("text", "string"),
        ("yes", "boolean"),
        ("whole", "bigint"),
        ("real", "double"),
        ("data", "string"),
        ("money", "decimal(38,9)"),
        ("at", "timestamp"),
        ("on", "date"),
        ("colour", "string"),
        ("place", "struct<street:string,floors:array<bigint>>"),
        ("names", "array<string>"),
        ("sizes", "map<string,double>"),
        ("maybe", "bigint"),
    ]


@pytest.mark.parametrize("name", sorted(DUCKDB_SCALARS))
def test_a_type_reads_the_same_text_in_both_engines(name: str) -> None:
    """What is text for DuckDB is text for Athena: bytes, too, are base64 text in JSON."""
    assert (glue_type(name) == "string") == (duckdb_type(name) == "VARCHAR")
    assert duckdb_type(glue_type(name)) == duckdb_type(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("array<binary>", "array<string>"),
        ("map<string,binary>", "map<string,string>"),
        ("struct<binary:binary,binary_size:bigint>", "struct<binary:string,binary_size:bigint>"),
        ("struct<userId:bigint>", "struct<userid:bigint>"),
    ],
)
def test_bytes_and_names_inside_of_other_types(name: str, expected: str) -> None:
    assert glue_type(name) == expected


def test_an_hourly_tables_partitions() -> None:
    assert table_of(Everything).parameters == {
        "EXTERNAL": "TRUE",
        "classification": "json",
        "projection.enabled": "true",
        "projection.year.type": "integer",
        "projection.year.range": "2025,2034",
        "projection.year.digits": "4",
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "projection.month.digits": "2",
        "projection.day.type": "integer",
        "projection.day.range": "1,31",
        "projection.day.digits": "2",
        "projection.hour.type": "integer",
        "projection.hour.range": "0,23",
        "projection.hour.digits": "2",
        "storage.location.template": "raw/things/year=${year}/month=${month}/day=${day}/hour=${hour}/",
    }


def test_a_daily_table_has_no_hours() -> None:
    table = table_of(Everything, partition="day")
    assert [key.name for key in table.partition_keys] == ["year", "month", "day"]
    assert table.path_template == "raw/things/year=${year}/month=${month}/day=${day}/"
    assert not [name for name in table.parameters if "hour" in name]


def project(table: CatalogTable, years: str = "2026,2026") -> set[str]:
    """Computes the partitions as the documents say that Athena does: every integer of each range, in its digits."""
    names = [key.name for key in table.partition_keys]
    values = []
    for name in names:
        low, high = map(int, (years if name == "year" else table.parameters[f"projection.{name}.range"]).split(","))
        digits = int(table.parameters[f"projection.{name}.digits"])
        values.append([str(value).zfill(digits) for value in range(low, high + 1)])
    made = set()
    for combination in itertools.product(*values):
        path = table.path_template
        for name, value in zip(names, combination, strict=True):
            path = path.replace(f"${{{name}}}", value)
        made.add(path)
    return made


@pytest.mark.parametrize("partition", ["hour", "day"])
def test_the_keys_of_a_year_and_the_projected_partitions_are_the_same(partition: str) -> None:
    """In every zone. A projection also has days that are in no calendar, such as the 30th of February."""
    table = msgspec.structs.replace(EVERYTHING, partition=partition)
    new_year = 1_767_225_600  # 2026-01-01T00:00:00Z
    hours = [new_year + hour * 3600 for hour in range(365 * 24)]
    keys = {
        "raw": {raw_key(table, at, "source", "execution") for at in hours},
        "sealed": {sealed_key("things", partition_path(table, at)) for at in hours},
    }
    keys["quarantine"] = {quarantine_key(table, key) for key in keys["raw"]}
    made = catalog_tables([table], sealing=True)
    assert {one.zone for one in made} == keys.keys()
    for one in made:
        places = project(one)
        folders = {key.rpartition("/")[0] + "/" for key in keys[one.zone]}
        assert len(folders) == (365 if partition == "day" else 365 * 24)
        assert folders <= places
        assert all(day_of(place) is None for place in places - folders)
        before = f"{one.zone}/things/{partition_path(table, new_year - 1)}/"
        assert before not in places


def day_of(place: str) -> datetime.date | None:
    """Returns the day of a partition's path; None if no calendar has it."""
    values = dict(part.split("=") for part in place.split("/") if "=" in part)
    try:
        return datetime.date(int(values["year"]), int(values["month"]), int(values["day"]))
    except ValueError:
        return None


def test_partition_values_are_text_as_in_local_sql() -> None:
    table = msgspec.structs.replace(EVERYTHING, partition="hour")
    key = raw_key(table, FEBRUARY_20TH_07, "source", "execution")
    assert parse_key(key).partition == {"year": "2026", "month": "02", "day": "20", "hour": "07"}
    assert {key.type for key in table_of(Everything).partition_keys} == {"string"}


def test_every_table_that_local_sql_names_is_there_with_the_same_columns() -> None:
    tables = [EVERYTHING, LakeTable(name="days", record=Camel, partition="day")]
    local = {name: source.described() for name, source in sources(tables).items()}
    made = {table.name: [*table.columns, *table.partition_keys] for table in catalog_tables(tables)}
    own = {"things", "things_quarantine", "days", "days_quarantine"}
    assert made.keys() == own | {"raw_things", "raw_days"}
    assert own <= local.keys() <= made.keys()
    made = {name: described for name, described in made.items() if name in local}
    for name, described in made.items():
        assert [(c.name, duckdb_type(c.type)) for c in described] == [(c.name.lower(), c.type) for c in local[name]]


def test_the_quarantine_has_the_columns_of_its_lines() -> None:
    quarantine = catalog_tables([EVERYTHING])[1]
    line = msgspec.json.decode(encode_quarantine([Bad(7, "no", b"x")], "raw/things/a.json"))
    assert [column.name for column in quarantine.columns] == list(line)
    assert quarantine.path == "quarantine/things/"
    assert quarantine.path_template == "quarantine/things/year=${year}/month=${month}/day=${day}/hour=${hour}/"


def test_a_declared_table_wins_over_a_quarantine_of_its_name() -> None:
    made = catalog_tables([EVERYTHING, LakeTable(name="things_quarantine", record=Camel)])
    named = {table.name: table for table in made}
    assert len(named) == len(made)
    assert named["things_quarantine"].columns == (Column("userid", "string"),)
    assert named["things_quarantine_quarantine"].zone == "quarantine"


def test_the_raw_objects_have_a_name_of_their_own() -> None:
    """The name that a crawler with the prefix ``raw_`` would give them; a declared table of that name wins."""
    things, raw = (table for table in catalog_tables([EVERYTHING]) if table.zone == "raw")
    assert (things.name, raw.name) == ("things", "raw_things")
    assert msgspec.structs.replace(raw, name="things") == things
    made = catalog_tables([EVERYTHING, LakeTable(name="raw_things", record=Camel)])
    assert [one.columns for one in made if one.name == "raw_things"] == [(Column("userid", "string"),)]


def test_lines_that_are_no_json_are_left_out() -> None:
    assert table_of(Everything).serde_parameters["ignore.malformed.json"] == "TRUE"


def test_keys_of_maps_keep_their_case_where_no_name_needs_another() -> None:
    assert table_of(Everything).serde_parameters["case.insensitive"] == "FALSE"
    assert table_of(Camel).serde_parameters["case.insensitive"] == "TRUE"
