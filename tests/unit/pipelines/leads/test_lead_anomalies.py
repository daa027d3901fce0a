import math
from typing import Any

import pytest

from penstock.pipelines.leads.anomalies import find_anomalies, reject_rate, stability_index

USUAL: dict[str, Any] = {
    "run_id": "r", "rules_version": "1", "model_version": None, "records_read": 1000, "records_stored": 900,
    "records_merged": 80, "records_rejected": 20, "average_score": 45.0, "grade_a": 90, "grade_b": 270, "grade_c": 360,
    "grade_d": 180,
}  # fmt: skip


def kinds(earlier: int = 10, **columns: Any) -> list[str]:
    return [one.kind for one in find_anomalies({**USUAL, **columns}, [USUAL] * earlier)]


def test_a_run_like_the_others_is_nothing_unusual() -> None:
    assert kinds() == []
    assert kinds(records_read=1900, records_rejected=80, average_score=54.0) == []


@pytest.mark.parametrize("count", [0, 400, 2100, 1_000_000])
def test_half_or_twice_as_many_records(count: int) -> None:
    assert kinds(records_read=count, records_rejected=0) == ["volume"]


def test_many_rejects() -> None:
    assert kinds(records_rejected=69) == []
    assert kinds(records_rejected=71) == ["reject_rate"]
    assert kinds(records_rejected=0) == []


def test_shifted_scores() -> None:
    assert kinds(average_score=56.0) == ["average_score"]
    assert kinds(average_score=34.0) == ["average_score"]
    assert kinds(grade_a=0, grade_b=0, grade_c=0, grade_d=900) == ["grades"]


def test_scores_of_other_rules_are_not_compared() -> None:
    assert kinds(rules_version="2", average_score=90.0, grade_a=900, grade_b=0, grade_c=0, grade_d=0) == []


def test_too_few_runs_say_nothing() -> None:
    assert kinds(earlier=3, records_read=5_000_000) == []
    assert kinds(earlier=4, records_read=5_000_000, records_rejected=0) == ["volume"]


def test_one_odd_run_does_not_change_what_is_usual() -> None:
    odd = {**USUAL, "records_read": 1_000_000}
    assert find_anomalies(USUAL, [odd, *[USUAL] * 6]) == []
    assert [one.kind for one in find_anomalies(odd, [odd, *[USUAL] * 6])] == ["volume", "reject_rate"][:1]


def test_what_varies_much_may_vary() -> None:
    earlier = [{**USUAL, "records_read": count} for count in (100, 1000, 10_000, 300, 3000, 1000)]
    assert find_anomalies({**USUAL, "records_read": 9000}, earlier) == []


def test_it_is_said_in_words() -> None:
    (found,) = find_anomalies({**USUAL, "records_rejected": 200}, [USUAL] * 5)
    assert found.message == "20.0 % of the records were rejected, 2.0 % are usual"


def test_figures_by_hand() -> None:
    assert reject_rate({"records_read": 0, "records_rejected": 0}) == 0.0
    assert reject_rate({"records_read": 8, "records_rejected": 2}) == 25.0
    # (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln (2/3)
    by_hand = 0.25 * math.log(2) - 0.25 * math.log(2 / 3)
    assert stability_index([0.5, 0.5], [0.25, 0.75]) == pytest.approx(by_hand)
    assert stability_index([0.5, 0.5], [0.5, 0.5]) == 0
