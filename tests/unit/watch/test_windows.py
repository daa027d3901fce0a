import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import UsageError
from penstock.watch.windows import check_statistic, check_window, percentile, period_start, series, statistic

DATA = [(1.0, 1.0), (2.0, 2.0), (6.0, 1.0)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Average", 11 / 4), ("Sum", 11.0), ("Minimum", 1.0), ("Maximum", 6.0), ("SampleCount", 4.0), ("p50", 2.0)],
)
def test_statistics(name: str, expected: float) -> None:
    assert statistic(name, DATA) == expected


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0.1, 100))
def test_a_percentile_is_the_textbooks(values: list[float], rank: float) -> None:
    # Linear interpolation between closest ranks, over the sorted list.
    ordered = sorted(values)
    position = rank / 100 * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    expected = ordered[low] + (ordered[high] - ordered[low]) * (position - low)
    assert percentile(rank, [(value, 1.0) for value in values]) == pytest.approx(expected, abs=1e-6)


def test_counts_stand_for_repeated_values() -> None:
    repeated = [(5.0, 1.0)] * 3 + [(9.0, 1.0)] * 2
    for rank in (10, 50, 60, 75, 99, 100):
        assert percentile(rank, [(5.0, 3.0), (9.0, 2.0)]) == percentile(rank, repeated)


def test_periods_count_from_the_start_of_the_window() -> None:
    values = [(100.0, 1.0, 1.0), (159.9, 3.0, 1.0), (160.0, 10.0, 1.0), (300.0, 7.0, 1.0)]
    assert series(values, "Average", 60, 100.0, 300.0) == {100.0: 2.0, 160.0: 10.0}


@pytest.mark.parametrize(("at", "origin", "start"), [(119.9, 0, 60), (120, 0, 120), (119.9, 50, 110), (40, 50, -10)])
def test_a_moment_lies_in_one_period(at: float, origin: float, start: float) -> None:
    assert period_start(at, 60, origin) == start


@pytest.mark.parametrize("name", ["Average", "p99", "p99.9", "p0.1", "p100"])
def test_statistics_that_exist(name: str) -> None:
    assert check_statistic(name) is None


@pytest.mark.parametrize("name", ["average", "p0", "p101", "p", "Median", ""])
def test_statistics_that_do_not(name: str) -> None:
    assert check_statistic(name) is not None


@pytest.mark.parametrize("name", ["average", "Median", "p101"])
def test_a_statistic_that_does_not_exist_cannot_be_asked_for(name: str) -> None:
    with pytest.raises(UsageError, match="is no statistic"):
        statistic(name, DATA)


@pytest.mark.parametrize(
    ("period", "count", "is_possible"),
    [(60, 1, True), (10, 6, True), (15, 1, False), (90, 1, False), (60, 1440, True), (60, 1441, False),
     (3540, 24, True), (3540, 25, False), (3600, 168, True), (3600, 169, False), (604_800, 1, True),
     (20, 4320, True), (20, 4321, False), (30, 1, True), (40, 1, False), (0, 1, False), (-60, 1, False),
     (10_800, 56, True), (10_800, 57, False), (60, 0, False)],
)  # fmt: skip
def test_windows_that_cloudwatch_looks_at(period: int, count: int, is_possible: bool) -> None:
    assert (check_window(period, count) is None) is is_possible
