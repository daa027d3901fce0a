"""A drill's verdict: what was there before is there after, as often, and nothing else is."""

from penstock.rehearsal.drill_report import DrillReport, Recovery, document, same


def test_what_came_back_as_it_was_is_equal_in_any_order() -> None:
    found = same("items", ["a", "b", "b"], ["b", "a", "b"])
    assert (found.is_equal, found.compared) == (True, 3)


def test_what_is_lost_and_what_was_not_there_is_named() -> None:
    found = same("items", ["a", "b", "b"], ["b", "c"])
    assert found.differences == ["lost: a", "lost: b", "not there before: c"]


def test_nothing_instead_of_everything_is_a_loss() -> None:
    assert not same("items", ["a"], []).is_equal
    assert same("items", [], []).is_equal


def test_a_drill_fails_for_each_thing_that_did_not_come_back() -> None:
    lost = Recovery(loss="table deleted", comparisons=[same("items", ["a"], []), same("objects", ["o"], ["o"])])
    left_out = Recovery(loss="region lost", not_drilled="there is no copy")
    report = DrillReport(pipeline="shop", recoveries=[lost, left_out])
    assert report.failures == ["table deleted: items: 1 differ"]
    assert document(report)["passed"] is False
    assert document(DrillReport(pipeline="shop", recoveries=[left_out]))["passed"] is True
