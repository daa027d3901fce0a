"""Pairs that are one → groups that are one."""

from __future__ import annotations


def cluster_firsts(left: list[int], right: list[int]) -> list[int]:
    """Returns, for each pair, the smallest number of all that are connected with it.

    Args:
        left: one number of each pair.
        right: the other, in the same order.
    """
    parents: dict[int, int] = {}

    def root(number: int) -> int:
        top = number
        while (parent := parents.setdefault(top, top)) != top:
            top = parent
        while number != top:
            parents[number], number = top, parents[number]
        return top

    for one, other in zip(left, right, strict=True):
        first, second = root(one), root(other)
        if first != second:
            parents[max(first, second)] = min(first, second)
    return [root(number) for number in left]
