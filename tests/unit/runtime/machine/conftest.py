"""Map runs, and logs that are followed, in a temporary home."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.following import Scene
from tests.map_runs import MAY, World

from penstock import faultpoints
from penstock.model.access import Grant


@pytest.fixture
def made(tmp_path: Path) -> Iterator[list[World]]:
    worlds: list[World] = []
    yield worlds
    for world in worlds:
        world.database.close()


@pytest.fixture
def world(tmp_path: Path, made: list[World]) -> Any:
    def make(document: dict[str, Any], may: tuple[Grant, ...] = MAY) -> World:
        made.append(World(tmp_path, document, may))
        return made[-1]

    return make


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    faultpoints.disarm()
    made.follower.close()
