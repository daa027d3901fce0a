"""Translations that are known: the same as those that are made, until the rules, the text or the columns change."""

import subprocess
import sys
from pathlib import Path

import pytest

from penstock.errors import QueryError
from penstock.runtime.translations import TranslationCache
from penstock.sql.dialect import translate

SQL = "SELECT DATETRUNC('hour', timestamp) AS hour, i / j AS k FROM logs"
COLUMNS = {"logs": {"timestamp": "timestamp", "i": "bigint", "j": "bigint"}}


def cache(home: Path) -> TranslationCache:
    return TranslationCache(home / "cache" / "translations", home)


def files(home: Path) -> list[Path]:
    return sorted((home / "cache" / "translations").glob("*.msgpack"))


def test_what_is_known_is_what_was_made(tmp_path: Path) -> None:
    made = translate(SQL, source="athena", target="duckdb", columns=COLUMNS)
    assert made.changes
    for _ in range(2):
        assert cache(tmp_path)(SQL, source="athena", target="duckdb", columns=COLUMNS) == made
    assert len(files(tmp_path)) == 1


def test_text_dialects_and_columns_are_part_of_it(tmp_path: Path) -> None:
    asked = cache(tmp_path)
    asked(SQL, source="athena", target="duckdb", columns=COLUMNS)
    asked(SQL + " WHERE i > 1", source="athena", target="duckdb", columns=COLUMNS)
    asked(SQL, source="athena", target="athena", columns=COLUMNS)
    doubles = {"logs": {**COLUMNS["logs"], "i": "double"}}
    # Of a double the division stays what it was, so that the columns must have counted.
    found = asked(SQL, source="athena", target="duckdb", columns=doubles)
    assert found == translate(SQL, source="athena", target="duckdb", columns=doubles)
    assert found.sql != asked(SQL, source="athena", target="duckdb", columns=COLUMNS).sql
    assert len(files(tmp_path)) == 4


def test_a_refusal_is_told_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(QueryError):
            cache(tmp_path)("SELECT regexp_like(m, '(?=x)') FROM logs", source="athena", target="duckdb")
    assert files(tmp_path) == []


def test_a_damaged_translation_is_made_anew(tmp_path: Path) -> None:
    asked = cache(tmp_path)
    made = asked(SQL, source="athena", target="duckdb", columns=COLUMNS)
    (path,) = files(tmp_path)
    path.write_bytes(b"\xc1")
    assert asked(SQL, source="athena", target="duckdb", columns=COLUMNS) == made


def test_without_a_home_nothing_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "none"
    assert cache(home)(SQL, source="athena", target="duckdb", columns=COLUMNS).sql
    assert not home.exists()


def test_a_known_translation_needs_no_parser(tmp_path: Path) -> None:
    asking = (
        "import sys; from pathlib import Path; from penstock.runtime.translations import TranslationCache;"
        f"home = Path({str(tmp_path)!r}); asked = TranslationCache(home / 'cache' / 'translations', home);"
        f"asked({SQL!r}, source='athena', target='duckdb', columns={COLUMNS!r});"
        "print('sqlglot' in sys.modules)"
    )
    told = [
        subprocess.run([sys.executable, "-c", asking], check=True, capture_output=True, text=True).stdout.strip()
        for _ in range(2)
    ]
    assert told == ["True", "False"]
