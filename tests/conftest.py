"""The order of the tests."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts those first that wait for minutes, each with a short one: workers take two at a time.

    The others run beside them, in whatever order they were shuffled into.
    """
    long = [one for one in items if "acceptance" in one.path.parts and one.get_closest_marker("slow") is not None]
    long.sort(key=lambda item: item.nodeid)
    waiting = set(long)
    others = [item for item in items if item not in waiting]
    pairs = [one for pair in zip(long, others, strict=False) for one in pair]
    items[:] = [*pairs, *long[len(others) :], *others[len(long) :]]
