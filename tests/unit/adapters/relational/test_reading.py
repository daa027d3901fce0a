"""What may be asked of a warehouse."""

import pytest

from penstock.adapters.relational.reading import check_reads
from penstock.errors import QueryError
from penstock.ports.warehouse import Server


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1", " -- why\nselect 1;", "WITH a AS (SELECT 1) SELECT * FROM a", "(SELECT 1) UNION (SELECT 2)",
        "SELECT ';' AS text, :name AS given", "/* ; */ SELECT 1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mysql"])
def test_one_statement_that_reads_is_let_through(sql: str, server: Server) -> None:
    check_reads(sql, server)


@pytest.mark.parametrize(
    "sql",
    [
        "", ";", "-- nothing", "DELETE FROM leads", "COMMIT", "SELECT 1; DELETE FROM leads",
        "SELECT 1; COMMIT; SELECT 2",
        "PRAGMA query_only=OFF", "ATTACH DATABASE 'x' AS y", "CREATE TABLE a (b INT)", "SET SESSION x = 1",
        "SELECT 'open",
    ],
)  # fmt: skip
@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mysql"])
def test_anything_else_is_refused(sql: str, server: Server) -> None:
    with pytest.raises(QueryError) as raised:
        check_reads(sql, server)
    assert raised.value.hint
