"""What a run of orders says at its end."""

from penstock.pipelines.orders import totals

KEY = "raw/raw_orders/year=2026/month=02/day=20/hour=07/a.json"


def item(key: str, *counts: int) -> dict[str, object]:
    one = totals.Processed(key=key, read=sum(counts), stored=counts[0], quarantined=counts[1], duplicates=counts[2])
    return totals.processed(one, "2026-02-20", [])[0]


def test_what_became_of_the_records_is_said() -> None:
    lines = totals.told([{"key": KEY, "records": 1126}], [item(KEY, 1113, 10, 3)]).splitlines()
    assert lines[0] == "1,126 records in one object"
    assert [line.split()[0] for line in lines[1:]] == ["1,113", "10", "3"]
    assert "reject-reasons" in lines[2]


def test_what_did_not_happen_is_not_said() -> None:
    assert totals.told([], []) == "No orders were to be written."
    lines = totals.told([{"key": KEY, "records": 5}], [item(KEY, 5, 0, 0)]).splitlines()
    assert len(lines) == 2


def test_objects_that_are_not_processed_are_counted() -> None:
    written = [{"key": KEY, "records": 5}, {"key": f"{KEY}l", "records": 5}]
    assert "1 of the objects are not processed yet" in totals.told(written, [item(KEY, 5, 0, 0)])
