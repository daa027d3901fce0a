"""Which libraries go into layers: those that several tasks share, together with what just the same tasks share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAYERS_PER_FUNCTION = 5


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where libraries go.

    Attributes:
        layers: the distributions of each layer, by the layer's name, which is its largest distribution's.
        of_task: the layers of each task, sorted.
        in_zip: the distributions of each task that no layer of its holds.
    """

    layers: dict[str, tuple[str, ...]]
    of_task: dict[str, tuple[str, ...]]
    in_zip: dict[str, tuple[str, ...]]


def plan_layers(needs: Mapping[str, frozenset[str]], sizes: Mapping[str, int]) -> Layout:
    """Returns where each library goes, so that no task gets what it does not import.

    Args:
        needs: the distributions of each task.
        sizes: of each distribution, in bytes.
    """
    groups = _groups(needs)
    for task in sorted(needs):
        mine = [tasks for tasks in groups if task in tasks]
        # The smallest cost least where each task carries its own copy.
        mine.sort(key=lambda tasks: (sum(sizes[name] for name in groups[tasks]), sorted(tasks)))
        for tasks in mine[: max(0, len(mine) - LAYERS_PER_FUNCTION)]:
            del groups[tasks]
    layers = {_largest(names, sizes): (tuple(sorted(names)), tasks) for tasks, names in groups.items()}
    held = {task: {name for tasks, names in groups.items() if task in tasks for name in names} for task in needs}
    return Layout(
        layers={layer: names for layer, (names, _) in sorted(layers.items())},
        of_task={task: tuple(sorted(la for la, (_, tasks) in layers.items() if task in tasks)) for task in needs},
        in_zip={task: tuple(sorted(wanted - held[task])) for task, wanted in needs.items()},
    )


def _groups(needs: Mapping[str, frozenset[str]]) -> dict[frozenset[str], list[str]]:
    """Returns the distributions that several tasks need, by just those tasks."""
    users: dict[str, set[str]] = defaultdict(set)
    for task, names in needs.items():
        for name in names:
            users[name].add(task)
    groups: dict[frozenset[str], list[str]] = defaultdict(list)
    for name in sorted(users):
        if len(users[name]) > 1:
            groups[frozenset(users[name])].append(name)
    return groups


def _largest(names: list[str], sizes: Mapping[str, int]) -> str:
    return min(names, key=lambda name: (-sizes[name], name))
